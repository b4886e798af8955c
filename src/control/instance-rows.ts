/** What the operations on instances read and write of an instance with its disks. */
import { listDetachedSystemDisks, listDisksOfInstance, updateDisk } from '../catalog/disks.ts';
import { purgeDeletedImage } from '../catalog/images.ts';
import { deleteInstance, updateInstance } from '../catalog/instances.ts';
import { isBeingWorkedOn } from '../catalog/operations.ts';
import type { DiskRow, InstanceRow, Queries } from '../catalog/schema.ts';
import { listProgressingSnapshots } from '../catalog/snapshots.ts';
import { deleteTags } from '../catalog/tags.ts';
import { attachedDiskOf, markDetached } from './disk-folder.ts';
import type { RunningInstance } from './parts.ts';
import { FETCH_BASE } from './operations/fetch-base.ts';
import { listSnapshotOperations } from './snapshot-operations.ts';

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

/** The disks that go with the instance now. */
export async function listGoing(transaction: Queries, instanceId: string): Promise<DiskRow[]> {
  const going: DiskRow[] = [];
  for (const disk of await listBelonging(transaction, instanceId)) {
    const isBusy = disk.instance_id === null && (await isBusyDisk(transaction, disk.disk_id));
    if (goesWith(disk, instanceId) && !isBusy) going.push(disk);
  }
  return going;
}

async function listBelonging(transaction: Queries, instanceId: string): Promise<DiskRow[]> {
  const attached = await listDisksOfInstance(transaction, instanceId);
  return [...attached, ...(await listDetachedSystemDisks(transaction, instanceId))];
}

/**
 * The instance is in no answer any more, nor are its tags and the disks that go with it, by `discard`; the others are free. The
 * folders are still there.
 */
export async function forgetInstance(
  transaction: Queries,
  instance: InstanceRow,
  { going, nowMs, discard }: { going: DiskRow[]; nowMs: number; discard: (disk: DiskRow) => Promise<void> },
): Promise<void> {
  const { instance_id: instanceId } = instance;
  for (const disk of await listBelonging(transaction, instanceId)) {
    const isGoing = going.some((one) => one.disk_id === disk.disk_id);
    if (isGoing) await discard(disk);
    else await release(transaction, disk, { instanceId, nowMs });
  }
  await deleteTags(transaction, instanceId);
  await deleteInstance(transaction, instanceId);
  await purgeDeletedImage(transaction, instance.image_id);
}

async function isBusyDisk(transaction: Queries, diskId: string): Promise<boolean> {
  const snapshots = await listSnapshotOperations(transaction, diskId);
  const unfinished = await listProgressingSnapshots(transaction, [diskId]);
  return (
    snapshots.length > 0 ||
    unfinished.length > 0 ||
    (await isBeingWorkedOn(transaction, diskId, { besides: FETCH_BASE }))
  );
}

/**
 * Of the disks of an instance: a system disk that was detached goes too, if it was detached so and is attached to nothing.
 * When the instance goes at last, one that something was begun with meanwhile stays.
 */
export function goesWith(disk: DiskRow, instanceId: string): boolean {
  const isFree = disk.instance_id === null && disk.status === 'Available';
  return disk.delete_with_instance === 1 && (disk.instance_id === instanceId || isFree);
}

/** A disk that stays when its instance goes: attached to it no more, nor its system disk. */
async function release(
  transaction: Queries,
  disk: DiskRow,
  { instanceId, nowMs }: { instanceId: string; nowMs: number },
): Promise<void> {
  const { disk_id: diskId, home_instance_id: homeInstanceId } = disk;
  if (disk.instance_id === instanceId) {
    await markDetached(transaction, { diskId, deleteWithInstance: false }, nowMs);
  }
  if (homeInstanceId === null || homeInstanceId === instanceId) {
    await updateDisk(transaction, diskId, { type: 'data', portable: 1, home_instance_id: null });
  }
}
