/** ModifyAutoSnapshotPolicyEx (`ecs-api.md` 2.2): at once, for all disks that have the policy. */
import { daysOf } from '../../ecs/auto-snapshot-policy.ts';
import type { ModifyPolicyRequest } from '../../control/policies/requests.ts';
import { defineAction } from '../action.ts';
import { required, type Values } from '../parameters.ts';
import { keepRulesOf, policyId, policyTerms, targetTagsOf } from '../policy-parameters.ts';
import { dryRun } from '../resource-parameters.ts';

const parameters = {
  autoSnapshotPolicyId: required(policyId),
  ...policyTerms,
  DryRun: dryRun,
};

export const modifyAutoSnapshotPolicyEx = defineAction({
  name: 'ModifyAutoSnapshotPolicyEx',
  parameters,
  run: async (values, { control, options }) => {
    await control.policies.modify(requestOf(values), options({ dryRun: values.DryRun }));
    return {};
  },
});

function requestOf(values: Values<typeof parameters>): ModifyPolicyRequest {
  const { timePoints: hours, repeatWeekdays: weekdays, retentionDays, MissedRuns: missed } = values;
  const [keepRules, targetTags] = [keepRulesOf(values), targetTagsOf(values)];
  const regionIds = values.TargetCopyRegions;
  return {
    policyId: values.autoSnapshotPolicyId,
    ...(values.autoSnapshotPolicyName !== null && { policyName: values.autoSnapshotPolicyName }),
    ...(hours !== null && { hours }),
    ...(weekdays !== null && { weekdays }),
    ...(retentionDays !== null && { retentionDays: daysOf(retentionDays) }),
    ...(keepRules !== undefined && { keepRules }),
    ...(missed !== null && { catchesUp: missed.toLowerCase() === 'run' }),
    ...(targetTags !== null && { targetTags }),
    ...(values.EnableCrossRegionCopy !== null && { copies: values.EnableCrossRegionCopy }),
    ...(regionIds !== null && { copyRegionId: regionIds[0] ?? null }),
    ...(values.CopiedSnapshotsRetentionDays !== null && {
      copiedRetentionDays: daysOf(values.CopiedSnapshotsRetentionDays),
    }),
  };
}
