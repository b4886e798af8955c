/** DescribeSnapshotPackage (`ecs-api.md` 2.1): nothing is sold here, so there are no plans. */
import { defineAction } from '../action.ts';
import { pagingParameters } from '../filters.ts';

const { PageNumber, PageSize } = pagingParameters(100);

export const describeSnapshotPackage = defineAction({
  name: 'DescribeSnapshotPackage',
  parameters: { PageNumber, PageSize },
  run: (values) =>
    Promise.resolve({
      PageNumber: values.PageNumber ?? 1,
      PageSize: values.PageSize ?? 10,
      TotalCount: 0,
      SnapshotPackages: { SnapshotPackage: [] },
    }),
});
