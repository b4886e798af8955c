/** ModifyInstanceChargeType: instances get a subscription, or are paid as they go again; all of the request or none. */
import { boughtPeriods, chargeTypes } from '../../ecs/subscription.ts';
import type { Period } from '../../ecs/subscription.ts';
import { RequestError } from '../../lib/errors.ts';
import { defineAction } from '../action.ts';
import { boolean, jsonList, notBuilt, oneOf, required, withDefault } from '../parameters.ts';
import { clientToken, dryRun } from '../resource-parameters.ts';
import { autoPay, checkPeriod, missingPeriod, periodCount, periodUnit } from '../subscription-parameters.ts';

const MOST_INSTANCES = 20;

export const modifyInstanceChargeType = defineAction({
  name: 'ModifyInstanceChargeType',
  parameters: {
    InstanceIds: required(jsonList('InvalidParameter.InstanceIds')),
    InstanceChargeType: withDefault(oneOf(chargeTypes, 'InvalidInstanceChargeType.ValueNotSupported'), 'PrePaid'),
    Period: periodCount('InvalidPeriod.UnitMismatch'),
    PeriodUnit: periodUnit(['Week', 'Month'], 'InvalidPeriod.UnitMismatch'),
    IncludeDataDisks: withDefault(boolean(), false),
    AutoPay: autoPay,
    IsDetailFee: notBuilt('nothing is paid, so there are no fees', { neutral: ['false'] }),
    ClientToken: clientToken('InvalidClientToken.ValueNotSupported'),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const { InstanceIds: instanceIds, InstanceChargeType: chargeType, IncludeDataDisks: includesDataDisks } = values;
    checkCount(instanceIds);
    const period = chargeType === 'PostPaid' ? null : periodOf(values);
    const request = { instanceIds, chargeType, period, includesDataDisks };
    const asked = options({ clientToken: values.ClientToken, dryRun: values.DryRun });
    const { orderId } = await control.subscriptions.changeInstances(request, asked);
    return { OrderId: orderId };
  },
});

function checkCount({ length }: readonly string[]): void {
  if (length === 0) throw new RequestError('InvalidParameter.InstanceIds', 'InstanceIds names no instance.');
  if (length <= MOST_INSTANCES) return;
  const message = `InstanceIds names ${length} instances; at most ${MOST_INSTANCES} are changed at once.`;
  throw new RequestError('InstancesIdQuotaExceed', message);
}

function periodOf({ Period: count, PeriodUnit: unit }: { Period: number | null; PeriodUnit: Period['unit'] }): Period {
  if (count === null) throw missingPeriod('InvalidPeriod.UnitMismatch');
  return checkPeriod({ count, unit }, boughtPeriods, { name: 'Period', code: 'InvalidPeriod.UnitMismatch' });
}
