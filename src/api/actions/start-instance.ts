/** StartInstance (`ecs-api.md` 2.4). */
import { defineAction } from '../action.ts';
import { noEffect, required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const startInstance = defineAction({
  name: 'StartInstance',
  ownCodes: {
    'InvalidInstance.NotFoundSystemDisk': 'IncorrectInstanceStatus',
    InstanceExpiredOrInArrears: 'InstanceExpired',
  },
  parameters: {
    InstanceId: required(text()),
    InitLocalDisk: noEffect('there are no local disks'),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    await control.powerInstances(
      { change: 'start', instanceIds: [values.InstanceId], force: false, successFirst: false },
      options({ dryRun: values.DryRun }),
    );
    return {};
  },
});
