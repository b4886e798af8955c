/** ApplyAutoSnapshotPolicy (`ecs-api.md` 2.2): to disks, besides the policies that they have. */
import { defineAction } from '../action.ts';
import { required } from '../parameters.ts';
import { diskIds, policyId } from '../policy-parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const applyAutoSnapshotPolicy = defineAction({
  name: 'ApplyAutoSnapshotPolicy',
  parameters: {
    autoSnapshotPolicyId: required(policyId),
    diskIds: required(diskIds),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    await control.policies.apply(
      { policyId: values.autoSnapshotPolicyId, diskIds: values.diskIds },
      options({ dryRun: values.DryRun }),
    );
    return {};
  },
});
