/** Rows that must be there, with the documented code when they are not, and the facts that `ecs/states.ts` asks for. */
import { findDisk } from '../catalog/disks.ts';
import { findImage } from '../catalog/images.ts';
import { findInstance } from '../catalog/instances.ts';
import type { DiskRow, ImageRow, InstanceRow, Queries, SnapshotRow } from '../catalog/schema.ts';
import { findSnapshot, isAvailable, listProgressingSnapshots } from '../catalog/snapshots.ts';
import type { ImageFacts } from '../ecs/image-rules.ts';
import type { DiskFacts, InstanceFacts, Refusal, SnapshotFacts, UnfinishedSnapshot } from '../ecs/states.ts';
import { RequestError } from '../lib/errors.ts';
import { firstBaseOf } from './disk-folder.ts';

export async function getDisk(queries: Queries, diskId: string, code = 'InvalidDiskId.NotFound'): Promise<DiskRow> {
  const row = await findDisk(queries, diskId);
  if (row !== undefined) return row;
  throw new RequestError(code, `There is no disk ${diskId}: DescribeDisks lists those that there are.`);
}

export async function getInstance(queries: Queries, instanceId: string): Promise<InstanceRow> {
  const row = await findInstance(queries, instanceId);
  if (row !== undefined) return row;
  throw new RequestError(
    'InvalidInstanceId.NotFound',
    `There is no instance ${instanceId}: DescribeInstances lists those that there are.`,
  );
}

/** An image that is not deleted. */
export async function getImage(queries: Queries, imageId: string): Promise<ImageRow> {
  const row = await findImage(queries, imageId);
  if (row !== undefined && row.deleted === 0) return row;
  throw new RequestError(
    'InvalidImageId.NotFound',
    `There is no image ${imageId}: DescribeImages lists those that there are.`,
  );
}

/** A snapshot that is in answers (C5). */
export async function getSnapshot(
  queries: Queries,
  snapshotId: string,
  code = 'InvalidSnapshotId.NotFound',
): Promise<SnapshotRow> {
  const row = await findSnapshot(queries, snapshotId);
  if (row !== undefined && row.frozen === 1) return row;
  throw new RequestError(code, `There is no snapshot ${snapshotId}: DescribeSnapshots lists those that there are.`);
}

/** The instance that the disk is attached to, or null. */
export async function findInstanceOf(queries: Queries, disk: DiskRow): Promise<InstanceFacts | null> {
  return disk.instance_id === null ? null : instanceFacts(await getInstance(queries, disk.instance_id));
}

export async function listUnfinished(queries: Queries, diskIds: string[]): Promise<UnfinishedSnapshot[]> {
  const rows = await listProgressingSnapshots(queries, diskIds);
  return rows.map((row) => ({
    snapshotId: row.snapshot_id,
    sourceDiskId: row.source_disk_id,
    progressPercent: row.progress_percent,
    available: isAvailable(row),
  }));
}

/** Throws what `ecs/states.ts` says against it. */
export function assertAllowed(refusal: Refusal | null): void {
  if (refusal !== null) throw new RequestError(refusal.code, refusal.message);
}

export function diskFacts(row: DiskRow): DiskFacts {
  return {
    diskId: row.disk_id,
    status: row.status,
    instanceId: row.instance_id,
    zoneId: row.zone_id,
    everAttached: row.ever_attached === 1,
    beganEmpty: firstBaseOf(row)?.snapshotId === null,
  };
}

export function instanceFacts(row: InstanceRow): InstanceFacts {
  return { instanceId: row.instance_id, status: row.status, zoneId: row.zone_id };
}

export function snapshotFacts(row: SnapshotRow): SnapshotFacts {
  return {
    snapshotId: row.snapshot_id,
    status: row.status,
    available: isAvailable(row),
    sourceDiskId: row.source_disk_id,
    isCopy: row.source_snapshot_id !== null,
  };
}

export function imageFacts(row: ImageRow): ImageFacts {
  return { imageId: row.image_id, status: row.status, ownerAlias: row.owner_alias };
}
