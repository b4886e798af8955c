/**
 * DescribeSnapshotsUsage (`ecs-api.md` 2.1): how many snapshots there are, and what they take. `UncountedCount`, `UndoCount` and
 * `UndoSize` are extensions.
 */
import { defineAction } from '../action.ts';

export const describeSnapshotsUsage = defineAction({
  name: 'DescribeSnapshotsUsage',
  parameters: {},
  run: async (_values, { control }) => {
    const { snapshotCount, sizeBytes, uncountedCount, undoCount, undoBytes } = await control.measureSnapshots();
    const extensions = { UncountedCount: uncountedCount, UndoCount: undoCount, UndoSize: undoBytes };
    return { SnapshotCount: snapshotCount, SnapshotSize: sizeBytes, ...extensions };
  },
});
