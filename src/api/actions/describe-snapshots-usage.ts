/** DescribeSnapshotsUsage (`ecs-api.md` 2.1): how many snapshots there are, and what they take. */
import { defineAction } from '../action.ts';

export const describeSnapshotsUsage = defineAction({
  name: 'DescribeSnapshotsUsage',
  parameters: {},
  run: async (_values, { control }) => {
    const { snapshotCount, sizeBytes, uncountedCount } = await control.measureSnapshots();
    return { SnapshotCount: snapshotCount, SnapshotSize: sizeBytes, UncountedCount: uncountedCount };
  },
});
