/** DeleteSnapshot (`ecs-api.md` 2.1): also cancels one that is still being made. */
import { defineAction } from '../action.ts';
import { boolean, required, text, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const deleteSnapshot = defineAction({
  name: 'DeleteSnapshot',
  parameters: { SnapshotId: required(text()), Force: withDefault(boolean(), false), DryRun: dryRun },
  run: async (values, { control, options }) => {
    await control.deleteSnapshot(
      { snapshotId: values.SnapshotId, force: values.Force },
      options({ dryRun: values.DryRun }),
    );
    return {};
  },
});
