/** ResetDisk (`ecs-api.md` 2.3): rolls a disk back to a snapshot of its own. */
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';
import { unbuiltDryRun } from '../resource-parameters.ts';

export const resetDisk = defineAction({
  name: 'ResetDisk',
  parameters: { DiskId: required(text()), SnapshotId: required(text()), DryRun: unbuiltDryRun },
  run: async (values, { control }) => {
    await control.resetDisk({ diskId: values.DiskId, snapshotId: values.SnapshotId });
    return {};
  },
});
