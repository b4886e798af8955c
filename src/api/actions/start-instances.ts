/** StartInstances (`ecs-api.md` 2.4). */
import { defineAction } from '../action.ts';
import { batchCodes, powerBatch, powerBatchParameters } from '../instance-batch.ts';

export const startInstances = defineAction({
  name: 'StartInstances',
  ownCodes: batchCodes,
  parameters: powerBatchParameters,
  run: (values, call) => powerBatch({ change: 'start', force: false }, values, call),
});
