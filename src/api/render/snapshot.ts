/** A snapshot as DescribeSnapshots shows it (`ecs-api.md` 2.1). */
import { snapshotLinkId } from '../../ecs/ids.ts';
import type { Snapshot } from '../../ecs/resources.ts';
import { formatSecond } from '../../ecs/times.ts';
import { renderTags } from './list.ts';

/**
 * `SourceDiskSize` is a number, which every client reads. Extensions: `FailureReason` is why a snapshot is
 * `failed`, `UndoUntil` when one that keeps what a rollback replaced, whose type is `undo`, is deleted.
 * A name that was never set, and a retention without limit, are absent.
 */
export function renderSnapshot(snapshot: Snapshot, regionId: string): object {
  return {
    SnapshotId: snapshot.snapshotId,
    ...(snapshot.snapshotName === null ? {} : { SnapshotName: snapshot.snapshotName }),
    Description: snapshot.description,
    RegionId: regionId,
    SnapshotSN: snapshot.snapshotId.replace(/^s-/, ''),
    SnapshotLinkId: snapshotLinkId(snapshot.sourceDiskId),
    SnapshotType: typeOf(snapshot),
    Category: snapshot.category,
    Status: snapshot.status,
    Progress: `${snapshot.progressPercent}%`,
    RemainTime: snapshot.remainingSeconds,
    Available: snapshot.available,
    InstantAccess: false,
    Encrypted: false,
    KMSKeyId: '',
    CreationTime: formatSecond(snapshot.createdAtMs),
    LastModifiedTime: formatSecond(snapshot.modifiedAtMs),
    SourceDiskId: snapshot.sourceDiskId,
    SourceDiskSize: snapshot.sourceDiskSizeGib,
    SourceDiskType: snapshot.sourceDiskType,
    ...(snapshot.copyOf === null
      ? {}
      : { SourceRegionId: snapshot.copyOf.regionId, SourceSnapshotId: snapshot.copyOf.snapshotId }),
    SourceStorageType: 'disk',
    Usage: snapshot.usage,
    ProductCode: '',
    ResourceGroupId: snapshot.resourceGroupId,
    ...(snapshot.retentionDays === null ? {} : { RetentionDays: snapshot.retentionDays }),
    ...(snapshot.fullSizeBytes === null ? {} : { FullSnapshotSizeInBytes: snapshot.fullSizeBytes }),
    ...(snapshot.failureReason === null ? {} : { FailureReason: snapshot.failureReason }),
    ...(snapshot.undoUntilMs === null ? {} : { UndoUntil: formatSecond(snapshot.undoUntilMs) }),
    Tags: renderTags(snapshot.tags),
  };
}

function typeOf({ undoUntilMs, isAutomatic }: Snapshot): string {
  if (undoUntilMs !== null) return 'undo';
  return isAutomatic ? 'auto' : 'user';
}
