/** DescribeLockedSnapshots (`ecs-api.md` 2.1): locks, expired ones too; the list has no wrapper. */
import type { SnapshotLockFilter } from '../../ecs/list-filters.ts';
import type { SnapshotLockStatus } from '../../ecs/resources.ts';
import { defineAction } from '../action.ts';
import { finishDryRun, pagingParameters } from '../filters.ts';
import { oneOf, repeated } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';
import { renderLock } from '../render/snapshot-lock.ts';

const STATUSES: readonly SnapshotLockStatus[] = ['compliance-cooloff', 'compliance', 'expired'];

const { MaxResults, NextToken } = pagingParameters(100);

export const describeLockedSnapshots = defineAction({
  name: 'DescribeLockedSnapshots',
  parameters: {
    SnapshotIds: repeated(100),
    LockStatus: oneOf(STATUSES, 'InvalidLockStatus.Malformed'),
    MaxResults,
    NextToken,
    DryRun: dryRun,
  },
  run: async (values, { control }) => {
    finishDryRun(values.DryRun);
    const paging = { pageNumber: 1, pageSize: values.MaxResults ?? 10, nextToken: values.NextToken };
    const filter: SnapshotLockFilter = {
      ...(values.SnapshotIds.length > 0 && { snapshotIds: values.SnapshotIds }),
      ...(values.LockStatus !== null && { status: values.LockStatus }),
    };
    const page = await control.listLockedSnapshots(filter, paging);
    return { NextToken: page.nextToken ?? '', LockedSnapshotsInfo: page.items.map(renderLock) };
  },
});
