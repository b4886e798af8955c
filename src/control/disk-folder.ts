/** The steps that several operations share: a disk's folder in diskd, and its row in the catalog. */
import { deleteDisk } from '../catalog/disks.ts';
import type { DiskRow, Queries } from '../catalog/schema.ts';
import { deleteTags } from '../catalog/tags.ts';
import type { BaseRef } from '../disk/protocol.ts';
import { GIB } from '../lib/geometry.ts';
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
  await raiseGarbageMark(transaction, diskId);
}

export function baseOf(row: { base: string }): BaseRef {
  return JSON.parse(row.base) as BaseRef;
}

export function attachedDiskOf(row: DiskRow): AttachedDisk {
  return { diskId: row.disk_id, incarnation: row.incarnation };
}
