/** RebootInstances (`ecs-api.md` 2.4). */
import { defineAction } from '../action.ts';
import { BATCH_DRY_RUN_CODE, batchOptimization, instanceIds } from '../instance-batch.ts';
import { boolean, withDefault } from '../parameters.ts';
import { renderPowerOutcomes } from '../render/power-outcome.ts';
import { dryRun } from '../resource-parameters.ts';

export const rebootInstances = defineAction({
  name: 'RebootInstances',
  dryRunCode: BATCH_DRY_RUN_CODE,
  parameters: {
    InstanceId: instanceIds(),
    BatchOptimization: batchOptimization(),
    ForceReboot: withDefault(boolean(), false),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const outcomes = await control.powerInstances(
      {
        change: 'reboot',
        instanceIds: values.InstanceId,
        force: values.ForceReboot,
        successFirst: values.BatchOptimization === 'SuccessFirst',
      },
      options({ dryRun: values.DryRun }),
    );
    return renderPowerOutcomes(outcomes);
  },
});
