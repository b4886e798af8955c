/** StartInstance (`ecs-api.md` 2.4). */
import { defineAction } from '../action.ts';
import { noEffect, required, text } from '../parameters.ts';
import { unbuiltDryRun } from '../resource-parameters.ts';

export const startInstance = defineAction({
  name: 'StartInstance',
  parameters: {
    InstanceId: required(text()),
    InitLocalDisk: noEffect('there are no local disks'),
    DryRun: unbuiltDryRun,
  },
  run: async (values, { control }) => {
    await control.startInstance({ instanceId: values.InstanceId });
    return {};
  },
});
