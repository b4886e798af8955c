/** StartInstances (`ecs-api.md` 2.4). */
import { defineAction } from '../action.ts';
import { BATCH_DRY_RUN_CODE, batchOptimization, instanceIds } from '../instance-batch.ts';
import { renderPowerOutcomes } from '../render/power-outcome.ts';
import { dryRun } from '../resource-parameters.ts';

export const startInstances = defineAction({
  name: 'StartInstances',
  dryRunCode: BATCH_DRY_RUN_CODE,
  parameters: {
    InstanceId: instanceIds(),
    BatchOptimization: batchOptimization(),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const outcomes = await control.powerInstances(
      {
        change: 'start',
        instanceIds: values.InstanceId,
        force: false,
        successFirst: values.BatchOptimization === 'SuccessFirst',
      },
      options({ dryRun: values.DryRun }),
    );
    return renderPowerOutcomes(outcomes);
  },
});
