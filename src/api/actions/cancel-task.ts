/** CancelTask (`ecs-api.md` 2.6): of an import or an export; what it made by then goes away again. */
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const cancelTask = defineAction({
  name: 'CancelTask',
  parameters: { TaskId: required(text()), DryRun: dryRun },
  run: async (values, { control, options }) => {
    await control.cancelTask({ taskId: values.TaskId }, options({ dryRun: values.DryRun }));
    return {};
  },
});
