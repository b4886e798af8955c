/** DescribeAutoSnapshotPolicyAssociations (`ecs-api.md` 2.2): which policy is applied to which disk. */
import { defineAction } from '../action.ts';
import { finishDryRun, pagingParameters } from '../filters.ts';
import { text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

const { MaxResults, NextToken } = pagingParameters(100);

export const describeAutoSnapshotPolicyAssociations = defineAction({
  name: 'DescribeAutoSnapshotPolicyAssociations',
  parameters: { AutoSnapshotPolicyId: text(), DiskId: text(), MaxResults, NextToken, DryRun: dryRun },
  run: async (values, { control }) => {
    finishDryRun(values.DryRun);
    const { AutoSnapshotPolicyId: policyId, DiskId: diskId } = values;
    const page = await control.policies.listAssociations(
      { ...(policyId !== null && { policyId }), ...(diskId !== null && { diskId }) },
      { pageSize: values.MaxResults ?? 10, nextToken: values.NextToken },
    );
    const associations = page.items.map((one) => ({ AutoSnapshotPolicyId: one.policyId, DiskId: one.diskId }));
    return {
      NextToken: page.nextToken ?? '',
      AutoSnapshotPolicyAssociations: { AutoSnapshotPolicyAssociation: associations },
    };
  },
});
