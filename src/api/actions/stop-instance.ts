/** StopInstance (`ecs-api.md` 2.4). */
import { stoppedMode } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { boolean, noEffect, notBuilt, required, text, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const stopInstance = defineAction({
  name: 'StopInstance',
  parameters: {
    InstanceId: required(text()),
    ForceStop: withDefault(boolean(), false),
    ConfirmStop: noEffect('documented as obsolete'),
    StoppedMode: stoppedMode,
    Hibernate: notBuilt('instances cannot hibernate', { code: 'HibernationConfigured.NotEnabled', neutral: ['false'] }),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    await control.powerInstances(
      { change: 'stop', instanceIds: [values.InstanceId], force: values.ForceStop, successFirst: false },
      options({ dryRun: values.DryRun }),
    );
    return {};
  },
});
