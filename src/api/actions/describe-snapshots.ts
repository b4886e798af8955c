/** DescribeSnapshots (`ecs-api.md` 2.1). */
import { diskOfSnapshotLink } from '../../ecs/ids.ts';
import type { SnapshotFilter } from '../../ecs/list-filters.ts';
import { defineAction } from '../action.ts';
import {
  constantFilter,
  emptyPage,
  finishDryRun,
  matchesNothing,
  noneHas,
  pageFields,
  pagingOf,
  pagingParameters,
  resourceFilterOf,
  tagFilters,
  timeFilters,
} from '../filters.ts';
import { invalidParameter, jsonList, oneOf, text, type Values } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';
import { renderSnapshot } from '../render/snapshot.ts';

const parameters = {
  ...pagingParameters(100),
  SnapshotIds: jsonList('InvalidSnapshotIds.Malformed'),
  DiskId: text(),
  InstanceId: text(),
  SnapshotName: text(),
  SnapshotLinkId: text(),
  Status: oneOf(['all', 'progressing', 'accomplished', 'failed'], 'InvalidStatus.NotFound'),
  SourceDiskType: oneOf(['system', 'data'], 'InvalidSourceDiskType'),
  Usage: oneOf(['none', 'image', 'disk', 'image_disk'], 'InvalidUsage'),
  SnapshotType: oneOf(['all', 'user', 'auto', 'timer', 'undo'], 'InvalidSnapshotType.NotFound'),
  Category: oneOf(['Standard', 'Flash', 'Archive'], 'InvalidSnapshotCategory.Malformed'),
  Encrypted: constantFilter({ all: ['false'], none: ['true'], code: 'InvalidParameter' }),
  KMSKeyId: noneHas(),
  ResourceGroupId: text(),
  Filter: timeFilters(['CreationStartTime', 'CreationEndTime']),
  Tag: tagFilters(),
  DryRun: dryRun,
};

export const describeSnapshots = defineAction({
  name: 'DescribeSnapshots',
  parameters,
  run: async (values, { control, region }) => {
    const paging = pagingOf(values);
    const diskIds = diskIdsOf(values);
    finishDryRun(values.DryRun);
    const isEmpty = matchesNothing(values) || asksForNone(values) || diskIds.length > 1;
    const page = isEmpty ? emptyPage : await control.listSnapshots(filterOf(values, diskIds), paging);
    const snapshots = page.items.map((snapshot) => renderSnapshot(snapshot, region.regionId));
    return { ...pageFields(paging, page), Snapshots: { Snapshot: snapshots } };
  },
});

/** There are no local snapshots (Flash). */
function asksForNone({ SnapshotIds, Category }: Values<typeof parameters>): boolean {
  return SnapshotIds?.length === 0 || Category === 'Flash';
}

/** The disks asked for, by id and by chain: two different ones have no snapshot in common. */
function diskIdsOf(values: Values<typeof parameters>): string[] {
  const ids = values.DiskId === null ? [] : [values.DiskId];
  if (values.SnapshotLinkId !== null) {
    const ofLink = diskOfSnapshotLink(values.SnapshotLinkId);
    if (ofLink === null) {
      throw invalidParameter(
        'InvalidSnapshotLinkId.NotFound',
        'SnapshotLinkId',
        values.SnapshotLinkId,
        'chain ids start with "sl-"',
      );
    }
    ids.push(ofLink);
  }
  return [...new Set(ids)];
}

function filterOf(values: Values<typeof parameters>, [diskId]: string[]): SnapshotFilter {
  return {
    ...resourceFilterOf(values),
    ...(values.SnapshotIds !== null && { snapshotIds: values.SnapshotIds }),
    ...(diskId !== undefined && { diskId }),
    ...(values.InstanceId !== null && { instanceId: values.InstanceId }),
    ...(values.SnapshotName !== null && { snapshotName: values.SnapshotName }),
    ...(values.Status !== null && values.Status !== 'all' && { status: values.Status }),
    ...(values.Category !== null && { category: values.Category === 'Archive' ? 'archive' : 'standard' }),
    ...(values.SourceDiskType !== null && { sourceDiskType: values.SourceDiskType }),
    ...(values.Usage !== null && { usage: values.Usage }),
    ...(values.SnapshotType === 'undo' && { undo: true }),
    ...(values.SnapshotType === 'user' && { undo: false, automatic: false }),
    ...(['auto', 'timer'].includes(values.SnapshotType ?? '') && { undo: false, automatic: true }),
  };
}
