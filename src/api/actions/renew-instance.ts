/** RenewInstance: a subscription lasts longer, from its end on, or from now where that is over. */
import { renewedPeriods } from '../../ecs/subscription.ts';
import { defineAction } from '../action.ts';
import { notBuilt, required, text } from '../parameters.ts';
import { clientToken, dryRun } from '../resource-parameters.ts';
import { checkPeriod, missingPeriod, periodCount, periodUnit } from '../subscription-parameters.ts';

export const renewInstance = defineAction({
  name: 'RenewInstance',
  parameters: {
    InstanceId: required(text()),
    Period: periodCount('InvalidPeriod'),
    PeriodUnit: periodUnit(['Week', 'Month', 'Year'], 'InvalidPeriodUnit.ValueNotSupported'),
    ExpectedRenewDay: notBuilt('there is no day on which all subscriptions end; give Period'),
    ClientToken: clientToken('InvalidClientToken.ValueNotSupported'),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const { Period: count, PeriodUnit: unit, InstanceId: instanceId } = values;
    if (count === null) throw missingPeriod('MissingParamter');
    const period = checkPeriod({ count, unit }, renewedPeriods, { name: 'Period', code: 'InvalidPeriod' });
    const asked = options({ clientToken: values.ClientToken, dryRun: values.DryRun });
    const { orderId } = await control.subscriptions.renew({ instanceId, period }, asked);
    return { OrderId: orderId };
  },
});
