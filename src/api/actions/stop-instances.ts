/** StopInstances (`ecs-api.md` 2.4). */
import { defineAction } from '../action.ts';
import { BATCH_DRY_RUN_CODE, batchOptimization, instanceIds } from '../instance-batch.ts';
import { boolean, noEffect, withDefault } from '../parameters.ts';
import { renderPowerOutcomes } from '../render/power-outcome.ts';
import { dryRun } from '../resource-parameters.ts';

export const stopInstances = defineAction({
  name: 'StopInstances',
  dryRunCode: BATCH_DRY_RUN_CODE,
  parameters: {
    InstanceId: instanceIds(),
    BatchOptimization: batchOptimization(),
    ForceStop: withDefault(boolean(), false),
    StoppedMode: noEffect('chooses what is charged while stopped, and nothing is charged here'),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const outcomes = await control.powerInstances(
      {
        change: 'stop',
        instanceIds: values.InstanceId,
        force: values.ForceStop,
        successFirst: values.BatchOptimization === 'SuccessFirst',
      },
      options({ dryRun: values.DryRun }),
    );
    return renderPowerOutcomes(outcomes);
  },
});
