/** StopInstances (`ecs-api.md` 2.4). */
import { stoppedMode } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { batchCodes, powerBatch, powerBatchParameters } from '../instance-batch.ts';
import { boolean, withDefault } from '../parameters.ts';

export const stopInstances = defineAction({
  name: 'StopInstances',
  ownCodes: batchCodes,
  parameters: {
    ...powerBatchParameters,
    ForceStop: withDefault(boolean(), false),
    StoppedMode: stoppedMode,
  },
  run: (values, call) => powerBatch({ change: 'stop', force: values.ForceStop }, values, call),
});
