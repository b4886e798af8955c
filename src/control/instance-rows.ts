/** What the operations on instances read and write of an instance with its disks. */
import { listDisksOfInstance } from '../catalog/disks.ts';
import { updateInstance } from '../catalog/instances.ts';
import type { Queries } from '../catalog/schema.ts';
import { attachedDiskOf } from './disk-folder.ts';
import type { RunningInstance } from './parts.ts';

/** The instance as its driver sees it. */
export async function runningInstance(queries: Queries, instanceId: string): Promise<RunningInstance> {
  const rows = await listDisksOfInstance(queries, instanceId);
  return { instanceId, disks: rows.map(attachedDiskOf) };
}

/** `Running`, and its disks have been used. */
export async function markRunning(transaction: Queries, instanceId: string, nowMs: number): Promise<void> {
  await updateInstance(transaction, instanceId, { status: 'Running', started_at_ms: nowMs });
  await transaction.updateTable('disks').set({ ever_attached: 1 }).where('instance_id', '=', instanceId).execute();
}
