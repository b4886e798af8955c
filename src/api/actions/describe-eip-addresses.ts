/** DescribeEipAddresses: there are no public addresses. */
import { defineAction } from '../action.ts';
import { emptyPage, numberedFields, pageNumbers } from '../filters.ts';
import { noEffect } from '../parameters.ts';

const filter = noEffect('there are no public addresses: the list is always empty');

export const describeEipAddresses = defineAction({
  name: 'DescribeEipAddresses',
  parameters: {
    ...pageNumbers(),
    AllocationId: filter,
    AssociatedInstanceId: filter,
    AssociatedInstanceType: filter,
    ChargeType: filter,
    EipAddress: filter,
    Filter: filter,
    ISP: filter,
    LockReason: filter,
    Status: filter,
  },
  run: (values) => Promise.resolve({ ...numberedFields(values, emptyPage), EipAddresses: { EipAddress: [] } }),
});
