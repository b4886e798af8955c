/** CreateAutoSnapshotPolicy (`ecs-api.md` 2.2): when snapshots are made by themselves, and how long they are kept. */
import { daysOf } from '../../ecs/auto-snapshot-policy.ts';
import { RequestError } from '../../lib/errors.ts';
import { notPublic } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { oneOf, required, withDefault } from '../parameters.ts';
import { keepRulesOf, policyTerms, targetTagsOf } from '../policy-parameters.ts';
import { dryRun, resourceGroup, tags } from '../resource-parameters.ts';

const ASSOCIATIONS = ['AssociatedWithDisk', 'AssociatedWithInstanceTag'] as const;

export const createAutoSnapshotPolicy = defineAction({
  name: 'CreateAutoSnapshotPolicy',
  parameters: {
    ...policyTerms,
    timePoints: required(policyTerms.timePoints),
    repeatWeekdays: required(policyTerms.repeatWeekdays),
    retentionDays: required(policyTerms.retentionDays),
    AssociationType: withDefault(oneOf(ASSOCIATIONS, 'ParameterInvalid'), 'AssociatedWithDisk'),
    ResourceGroupId: resourceGroup,
    Tag: tags(),
    StorageLocationArn: notPublic,
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const targetTags = targetTagsOf(values);
    const isByTags = values.AssociationType === 'AssociatedWithInstanceTag';
    if (isByTags !== (targetTags !== null)) {
      const rule = isByTags
        ? 'needs TargetTags.1.Key'
        : 'is for single disks: TargetTags is for AssociatedWithInstanceTag';
      throw new RequestError('ParameterInvalid', `AssociationType ${values.AssociationType} ${rule}.`);
    }
    const { policyId } = await control.policies.create(
      {
        policyName: values.autoSnapshotPolicyName ?? '',
        schedule: { hours: values.timePoints, weekdays: values.repeatWeekdays },
        retentionDays: daysOf(values.retentionDays),
        keepRules: keepRulesOf(values) ?? null,
        catchesUp: values.MissedRuns?.toLowerCase() !== 'skip',
        targetTags,
        copies: values.EnableCrossRegionCopy ?? false,
        copyRegionId: values.TargetCopyRegions?.[0] ?? null,
        copiedRetentionDays: daysOf(values.CopiedSnapshotsRetentionDays ?? -1),
        resourceGroupId: values.ResourceGroupId,
        tags: values.Tag,
      },
      options({ dryRun: values.DryRun }),
    );
    return { AutoSnapshotPolicyId: policyId };
  },
});
