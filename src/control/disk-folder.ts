/** What several operations do with a disk: its folder in diskd, and its row in the catalog. */
import { deleteDisk, updateDisk } from '../catalog/disks.ts';
import type { DiskRow, Queries } from '../catalog/schema.ts';
import { findSnapshot } from '../catalog/snapshots.ts';
import { deleteTags } from '../catalog/tags.ts';
import { isViewBase } from '../disk/protocol.ts';
import type { BaseRef, TreeBase } from '../disk/protocol.ts';
import { OperationalError, messageOf } from '../lib/errors.ts';
import { GIB } from '../lib/geometry.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import type { AttachedDisk, Parts } from './parts.ts';
import { raiseGarbageMark } from './garbage.ts';

/** Again: nothing. */
export async function createDiskFolder(parts: Parts, row: DiskRow): Promise<void> {
  await parts.dataPlane.call('createDisk', {
    diskId: row.disk_id,
    sizeBytes: row.size_gib * GIB,
    base: baseOf(row),
  });
}

/** The row and its tags; what only its base kept is garbage now. */
export async function forgetDisk(transaction: Queries, diskId: string): Promise<void> {
  await deleteTags(transaction, diskId);
  await deleteDisk(transaction, diskId);
  await raiseGarbageMark(transaction);
}

/** Whatever the failure, it is tried again: the rows are gone. */
export async function removeFolders({ dataPlane }: Parts, diskIds: string[]): Promise<void> {
  for (const diskId of diskIds) {
    try {
      await dataPlane.call('deleteDisk', { diskId });
    } catch (error) {
      throw new OperationalError(`the folder of ${diskId} stays for now: ${messageOf(error)}`, {
        retryable: true,
        cause: error,
      });
    }
  }
}

/** The row of a disk that is attached to nothing any more. */
export async function markDetached(
  transaction: Queries,
  { diskId, deleteWithInstance }: { diskId: string; deleteWithInstance: boolean },
  nowMs: number,
): Promise<void> {
  await updateDisk(transaction, diskId, {
    status: 'Available',
    instance_id: null,
    device: null,
    detached_at_ms: nowMs,
    delete_with_instance: deleteWithInstance ? 1 : 0,
  });
}

export function baseOf(row: { base: string }): BaseRef {
  return JSON.parse(row.base) as BaseRef;
}

/** As it is in rows: the same base is always the same text. */
export function formatBase(base: BaseRef): string {
  const { snapshotId } = base;
  if (isViewBase(base)) return JSON.stringify({ snapshotId, viewOf: base.viewOf });
  return JSON.stringify({ snapshotId, tree: base.tree });
}

/** The tree that must be kept for the base; none for a view, which the operation of its snapshot keeps. */
export function treesOfBase(base: BaseRef | null | undefined): TreeRef[] {
  return base === null || base === undefined || isViewBase(base) ? [] : [base.tree];
}

/** A disk that has left its base (`operations/fetch-base.ts`) was made from that all the same, while its snapshot is there. */
export async function treeOfBase(queries: Queries, base: TreeBase): Promise<TreeBase> {
  if (base.snapshotId === null || base.tree.root !== null) return base;
  const row = await findSnapshot(queries, base.snapshotId);
  if (row?.status !== 'accomplished' || row.tree === null) return base;
  return { snapshotId: base.snapshotId, tree: JSON.parse(row.tree) as TreeRef };
}

/** What the disk began as; null when its source is deleted and nobody knows. Whoever uses it asks for that source first. */
export function firstBaseOf(row: DiskRow): BaseRef | null {
  return JSON.parse(row.first_base ?? 'null') as BaseRef | null;
}

export function attachedDiskOf(row: DiskRow): AttachedDisk {
  const { category, performance_level: performanceLevel, size_gib: sizeGib } = row;
  return { diskId: row.disk_id, incarnation: row.incarnation, kind: { category, performanceLevel, sizeGib } };
}
