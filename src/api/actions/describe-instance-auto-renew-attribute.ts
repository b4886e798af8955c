/** DescribeInstanceAutoRenewAttribute: how subscriptions are renewed, and there are none. */
import { onlyForSubscriptions } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { emptyPage, numberedFields, pageNumbers } from '../filters.ts';

export const describeInstanceAutoRenewAttribute = defineAction({
  name: 'DescribeInstanceAutoRenewAttribute',
  parameters: { ...pageNumbers(), InstanceId: onlyForSubscriptions, RenewalStatus: onlyForSubscriptions },
  run: (values) =>
    Promise.resolve({
      ...numberedFields(values, emptyPage),
      InstanceRenewAttributes: { InstanceRenewAttribute: [] },
    }),
});
