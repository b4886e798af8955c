/** RebootInstances (`ecs-api.md` 2.4). */
import { defineAction } from '../action.ts';
import { batchCodes, powerBatch, powerBatchParameters } from '../instance-batch.ts';
import { boolean, withDefault } from '../parameters.ts';

export const rebootInstances = defineAction({
  name: 'RebootInstances',
  ownCodes: batchCodes,
  parameters: { ...powerBatchParameters, ForceReboot: withDefault(boolean(), false) },
  run: (values, call) => powerBatch({ change: 'reboot', force: values.ForceReboot }, values, call),
});
