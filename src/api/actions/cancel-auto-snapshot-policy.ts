/** CancelAutoSnapshotPolicy (`ecs-api.md` 2.2): a policy is no longer applied to these disks; what it made stays. */
import { defineAction } from '../action.ts';
import { required } from '../parameters.ts';
import { diskIds, policyId } from '../policy-parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const cancelAutoSnapshotPolicy = defineAction({
  name: 'CancelAutoSnapshotPolicy',
  parameters: {
    diskIds: required(diskIds),
    autoSnapshotPolicyId: policyId,
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    await control.policies.cancel(
      { policyId: values.autoSnapshotPolicyId, diskIds: values.diskIds },
      options({ dryRun: values.DryRun }),
    );
    return {};
  },
});
