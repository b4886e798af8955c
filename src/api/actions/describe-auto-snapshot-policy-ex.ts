/** DescribeAutoSnapshotPolicyEx (`ecs-api.md` 2.2). */
import type { PolicyFilter } from '../../ecs/auto-snapshot-policy.ts';
import { defineAction } from '../action.ts';
import { finishDryRun, numberedFields, numberedPaging, pageNumbers, tagFilters } from '../filters.ts';
import { text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';
import { renderPolicy } from '../render/auto-snapshot-policy.ts';

export const describeAutoSnapshotPolicyEx = defineAction({
  name: 'DescribeAutoSnapshotPolicyEx',
  parameters: {
    ...pageNumbers(),
    AutoSnapshotPolicyId: text(),
    AutoSnapshotPolicyName: text(),
    ResourceGroupId: text(),
    Tag: tagFilters(),
    DryRun: dryRun,
  },
  run: async (values, { control, region }) => {
    finishDryRun(values.DryRun);
    const { AutoSnapshotPolicyId: policyId, AutoSnapshotPolicyName: policyName, ResourceGroupId } = values;
    const filter: PolicyFilter = {
      ...(policyId !== null && { policyIds: [policyId] }),
      ...(policyName !== null && { policyName }),
      ...(ResourceGroupId !== null && { resourceGroupId: ResourceGroupId }),
      tags: values.Tag,
    };
    const page = await control.policies.list(filter, numberedPaging(values));
    const policies = page.items.map((policy) => renderPolicy(policy, region.regionId));
    return { ...numberedFields(values, page), AutoSnapshotPolicies: { AutoSnapshotPolicy: policies } };
  },
});
