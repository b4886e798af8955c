/** Codes that belong to no action alone, and those that an action here answers with beyond its documentation. */

/** The gateway's (`ecs-api.md` 1.7): they apply to every action. */
export const commonErrors: Record<string, number[]> = {
  DryRunOperation: [400],
  IdempotentParameterMismatch: [400],
  InvalidParameter: [400],
  'InvalidRegionId.NotFound': [404],
  MissingParameter: [400],
  UnsupportedParameter: [400],
};

export interface Beyond {
  actions: RegExp;
  codes: RegExp;
  statuses: number[];
  reason: string;
}

/** Codes that ECS documents for other actions only. */
export const beyond: readonly Beyond[] = [
  {
    actions: /^CreateAutoSnapshotPolicy$/,
    codes: /^(QuotaExceed\.Tags|TagKey\.Duplication)$/,
    statuses: [403],
    reason: 'as CreateSnapshot says it of tags',
  },
  {
    actions: /^ModifyAutoSnapshotPolicyEx$/,
    codes:
      /^(InvalidParameter\.(EncryptedIllegal|CopiedSnapshotsRetentionDays|TargetCopyRegions)|InvalidSnapshotPolicyName\.Malformed|InvalidTag(Key|Value)\.Malformed)$/,
    statuses: [400, 403],
    reason: 'as CreateAutoSnapshotPolicy says it',
  },
  {
    actions: /^CreateDisk$/,
    codes: /^InvalidAutoSnapshotPolicyId\.NotFound$/,
    statuses: [404],
    reason: 'nothing is documented for it here',
  },
  {
    actions: /^CancelAutoSnapshotPolicy$/,
    codes: /^OperationDenied\.TooManyAutoSnapshotPolicies$/,
    statuses: [403],
    reason: 'documented for a disk with several policies, without a status',
  },
  {
    actions: /^DescribeAutoSnapshotPolicyAssociations$/,
    codes: /^InvalidParameter\.NextToken$/,
    statuses: [400],
    reason: 'as the gateway says it of a parameter; nothing fitting is documented for this one',
  },
  {
    actions: /^(CreateInstance|RunInstances)$/,
    codes: /^(InvalidPerformanceLevel\.Malformed|ProvisionedIopsFor\w+|BurstingEnabledFor\w+)$/,
    statuses: [400],
    reason: 'as CreateDisk says it of a disk',
  },
  {
    actions: /^(CreateInstance|RunInstances)$/,
    codes: /^(InvalidStorageClusterId\.NotExist|InvalidAutoSnapshotPolicyId\.NotFound)$/,
    statuses: [404],
    reason: 'as CreateDisk says it of a disk',
  },
  {
    actions: /^(CreateDisk|CreateImage|CreateSnapshotGroup|LockSnapshot|UnlockSnapshot)$/,
    codes: /^InvalidClientToken\.Malformed$/,
    statuses: [403],
    reason: 'as CreateSnapshot says it of a token',
  },
  {
    actions: /^DeleteInstances$/,
    codes: /^InvalidClientToken\.ValueNotSupported$/,
    statuses: [400],
    reason: 'as RunInstances says it of a token',
  },
  {
    actions: /^(RebootInstances|DeleteInstances)$/,
    codes: /^(Abs\.InvalidInstanceIds\.MalFormed|InvalidParameter\.TooManyInstanceIds)$/,
    statuses: [403],
    reason: 'as StartInstances says it of ids',
  },
  {
    actions: /^(RebootInstances|DescribeInstanceAttribute|DeleteInstances)$/,
    codes: /^InvalidInstanceId\.NotFound$/,
    statuses: [404],
    reason: 'as StartInstance says it of an id; no errors are documented for this one',
  },
  {
    actions: /^ImportImage$/,
    codes:
      /^(QuotaExceed\.Tags|Duplicate\.TagKey|TagKey\.Duplication|InvalidTag(Key|Value)\.Malformed|InvalidResourceGroup\.NotFound)$/,
    statuses: [400, 403, 404],
    reason: 'as CreateImage says it of an image',
  },
  {
    actions: /^(ModifyImageSharePermission|DescribeImageSharePermission)$/,
    codes: /^(InvalidImageId\.NotFound|IncorrectImageStatus)$/,
    statuses: [400, 404],
    reason: 'as other actions say it of an image; no errors are documented for this one',
  },
  {
    actions: /^ExportSnapshot$/,
    codes: /^(InvalidSnapshotId\.(NotFound|NotReady)|InvalidOSSBucket\.NotFound|OperationConflict)$/,
    statuses: [400, 403, 404, 409],
    reason: 'as other actions say it of snapshots and buckets; no errors are documented for this one',
  },
  {
    actions: /^ReplaceSystemDisk$/,
    codes: /^InvalidParameter\.EncryptedNotSupported$/,
    statuses: [400],
    reason: 'as CreateDisk says it of a disk',
  },
  {
    actions: /^DescribeInstances$/,
    codes: /^InvalidZoneId\.NotFound$/,
    statuses: [404],
    reason: 'as RunInstances says it of a zone',
  },
  {
    actions: /^DescribeRegions$/,
    codes: /^InvalidInstanceChargeType\.NotFound$/,
    statuses: [404],
    reason: 'as DescribeZones says it',
  },
  {
    actions: /^UntagResources$/,
    codes: /^MissingParameter\.ResourceIds$/,
    statuses: [404],
    reason: 'as TagResources says it',
  },
  {
    actions: /^(ListTagResources|DescribeNetworkInterfaces)$/,
    codes: /^InvalidParameter\.(NextToken|Conflict|TagValue)$/,
    statuses: [400],
    reason: 'as the gateway says it of a parameter; nothing fitting is documented for this one',
  },
  {
    actions: /^DescribeNetworkInterfaces$/,
    codes: /^(InvalidTag\.Mismatch|InvalidTagCount)$/,
    statuses: [400],
    reason: 'as DescribeInstances says it of tags',
  },
  {
    actions: /^DescribeImageSupportInstanceTypes$/,
    codes: /^InvalidImageId\.NotFound$/,
    statuses: [404],
    reason: 'as RunInstances says it of an image',
  },
  {
    actions: /^ModifyImageAttribute$/,
    codes: /^InvalidImageFamily\.Malformed$/,
    statuses: [400],
    reason: 'as CreateImage says it of a family',
  },
  {
    actions: /^Copy(Snapshot|Image)$/,
    codes: /^(InvalidResourceGroup\.NotFound|QuotaExceed\.Tags|Duplicate\.TagKey|InvalidTag(Key|Value)\.Malformed)$/,
    statuses: [400, 403, 404],
    reason: 'as CreateSnapshot and CreateImage say it of what they make',
  },
  {
    actions: /^CreateSnapshotGroup$/,
    codes: /^InvalidResourceGroup\.NotFound$/,
    statuses: [404],
    reason: 'as CreateSnapshot says it',
  },
  {
    actions: /^DescribeSnapshotGroups$/,
    codes: /^(InvalidTag\.Mismatch|InvalidTagCount)$/,
    statuses: [400],
    reason: 'as DescribeSnapshots says it',
  },
  {
    actions: /^DeleteSnapshotGroup$/,
    codes: /^InvalidSnapshotGroup\.NotFound$/,
    statuses: [404],
    reason: 'as ModifySnapshotGroup says it; no errors are documented for this one',
  },
  {
    actions: /^(DescribeLockedSnapshots|DescribeSnapshotLinks)$/,
    codes: /^InvalidParameter\.NextToken$/,
    statuses: [400],
    reason: 'as the gateway says it of a parameter; nothing fitting is documented for this one',
  },
  {
    actions: /^DeleteSnapshot$/,
    codes: /^InvalidOperation\.SnapshotLocked$/,
    statuses: [403],
    reason: 'documented is that a locked snapshot cannot be deleted, and no code for it',
  },
];

export function errorsBeyond(action: string, code: string): Beyond | undefined {
  return beyond.find(({ actions, codes }) => actions.test(action) && codes.test(code));
}
