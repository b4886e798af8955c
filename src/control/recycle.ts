/**
 * How a deleted snapshot or disk goes into the recycle bin, and how its row comes back: each within the transaction of whoever
 * deletes or restores. For everybody but the bin it is gone, exactly as if there were no bin; what it stands on stays, for its
 * entry is counted among what is needed (docs/adr/0012).
 */
import { deleteDisk, findDisk, insertDisk } from '../catalog/disks.ts';
import { findInstance } from '../catalog/instances.ts';
import {
  deleteRecycled,
  insertRecycledDisk,
  insertRecycledSnapshot,
  parseRecycledDisk,
  parseRecycledSnapshot,
} from '../catalog/recycle-bin.ts';
import type { DiskRow, Queries, RecycledRow, SnapshotRow } from '../catalog/schema.ts';
import { findSnapshotGroup, insertSnapshotGroup } from '../catalog/snapshot-groups.ts';
import { findSnapshot, insertSnapshot } from '../catalog/snapshots.ts';
import { deleteTags, insertTags, listTags } from '../catalog/tags.ts';
import { RequestError } from '../lib/errors.ts';
import { forgetDisk } from './disk-folder.ts';
import type { Parts } from './parts.ts';

type Bin = Pick<Parts, 'clock' | 'lockClock' | 'recycleMs'>;

/**
 * The disk is in no answer any more. True when its folder stays, for it can be restored; else what only its base kept is
 * garbage, and the caller removes the folder.
 */
export async function discardDisk(bin: Bin, transaction: Queries, row: DiskRow): Promise<boolean> {
  const { disk_id: diskId } = row;
  if (bin.recycleMs === 0) {
    await forgetDisk(transaction, diskId);
    return false;
  }
  const nowMs = bin.clock.nowMs();
  const detached = {
    ...{ status: 'Available' as const, instance_id: null, device: null, delete_with_instance: 0 },
    detached_at_ms: row.instance_id === null ? row.detached_at_ms : nowMs,
  };
  const freed = row.prepaid === 1 ? { prepaid: 0, ...(row.type === 'data' && { portable: 1 }) } : {};
  const tags = (await listTags(transaction, [diskId])).get(diskId) ?? [];
  await deleteTags(transaction, diskId);
  await deleteDisk(transaction, diskId);
  await insertRecycledDisk(
    transaction,
    { disk: { ...row, ...detached, ...freed }, tags },
    await stamp(bin, transaction, nowMs),
  );
  return true;
}

/** Whether it goes there when it is deleted: what was never whole does not, nor what is a copy of what was. */
export function isRecyclable({ recycleMs }: Bin, { status, undo_until_ms: undoUntilMs }: SnapshotRow): boolean {
  return recycleMs > 0 && status === 'accomplished' && undoUntilMs === null;
}

/** Before the row, its tags and its group go, which the caller removes. */
export async function recycleSnapshot(bin: Bin, transaction: Queries, row: SnapshotRow): Promise<void> {
  const { snapshot_id: snapshotId, snapshot_group_id: groupId } = row;
  const group = groupId === null ? undefined : await findSnapshotGroup(transaction, groupId);
  const tags = await listTags(transaction, [snapshotId, ...(groupId === null ? [] : [groupId])]);
  const { usage: _counted, ...snapshot } = row as SnapshotRow & { usage?: string };
  const recycled = {
    ...{ snapshot, tags: tags.get(snapshotId) ?? [] },
    group: group === undefined ? null : { row: group, tags: tags.get(group.snapshot_group_id) ?? [] },
  };
  await insertRecycledSnapshot(transaction, recycled, await stamp(bin, transaction, bin.clock.nowMs()));
}

/** Its end is a moment of the locks' time, which is written down with it. */
async function stamp({ lockClock, recycleMs }: Bin, transaction: Queries, nowMs: number) {
  await lockClock.save(transaction);
  return { nowMs, untilMs: lockClock.nowMs() + recycleMs };
}

/** As it was; a snapshot is in its group again, which comes back with it. Throws where something took its place. `nowMs`: of the locks' time. */
export async function putBack(transaction: Queries, entry: RecycledRow, nowMs: number): Promise<void> {
  await deleteRecycled(transaction, entry.resource_id);
  if (entry.resource_type === 'disk') await putBackDisk(transaction, entry);
  else await putBackSnapshot(transaction, entry, nowMs);
}

/** A system disk whose instance is gone is a data disk, as one that is left when its instance goes. */
async function putBackDisk(transaction: Queries, entry: RecycledRow): Promise<void> {
  const { disk, tags } = parseRecycledDisk(entry);
  const { disk_id: diskId, home_instance_id: homeId } = disk;
  assertFree(diskId, await findDisk(transaction, diskId));
  const isHomeless = homeId === null || (await findInstance(transaction, homeId)) === undefined;
  const homeless = { type: 'data' as const, portable: 1, home_instance_id: null };
  await insertDisk(transaction, { ...disk, ...(isHomeless && homeless) });
  await insertTags(transaction, diskId, tags);
}

/** Its days of retention begin anew: else it would go again at once. */
async function putBackSnapshot(transaction: Queries, entry: RecycledRow, nowMs: number): Promise<void> {
  const { snapshot, tags, group } = parseRecycledSnapshot(entry);
  const { snapshot_id: snapshotId } = snapshot;
  assertFree(snapshotId, await findSnapshot(transaction, snapshotId));
  await insertSnapshot(transaction, { ...snapshot, kept_since_ms: nowMs });
  await insertTags(transaction, snapshotId, tags);
  if (group === null) return;
  const { snapshot_group_id: groupId } = group.row;
  if ((await findSnapshotGroup(transaction, groupId)) !== undefined) return;
  await insertSnapshotGroup(transaction, group.row);
  await insertTags(transaction, groupId, group.tags);
}

function assertFree(id: string, present: object | undefined): void {
  if (present === undefined) return;
  throw new RequestError('OperationConflict', `${id} cannot be restored: there is one with that id.`);
}
