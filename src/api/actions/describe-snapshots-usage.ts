/**
 * DescribeSnapshotsUsage (`ecs-api.md` 2.1): how many snapshots there are, and what they take. The counts and sizes beside those
 * are extensions.
 */
import { defineAction } from '../action.ts';

export const describeSnapshotsUsage = defineAction({
  name: 'DescribeSnapshotsUsage',
  parameters: {},
  run: async (_values, { control }) => {
    const { snapshotCount, sizeBytes, uncountedCount, ...beside } = await control.measureSnapshots();
    const extensions = {
      ...{ UncountedCount: uncountedCount, UndoCount: beside.undoCount, UndoSize: beside.undoBytes },
      ...{ RecycledCount: beside.recycledCount, RecycledSize: beside.recycledBytes },
    };
    return { SnapshotCount: snapshotCount, SnapshotSize: sizeBytes, ...extensions };
  },
});
