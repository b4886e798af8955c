/** DeleteAutoSnapshotPolicy (`ecs-api.md` 2.2): it is taken from its disks; what it made stays. */
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const deleteAutoSnapshotPolicy = defineAction({
  name: 'DeleteAutoSnapshotPolicy',
  parameters: { autoSnapshotPolicyId: required(text()), DryRun: dryRun },
  run: async (values, { control, options }) => {
    await control.policies.delete({ policyId: values.autoSnapshotPolicyId }, options({ dryRun: values.DryRun }));
    return {};
  },
});
