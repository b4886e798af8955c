/** DeleteInstance (`ecs-api.md` 2.4). */
import { defineAction } from '../action.ts';
import { boolean, noEffect, required, text, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

/** What DeleteInstance and DeleteInstances say alike about how. */
export const deletionParameters = {
  Force: withDefault(boolean(), false),
  ForceStop: noEffect('a forced stop is a stop here: the disks are flushed first in either case'),
  TerminateSubscription: withDefault(boolean(), false),
  DryRun: dryRun,
};

export const deleteInstance = defineAction({
  name: 'DeleteInstance',
  parameters: { InstanceId: required(text()), ...deletionParameters },
  run: async (values, { control, options }) => {
    await control.deleteInstances(
      { instanceIds: [values.InstanceId], force: values.Force, terminate: values.TerminateSubscription },
      options({ dryRun: values.DryRun }),
    );
    return {};
  },
});
