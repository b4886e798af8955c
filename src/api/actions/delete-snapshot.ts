/** DeleteSnapshot (`ecs-api.md` 2.1): also cancels one that is still being made. */
import { defineAction } from '../action.ts';
import { boolean, required, text, withDefault } from '../parameters.ts';
import { unbuiltDryRun } from '../resource-parameters.ts';

export const deleteSnapshot = defineAction({
  name: 'DeleteSnapshot',
  parameters: { SnapshotId: required(text()), Force: withDefault(boolean(), false), DryRun: unbuiltDryRun },
  run: async (values, { control }) => {
    await control.deleteSnapshot({ snapshotId: values.SnapshotId, force: values.Force });
    return {};
  },
});
