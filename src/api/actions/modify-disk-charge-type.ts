/** ModifyDiskChargeType: data disks of a PrePaid instance are paid with it, or by themselves again; all of the request or none. */
import { chargeTypes } from '../../ecs/subscription.ts';
import { RequestError } from '../../lib/errors.ts';
import { defineAction } from '../action.ts';
import { jsonList, oneOf, required, text, withDefault } from '../parameters.ts';
import { clientToken, dryRun } from '../resource-parameters.ts';
import { autoPay } from '../subscription-parameters.ts';

const MOST_DISKS = 16;

export const modifyDiskChargeType = defineAction({
  name: 'ModifyDiskChargeType',
  parameters: {
    InstanceId: required(text()),
    DiskIds: required(jsonList('InvalidDiskIds.NotFound', MOST_DISKS)),
    DiskChargeType: withDefault(oneOf(chargeTypes, 'InvalidInstanceChargeType.NotFound'), 'PrePaid'),
    AutoPay: autoPay,
    ClientToken: clientToken('InvalidClientToken.ValueNotSupported'),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const { InstanceId: instanceId, DiskIds: diskIds, DiskChargeType: chargeType } = values;
    if (diskIds.length === 0) throw new RequestError('InvalidDiskIds.NotFound', 'DiskIds names no disk.');
    const asked = options({ clientToken: values.ClientToken, dryRun: values.DryRun });
    const { orderId } = await control.subscriptions.changeDisks({ instanceId, diskIds, chargeType }, asked);
    return { OrderId: orderId };
  },
});
