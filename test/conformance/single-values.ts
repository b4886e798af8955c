/** Parameters that are used, though no single good value of theirs alone makes a difference to the good request; why. */

interface Idle {
  /** Matched with `Action Parameter`. */
  parameters: RegExp;
  reason: string;
}

export const singleValues: readonly Idle[] = [
  {
    parameters:
      /^(Create|Modify)AutoSnapshotPolicy(Ex)? (AssociationType|EnableCrossRegionCopy|TargetCopyRegions|TargetTags\.N\.\w+|timePoints|repeatWeekdays|AutoSnapshotPolicyId)$/,
    reason: 'it has an effect together with another, or is a list: src/control/policies and test/clients use it',
  },
  {
    parameters: /^(DescribeRegions|DescribeZones|DescribeAvailableResource) InstanceChargeType$/,
    reason: 'everything is offered both ways',
  },
  {
    parameters:
      /^(CreateInstance|RunInstances) (InstanceChargeType|PeriodUnit)$|^CreateDisk InstanceId$|^RenewInstance |^ModifyInstanceChargeType |^ModifyInstanceAutoRenewAttribute |^DescribeInstanceAutoRenewAttribute RenewalStatus$/,
    reason: 'it goes with another parameter, or has one good value; src/api/subscription-actions.test.ts uses it',
  },
  { parameters: / DryRun$/, reason: 'every change is tried with it here' },
  { parameters: / (Filter\.N\.\w+|TagFilter\.N\..*)$/, reason: 'it has an effect together with its pair' },
  {
    parameters: /^Describe(Disk|Snapshot)MonitorData Period$/,
    reason: 'it is one of three numbers: src/control/monitor.test.ts asks for each',
  },
  {
    parameters: /^ImportImage DiskDeviceMapping\.N\.OSS(Bucket|Object)$/,
    reason:
      'it names a file, and there is one; src/control/import-image.test.ts and test/e2e/exchange.test.ts use others',
  },
  {
    parameters: /^Copy(Snapshot|Image) DestinationRegionId$/,
    reason: 'there is one region here: src/control/copies.test.ts and test/e2e/regions.test.ts have two',
  },
  { parameters: / NextToken$/, reason: 'tokens come from answers: test/clients/ecs-wire.test.ts follows them' },
  {
    parameters:
      /^(CreateImage (DiskDeviceMapping\.N\.(Device|SnapshotId)|SnapshotId)|ModifyDiskAttribute DiskIds\.N|CreateSnapshotGroup (InstanceId|ExcludeDiskId\.N)|ResetDisks Disk\.N\.\w+|UntagResources All)$/,
    reason:
      'it has an effect in place of another parameter, which the good request has; test/control and error cases use it',
  },
  {
    parameters:
      /^(CreateInstance|RunInstances) (ImageFamily|SecurityGroupId(s\.N)?|VSwitchId|SystemDisk\.PerformanceLevel|MinAmount|UniqueSuffix)$/,
    reason:
      'it goes with another parameter, or has one good value; test/clients/ecs-wire.test.ts and error cases use it',
  },
  {
    parameters:
      /^(CreateSnapshot (Category|InstantAccessRetentionDays)|ModifyInstanceAttribute SecurityGroupIds\.N|DescribeRegions (AcceptLanguage|ResourceType)|DescribeZones SpotStrategy|DescribeSecurityGroupAttribute (NicType|MaxResults))$/,
    reason: 'it is checked, and every good value says what is so anyway',
  },
  {
    parameters:
      /^(AttachDisk Bootable|ResizeDisk Type|DescribeSnapshots SnapshotLinkId|ModifySnapshot(Attribute|Category) RetentionDays|DescribeSnapshotLinks SnapshotLinkIds|ModifySnapshotCategory Category)$/,
    reason: 'it needs another state of its disk or snapshot, or the id of a chain',
  },
  {
    parameters:
      /^DescribeInstanceTypes |^DescribeInstances (HttpTokens|InternetChargeType)$|^DescribeSecurityGroups Tag\.N\.Value$/,
    reason: 'a filter that all or none match',
  },
];
