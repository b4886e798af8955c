/** What the operations on instances read and write of an instance with its disks. */
import { listDetachedSystemDisks, listDisksOfInstance, updateDisk } from '../catalog/disks.ts';
import { purgeDeletedImage } from '../catalog/images.ts';
import { deleteInstance, updateInstance } from '../catalog/instances.ts';
import type { DiskRow, InstanceRow, Queries } from '../catalog/schema.ts';
import { deleteTags } from '../catalog/tags.ts';
import { attachedDiskOf, forgetDisk } from './disk-folder.ts';
import { raiseGarbageMark } from './garbage.ts';
import { markDetached } from './operations/detach-disk.ts';
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

/**
 * The instance is in no answer any more, nor are its tags and the disks that go with it; the others are free. Returns the
 * disks that went: their folders are still there.
 */
export async function forgetInstance(transaction: Queries, instance: InstanceRow, nowMs: number): Promise<string[]> {
  const { instance_id: instanceId } = instance;
  const disks = await listDisksOfInstance(transaction, instanceId);
  const detached = await listDetachedSystemDisks(transaction, instanceId);
  const isGoing = (disk: DiskRow) => goesWith(disk, instanceId);
  const going = [...disks, ...detached].filter(isGoing);
  const staying = disks.filter((disk) => !isGoing(disk));
  for (const { disk_id: diskId } of going) await forgetDisk(transaction, diskId);
  for (const { disk_id: diskId } of staying) {
    await markDetached(transaction, { diskId, deleteWithInstance: false }, nowMs);
  }
  for (const kept of [...staying, ...detached.filter((disk) => !isGoing(disk))]) {
    if ((kept.origin_instance_id ?? instanceId) === instanceId) await makeDataDisk(transaction, kept.disk_id);
  }
  await deleteTags(transaction, instanceId);
  await deleteInstance(transaction, instanceId);
  for (const imageId of new Set([instance.image_id, ...going.flatMap((disk) => disk.image_id ?? [])])) {
    if (await purgeDeletedImage(transaction, imageId)) await raiseGarbageMark(transaction, imageId);
  }
  return going.map((disk) => disk.disk_id);
}

/** Of the disks of an instance: a system disk that was detached goes too, if it was detached so and is attached to nothing. */
export function goesWith(disk: DiskRow, instanceId: string): boolean {
  const isFree = disk.instance_id === null && disk.status === 'Available';
  return disk.delete_with_instance === 1 && (disk.instance_id === instanceId || isFree);
}

/** Whatever it was: the instance that it could boot is no more. */
async function makeDataDisk(transaction: Queries, diskId: string): Promise<void> {
  await updateDisk(transaction, diskId, { type: 'data', portable: 1, origin_instance_id: null });
}
