/** DetachDisk (`ecs-api.md` 2.3). */
import { defineAction } from '../action.ts';
import { boolean, required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const detachDisk = defineAction({
  name: 'DetachDisk',
  parameters: {
    DiskId: required(text()),
    InstanceId: required(text()),
    DeleteWithInstance: boolean('InvalidParameter.DeleteWithInstance'),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const request = {
      diskId: values.DiskId,
      instanceId: values.InstanceId,
      deleteWithInstance: values.DeleteWithInstance,
    };
    await control.detachDisk(request, options({ dryRun: values.DryRun }));
    return {};
  },
});
