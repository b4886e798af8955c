/** ResetDisks (`ecs-api.md` 2.3): rolls disks back to the snapshots of one group. */
import { defineAction } from '../action.ts';
import { RequestError } from '../../lib/errors.ts';
import { groups, required, text } from '../parameters.ts';
import { renderOutcomes } from '../render/item-outcomes.ts';
import { dryRun } from '../resource-parameters.ts';

const MOST_DISKS = 10;

export const resetDisks = defineAction({
  name: 'ResetDisks',
  parameters: {
    Disk: groups(
      { DiskId: required(text()), SnapshotId: required(text()) },
      { most: MOST_DISKS, code: 'InvalidParameter' },
    ),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    if (values.Disk.length === 0) {
      throw new RequestError('MissingParameter', 'Give Disk.1.DiskId and Disk.1.SnapshotId, Disk.2.DiskId and so on.');
    }
    const disks = values.Disk.map(({ DiskId: diskId, SnapshotId: snapshotId }) => ({ diskId, snapshotId }));
    return renderOutcomes(await control.resetDisks({ disks }, options({ dryRun: values.DryRun })), 'DiskId');
  },
});
