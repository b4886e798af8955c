/** CreateInstance (`ecs-api.md` 2.4): makes one instance with its disks and leaves it Stopped. */
import { assert } from '../../lib/assert.ts';
import { defineAction } from '../action.ts';
import { newInstanceParameters, newInstancesOf } from './new-instances.ts';
import { createInstanceDisks } from './run-instances-disks.ts';
import { unbuiltCreateInstanceFeatures } from './run-instances-features.ts';

export const createInstance = defineAction({
  name: 'CreateInstance',
  ownCodes: { 'OperationDenied.ImageNotValid': 'IncorrectImageStatus' },
  parameters: { ...newInstanceParameters, ...createInstanceDisks, ...unbuiltCreateInstanceFeatures },
  run: async (values, { control, region, options }) => {
    const request = newInstancesOf(values, region, {
      amount: 1,
      uniqueSuffix: false,
      hostNames: [],
      securityGroupIds: [],
      start: false,
    });
    const asked = options({ clientToken: values.ClientToken, dryRun: values.DryRun });
    const {
      instanceIds: [instanceId],
      orderId,
    } = await control.runInstances(request, asked);
    assert(instanceId !== undefined, 'no instance came of CreateInstance');
    return { InstanceId: instanceId, ...(orderId !== null && { OrderId: orderId }) };
  },
});
