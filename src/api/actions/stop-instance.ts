/** StopInstance (`ecs-api.md` 2.4). */
import { defineAction } from '../action.ts';
import { boolean, noEffect, notBuilt, required, text, withDefault } from '../parameters.ts';
import { unbuiltDryRun } from '../resource-parameters.ts';

export const stopInstance = defineAction({
  name: 'StopInstance',
  parameters: {
    InstanceId: required(text()),
    ForceStop: withDefault(boolean(), false),
    ConfirmStop: noEffect('documented as obsolete'),
    StoppedMode: noEffect('chooses what is charged while stopped, and nothing is charged here'),
    Hibernate: notBuilt('instances cannot hibernate', { code: 'HibernationConfigured.NotEnabled', neutral: ['false'] }),
    DryRun: unbuiltDryRun,
  },
  run: async (values, { control }) => {
    await control.stopInstance({ instanceId: values.InstanceId, force: values.ForceStop });
    return {};
  },
});
