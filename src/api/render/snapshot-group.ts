/** A snapshot group as DescribeSnapshotGroups shows it (`ecs-api.md` 2.1): its tags are Key and Value, unlike elsewhere. */
import type { Snapshot, SnapshotGroup, Tag } from '../../ecs/resources.ts';
import { formatSecond } from '../../ecs/times.ts';

/** `InstanceId` is blank unless all disks were attached to one instance. */
export function renderSnapshotGroup(group: SnapshotGroup): object {
  return {
    SnapshotGroupId: group.groupId,
    Name: group.groupName,
    Description: group.description,
    InstanceId: group.instanceId ?? '',
    Status: group.status,
    ProgressStatus: `${group.progressPercent}%`,
    CreationTime: formatSecond(group.createdAtMs),
    ResourceGroupId: group.resourceGroupId,
    Snapshots: { Snapshot: group.snapshots.map(renderMember) },
    Tags: renderKeysAndValues(group.tags),
  };
}

function renderMember(snapshot: Snapshot): object {
  return {
    SnapshotId: snapshot.snapshotId,
    SourceDiskId: snapshot.sourceDiskId,
    SourceDiskType: snapshot.sourceDiskType,
    Progress: `${snapshot.progressPercent}%`,
    Available: snapshot.available,
    InstantAccess: false,
    Tags: renderKeysAndValues(snapshot.tags),
  };
}

function renderKeysAndValues(tags: readonly Tag[]): object {
  return { Tag: tags.map(({ key, value }) => ({ Key: key, Value: value })) };
}
