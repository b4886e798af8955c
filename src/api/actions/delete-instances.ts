/** DeleteInstances (`ecs-api.md` 2.4): all of them or none. */
import { defineAction } from '../action.ts';
import { batchCodes, instanceIds } from '../instance-batch.ts';
import { clientToken } from '../resource-parameters.ts';
import { deletionParameters } from './delete-instance.ts';

export const deleteInstances = defineAction({
  name: 'DeleteInstances',
  ownCodes: batchCodes,
  parameters: {
    InstanceId: instanceIds(),
    ...deletionParameters,
    ClientToken: clientToken('InvalidClientToken.ValueNotSupported'),
  },
  run: async (values, { control, options }) => {
    await control.deleteInstances(
      { instanceIds: values.InstanceId, force: values.Force, terminate: values.TerminateSubscription },
      options({ clientToken: values.ClientToken, dryRun: values.DryRun }),
    );
    return {};
  },
});
