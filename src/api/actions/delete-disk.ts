/** DeleteDisk (`ecs-api.md` 2.3). */
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const deleteDisk = defineAction({
  name: 'DeleteDisk',
  parameters: { DiskId: required(text()), DryRun: dryRun },
  run: async (values, { control, options }) => {
    await control.deleteDisk({ diskId: values.DiskId }, options({ dryRun: values.DryRun }));
    return {};
  },
});
