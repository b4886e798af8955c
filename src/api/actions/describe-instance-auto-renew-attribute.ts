/** DescribeInstanceAutoRenewAttribute: how subscriptions are renewed. What is PostPaid is not in the list. */
import type { Instance } from '../../ecs/resources.ts';
import { renewalStatuses } from '../../ecs/subscription.ts';
import { defineAction } from '../action.ts';
import { numberedFields, numberedPaging, pageNumbers } from '../filters.ts';
import { listNamedInstances } from '../named-instances.ts';
import { oneOf } from '../parameters.ts';
import { instanceIdList } from '../subscription-parameters.ts';

export const describeInstanceAutoRenewAttribute = defineAction({
  name: 'DescribeInstanceAutoRenewAttribute',
  parameters: {
    ...pageNumbers(),
    InstanceId: instanceIdList,
    RenewalStatus: oneOf(renewalStatuses, 'InvalidParameter.RenewalStatus'),
  },
  run: async (values, { control }) => {
    const { InstanceId: instanceIds, RenewalStatus: renewalStatus } = values;
    const paging = numberedPaging(values);
    if (instanceIds !== null) {
      await listNamedInstances(control, instanceIds, { paging, code: 'InvalidParameter.InvalidInstanceId' });
    }
    const wanted = {
      chargeType: 'PrePaid' as const,
      ...(instanceIds !== null && { instanceIds }),
      ...(renewalStatus !== null && { renewalStatus }),
    };
    const page = await control.listInstances(wanted, paging);
    return {
      ...numberedFields(values, page),
      InstanceRenewAttributes: { InstanceRenewAttribute: page.items.map(render) },
    };
  },
});

function render({ instanceId, renewalStatus, renewal }: Instance): object {
  return {
    InstanceId: instanceId,
    RenewalStatus: renewalStatus,
    AutoRenewEnabled: renewalStatus === 'AutoRenewal',
    Duration: renewal?.count ?? 0,
    PeriodUnit: renewal?.unit ?? '',
    EnableExpectedRenewDay: false,
  };
}
