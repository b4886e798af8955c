/** DeleteSnapshotGroup (`ecs-api.md` 2.1): its snapshots, but those that images are made from. */
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';
import { renderOutcomes } from '../render/item-outcomes.ts';
import { dryRun } from '../resource-parameters.ts';

export const deleteSnapshotGroup = defineAction({
  name: 'DeleteSnapshotGroup',
  parameters: { SnapshotGroupId: required(text()), DryRun: dryRun },
  run: async (values, { control, options }) => {
    const groupId = values.SnapshotGroupId;
    const outcomes = await control.deleteSnapshotGroup({ groupId }, options({ dryRun: values.DryRun }));
    return renderOutcomes(outcomes, 'SnapshotId');
  },
});
