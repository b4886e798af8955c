/** An automatic snapshot policy as DescribeAutoSnapshotPolicyEx shows it (`ecs-api.md` 2.2). */
import type { Policy } from '../../ecs/auto-snapshot-policy.ts';
import { formatSecond } from '../../ecs/times.ts';
import { renderTags } from './list.ts';

/**
 * Lists are JSON in a text. Extensions: `Keep` has the rules by which snapshots are thinned out after RetentionDays, and
 * `MissedRuns` whether a missed run is made up for.
 */
export function renderPolicy(policy: Policy, regionId: string): object {
  const { keepRules } = policy;
  return {
    AutoSnapshotPolicyId: policy.policyId,
    AutoSnapshotPolicyName: policy.policyName,
    RegionId: regionId,
    Type: 'Custom',
    Status: 'Normal',
    CreationTime: formatSecond(policy.createdAtMs),
    TimePoints: texts(policy.schedule.hours),
    RepeatWeekdays: texts(policy.schedule.weekdays),
    RetentionDays: policy.retentionDays ?? -1,
    DiskNums: policy.diskCount,
    VolumeNums: 0,
    AssociationType: policy.targetTags === null ? 'AssociatedWithDisk' : 'AssociatedWithInstanceTag',
    TargetTags: {
      TargetTag: (policy.targetTags ?? []).map(({ key, value }) => ({ TagKey: key, TagValue: value ?? '' })),
    },
    EnableCrossRegionCopy: policy.copies,
    TargetCopyRegions: JSON.stringify(policy.copyRegionId === null ? [] : [policy.copyRegionId]),
    CopiedSnapshotsRetentionDays: policy.copiedRetentionDays ?? -1,
    CopyEncryptionConfiguration: { Encrypted: false, KMSKeyId: '' },
    ResourceGroupId: policy.resourceGroupId,
    MissedRuns: policy.catchesUp ? 'run' : 'skip',
    ...(keepRules === null
      ? {}
      : {
          Keep: {
            ...{ Last: keepRules.last, Hourly: keepRules.hourly, Daily: keepRules.daily },
            ...{ Weekly: keepRules.weekly, Monthly: keepRules.monthly, Yearly: keepRules.yearly },
          },
        }),
    Tags: renderTags(policy.tags),
  };
}

function texts(numbers: readonly number[]): string {
  return JSON.stringify(numbers.map(String));
}
