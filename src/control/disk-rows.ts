/** New disks' rows: their size, what they begin as, and their names. */
import type { DiskRow, ImageDiskRow, Queries, SnapshotRow } from '../catalog/schema.ts';
import type { BaseRef } from '../disk/protocol.ts';
import { findSizeRange } from '../ecs/disk-categories.ts';
import type { DiskType } from '../ecs/resources.ts';
import { refuseDiskFromSnapshot } from '../ecs/states.ts';
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import { emptyTree } from '../repository/tree-ref.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { formatBase } from './disk-folder.ts';
import { viewOf } from './operations/create-snapshot.ts';
import { assertAllowed, getSnapshot, snapshotFacts } from './rows.ts';

/** What a disk begins as. */
export interface Origin {
  base: BaseRef;
  sizeGib: number;
  snapshot: SnapshotRow | null;
}

export const emptyOrigin: Origin = { base: { snapshotId: null, tree: emptyTree }, sizeGib: 0, snapshot: null };

/** The Available snapshot that a disk is made from; zeros without an id. `codes` say what the action documents. */
export async function findOrigin(
  transaction: Queries,
  snapshotId: string | null,
  codes: { notFound: string; notReady: string },
): Promise<Origin> {
  if (snapshotId === null) return emptyOrigin;
  const row = await getSnapshot(transaction, snapshotId, codes.notFound);
  const refusal = refuseDiskFromSnapshot(snapshotFacts(row));
  assertAllowed(refusal === null ? null : { ...refusal, code: codes.notReady });
  return {
    base: baseOfSnapshot(row),
    sizeGib: row.source_disk_size_gib,
    snapshot: row,
  };
}

/** The tree once it is written, and until then the view (C12). */
export function baseOfSnapshot(row: SnapshotRow): BaseRef {
  const { snapshot_id: snapshotId, source_disk_id: diskId, tree } = row;
  if (tree === null) return viewOf({ diskId, snapshotId });
  return { snapshotId, tree: JSON.parse(tree) as TreeRef };
}

/** What a disk of an image that is Available begins as. */
export function originOfImageDisk(disk: ImageDiskRow): Origin {
  assert(disk.base !== null, `${disk.image_id} is used before it is there`);
  return { base: JSON.parse(disk.base) as BaseRef, sizeGib: disk.size_gib, snapshot: null };
}

/** At least the origin's size and the category's least; refused beyond its most, with `tooLarge`. */
export function planSizeGib(
  disk: { category: string; performanceLevel: string | null; sizeGib: number | null },
  type: DiskType,
  origin: Origin,
  tooLarge = 'InvalidDiskSize.NotSupported',
): number {
  if (disk.sizeGib === null && origin.sizeGib === 0) {
    throw new RequestError('MissingParameter', 'Size is needed for a disk that is not made from a snapshot.');
  }
  const range = findSizeRange(disk.category, disk.performanceLevel, type);
  if (range === null) {
    throw new RequestError('InvalidDiskCategory.NotSupported', `There are no ${type} disks of ${disk.category} here.`);
  }
  const sizeGib = Math.max(disk.sizeGib ?? 0, origin.sizeGib, range.leastGib);
  if (sizeGib <= range.mostGib) return sizeGib;
  throw new RequestError(tooLarge, `A ${disk.category} ${type} disk has at most ${range.mostGib} GiB, not ${sizeGib}.`);
}

/** A data disk that is attached to nothing and not there yet. */
export function newDiskRow(disk: {
  diskId: string;
  zoneId: string;
  category: string;
  performanceLevel: string | null;
  diskName: string;
  description: string;
  sizeGib: number;
  origin: Origin;
  resourceGroupId: string;
  nowMs: number;
}): DiskRow {
  return {
    disk_id: disk.diskId,
    zone_id: disk.zoneId,
    disk_name: disk.diskName,
    description: disk.description,
    category: disk.category,
    performance_level: disk.performanceLevel,
    size_gib: disk.sizeGib,
    status: 'Creating',
    type: 'data',
    created_at_ms: disk.nowMs,
    attached_at_ms: null,
    detached_at_ms: null,
    instance_id: null,
    device: null,
    delete_with_instance: 0,
    delete_auto_snapshot: 1,
    enable_auto_snapshot: 1,
    portable: 1,
    source_snapshot_id: disk.origin.base.snapshotId,
    image_id: null,
    ever_attached: 0,
    base: formatBase(disk.origin.base),
    incarnation: FIRST_INCARNATION,
    home_instance_id: null,
    first_base: formatBase(disk.origin.base),
    resource_group_id: disk.resourceGroupId,
    prepaid: 0,
  };
}

/** The incarnation that diskd gives to a new disk. */
export const FIRST_INCARNATION = 1;
