/** ResetDisk (`ecs-api.md` 2.3): rolls a disk back to a snapshot of its own. */
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const resetDisk = defineAction({
  name: 'ResetDisk',
  parameters: { DiskId: required(text()), SnapshotId: required(text()), DryRun: dryRun },
  run: async (values, { control, options }) => {
    await control.resetDisk(
      { diskId: values.DiskId, snapshotId: values.SnapshotId },
      options({ dryRun: values.DryRun }),
    );
    return {};
  },
});
