/** ModifyInstanceAutoRenewAttribute: whether subscriptions are renewed by themselves, and by what. */
import { automaticPeriods, renewalStatuses } from '../../ecs/subscription.ts';
import { defineAction } from '../action.ts';
import { boolean, oneOf, required, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';
import { checkPeriod, instanceIdList, periodCount, periodUnit } from '../subscription-parameters.ts';

const code = 'InvalidParameter.Duration';

export const modifyInstanceAutoRenewAttribute = defineAction({
  name: 'ModifyInstanceAutoRenewAttribute',
  parameters: {
    InstanceId: required(instanceIdList, 'MissingParameter.InstanceId'),
    RenewalStatus: oneOf(renewalStatuses, 'InvalidParameter.RenewalStatus'),
    AutoRenew: withDefault(boolean(), false),
    Duration: withDefault(periodCount(code), 1),
    PeriodUnit: periodUnit(['Week', 'Month', 'Year'], 'InvalidPeriodUnit.ValueNotSupported'),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const { InstanceId: instanceIds, RenewalStatus: given, AutoRenew: isAutomatic } = values;
    const status = given ?? (isAutomatic ? 'AutoRenewal' : 'Normal');
    const asked = { count: values.Duration, unit: values.PeriodUnit };
    const period = checkPeriod(asked, automaticPeriods, { name: 'Duration', code });
    await control.subscriptions.setRenewal({ instanceIds, status, period }, options({ dryRun: values.DryRun }));
    return {};
  },
});
