/** StartInstance (`ecs-api.md` 2.4). */
import { RequestError } from '../../lib/errors.ts';
import { defineAction } from '../action.ts';
import { noEffect, required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const startInstance = defineAction({
  name: 'StartInstance',
  parameters: {
    InstanceId: required(text()),
    InitLocalDisk: noEffect('there are no local disks'),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    try {
      await control.powerInstances(
        { change: 'start', instanceIds: [values.InstanceId], force: false, successFirst: false },
        options({ dryRun: values.DryRun }),
      );
    } catch (error) {
      throw withoutBatchCode(error);
    }
    return {};
  },
});

/** Only StartInstances documents the code for an instance without a system disk. */
function withoutBatchCode(error: unknown): unknown {
  if (!(error instanceof RequestError) || error.code !== 'InvalidInstance.NotFoundSystemDisk') return error;
  return new RequestError('IncorrectInstanceStatus', error.message);
}
