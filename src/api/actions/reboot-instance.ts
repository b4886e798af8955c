/** RebootInstance (`ecs-api.md` 2.4). */
import { defineAction } from '../action.ts';
import { boolean, required, text, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const rebootInstance = defineAction({
  name: 'RebootInstance',
  parameters: {
    InstanceId: required(text()),
    ForceStop: withDefault(boolean(), false),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    await control.powerInstances(
      { change: 'reboot', instanceIds: [values.InstanceId], force: values.ForceStop, successFirst: false },
      options({ dryRun: values.DryRun }),
    );
    return {};
  },
});
