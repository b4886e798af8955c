/** RunInstances (`ecs-api.md` 2.4): makes and starts instances with their disks, all of them or none. */
import { defineAction } from '../action.ts';
import { boolean, integer, invalidParameter, repeated, withDefault } from '../parameters.ts';
import { periodUnit } from '../subscription-parameters.ts';
import { newInstanceParameters, newInstancesOf } from './new-instances.ts';
import { runInstancesDisks } from './run-instances-disks.ts';
import { unbuiltRunInstancesFeatures } from './run-instances-features.ts';

const AMOUNT_LIMIT = 100;

export const runInstances = defineAction({
  name: 'RunInstances',
  parameters: {
    ...newInstanceParameters,
    PeriodUnit: periodUnit(['Week', 'Month'], 'InvalidPeriodType.ValueNotSupported'),
    ...runInstancesDisks,
    SecurityGroupIds: repeated(16),
    Amount: withDefault(integer({ least: 1, most: AMOUNT_LIMIT, code: 'InvalidMaxAmount.Malformed' }), 1),
    MinAmount: integer({ least: 1, most: AMOUNT_LIMIT, code: 'InvalidMinAmount.Malformed' }),
    UniqueSuffix: withDefault(boolean(), false),
    HostNames: repeated(AMOUNT_LIMIT, 'InvalidHostName.Malformed'),
    ...unbuiltRunInstancesFeatures,
  },
  run: async (values, { control, region, options }) => {
    checkMinAmount(values.MinAmount, values.Amount);
    const request = newInstancesOf(values, region, {
      amount: values.Amount,
      uniqueSuffix: values.UniqueSuffix,
      hostNames: values.HostNames,
      securityGroupIds: values.SecurityGroupIds,
      start: true,
    });
    const asked = options({ clientToken: values.ClientToken, dryRun: values.DryRun });
    const { instanceIds, orderId } = await control.runInstances(request, asked);
    return { InstanceIdSets: { InstanceIdSet: instanceIds }, ...(orderId !== null && { OrderId: orderId }) };
  },
});

/** All instances or none are made, so that any least number is met. */
function checkMinAmount(minAmount: number | null, amount: number): void {
  if (minAmount === null || minAmount <= amount) return;
  const rule = `it must not be above Amount, ${amount}`;
  throw invalidParameter('InvalidMinAmount.Malformed', 'MinAmount', String(minAmount), rule);
}
