/**
 * A good request for each action, in a scene: what the suite starts from when it makes one parameter wrong, or looks at an
 * answer. Later ones of an action show more of the answer.
 */
import { EMPTY_IMAGE_ID } from '../../src/control/empty-image.ts';
import { formatSecond } from '../../src/ecs/times.ts';
import type { Scene } from './scene.ts';

export type Parameters = Record<string, string>;
type Recipe = (scene: Scene) => Parameters;

const one = (name: string, id: (scene: Scene) => string): Recipe[] => [(scene) => ({ [name]: id(scene) })];
const list = (): Recipe[] => [() => ({})];
const newInstance = (): Parameters => ({
  ImageId: EMPTY_IMAGE_ID,
  InstanceType: 'ecs.external.large',
  'DataDisk.1.Category': 'cloud_essd',
  'DataDisk.1.Size': '20',
  'Tag.1.Key': 'k',
});
/** Bought, and renewed by itself. */
const subscription = {
  ...{ InstanceChargeType: 'PrePaid', Period: '1', PeriodUnit: 'Month' },
  ...{ AutoRenew: 'true', AutoRenewPeriod: '1' },
};
const newDisk = (): Parameters => ({ ZoneId: 'cn-hangzhou-a', Size: '20', DiskCategory: 'cloud_essd' });
const diskAndTag = ({ dataDisk }: Scene): Parameters => ({ ResourceType: 'disk', 'ResourceId.1': dataDisk });

const lastMinutes = ({ world }: Scene): Parameters => ({
  StartTime: formatSecond(world.clock.nowMs() - 600_000),
  EndTime: formatSecond(world.clock.nowMs()),
});

const recipes: Record<string, Recipe[]> = {
  DescribeRegions: list(),
  DescribeZones: list(),
  DescribeInstanceTypes: list(),
  DescribeAvailableResource: [
    () => ({ DestinationResource: 'DataDisk', InstanceType: 'ecs.external.large' }),
    () => ({ DestinationResource: 'InstanceType', Cores: '4' }),
    () => ({ DestinationResource: 'InstanceType', Memory: '16' }),
  ],
  DescribeImages: list(),
  CreateImage: [
    ({ stopped }) => ({ InstanceId: stopped, ImageName: 'mine' }),
    ({ systemSnapshot }) => ({ SnapshotId: systemSnapshot }),
    ({ systemSnapshot }) => ({ 'DiskDeviceMapping.1.SnapshotId': systemSnapshot }),
  ],
  DescribeImageFromFamily: [() => ({ ImageFamily: 'golden-family' })],
  ImportImage: [
    () => ({
      'DiskDeviceMapping.1.OSSBucket': 'images',
      'DiskDeviceMapping.1.OSSObject': 'linux.raw',
      ImageName: 'mine',
    }),
  ],
  ExportImage: [({ image }) => ({ ImageId: image, OSSBucket: 'images' })],
  CopyImage: [({ image }) => ({ ImageId: image, DestinationImageName: 'copied' })],
  CancelCopyImage: one('ImageId', ({ copyingImage }) => copyingImage),
  ModifyImageSharePermission: [({ image }) => ({ ImageId: image, 'AddAccount.1': '1234567890' })],
  DescribeImageSharePermission: one('ImageId', ({ sharedImage }) => sharedImage),
  ModifyImageAttribute: [({ image }) => ({ ImageId: image, ImageName: 'renamed' })],
  DeleteImage: one('ImageId', ({ image }) => image),
  CreateInstance: [newInstance, () => ({ ...newInstance(), ...subscription })],
  RunInstances: [newInstance, () => ({ ...newInstance(), ...subscription })],
  DescribeInstances: list(),
  DescribeInstanceStatus: list(),
  DescribeInstanceAttribute: one('InstanceId', ({ running }) => running),
  ModifyInstanceAttribute: [({ stopped }) => ({ InstanceId: stopped, InstanceName: 'renamed' })],
  DescribeUserData: one('InstanceId', ({ running }) => running),
  DescribeInstanceRamRole: one('InstanceIds', ({ running }) => JSON.stringify([running])),
  DescribeInstanceMaintenanceAttributes: list(),
  DescribeInstanceAttachmentAttributes: one('InstanceIds', ({ running }) => JSON.stringify([running])),
  DescribeInstanceHistoryEvents: list(),
  DescribeInstanceAutoRenewAttribute: list(),
  ModifyInstanceAutoRenewAttribute: [({ subscribed }) => ({ InstanceId: subscribed, AutoRenew: 'true' })],
  RenewInstance: [({ subscribed }) => ({ InstanceId: subscribed, Period: '1' })],
  ModifyInstanceChargeType: [
    ({ running }) => ({ InstanceIds: JSON.stringify([running]), Period: '1' }),
    ({ subscribed }) => ({ InstanceIds: JSON.stringify([subscribed]), InstanceChargeType: 'PostPaid' }),
  ],
  ModifyDiskChargeType: [
    ({ subscribed, subscribedDisk }) => ({
      ...{ InstanceId: subscribed, DiskIds: JSON.stringify([subscribedDisk]), DiskChargeType: 'PostPaid' },
    }),
  ],
  DescribeKeyPairs: list(),
  DescribeVpcs: list(),
  DescribeVSwitches: list(),
  DescribeSecurityGroups: [() => ({}), () => ({ IsQueryEcsCount: 'true' })],
  DescribeSecurityGroupAttribute: one('SecurityGroupId', () => 'sg-bp1default0000000000'),
  DescribeNetworkInterfaces: list(),
  DescribeEipAddresses: list(),
  DescribeImageSupportInstanceTypes: [
    ({ image }) => ({ ImageId: image }),
    ({ image }) => ({ 'Filter.1.Key': 'imageId', 'Filter.1.Value': image }),
  ],
  StartInstance: one('InstanceId', ({ stopped }) => stopped),
  StartInstances: one('InstanceId.1', ({ stopped }) => stopped),
  StopInstance: one('InstanceId', ({ running }) => running),
  StopInstances: one('InstanceId.1', ({ running }) => running),
  RebootInstance: one('InstanceId', ({ running }) => running),
  RebootInstances: one('InstanceId.1', ({ running }) => running),
  DeleteInstance: one('InstanceId', ({ stopped }) => stopped),
  DeleteInstances: one('InstanceId.1', ({ stopped }) => stopped),
  CreateDisk: [newDisk, ({ subscribed }) => ({ InstanceId: subscribed, Size: '20' })],
  DescribeDisks: list(),
  AttachDisk: [({ usedDisk, running }) => ({ DiskId: usedDisk, InstanceId: running })],
  DetachDisk: [({ dataDisk, running }) => ({ DiskId: dataDisk, InstanceId: running })],
  ResizeDisk: [({ usedDisk }) => ({ DiskId: usedDisk, NewSize: '30' })],
  ModifyDiskAttribute: [({ usedDisk }) => ({ DiskId: usedDisk, DiskName: 'renamed' })],
  ModifyDiskSpec: [
    ({ usedDisk }) => ({ DiskId: usedDisk, DiskCategory: 'cloud_ssd' }),
    ({ farDisk }) => ({ DiskId: farDisk, DiskCategory: 'cloud_essd', PerformanceLevel: 'PL1' }),
  ],
  ResetDisk: [({ stoppedDisk, stoppedSnapshot }) => ({ DiskId: stoppedDisk, SnapshotId: stoppedSnapshot })],
  ReInitDisk: one('DiskId', ({ stoppedDisk }) => stoppedDisk),
  ReplaceSystemDisk: [({ stopped, image }) => ({ InstanceId: stopped, ImageId: image })],
  DeleteDisk: one('DiskId', ({ freshDisk }) => freshDisk),
  DescribeDiskMonitorData: [(scene) => ({ DiskId: scene.dataDisk, ...lastMinutes(scene) })],
  CreateSnapshot: one('DiskId', ({ dataDisk }) => dataDisk),
  DescribeSnapshots: [...list(), () => ({ SnapshotType: 'undo' })],
  ModifySnapshotAttribute: [({ snapshot }) => ({ SnapshotId: snapshot, SnapshotName: 'renamed' })],
  CopySnapshot: [
    ({ snapshot }) => ({
      ...{ SnapshotId: snapshot, DestinationRegionId: 'cn-hangzhou' },
      ...{ DestinationSnapshotName: 'copied', DestinationSnapshotDescription: 'for tests' },
    }),
  ],
  ExportSnapshot: [({ snapshot }) => ({ SnapshotId: snapshot, OssBucket: 'images' })],
  ModifySnapshotCategory: one('SnapshotId', ({ spareSnapshot }) => spareSnapshot),
  DeleteSnapshot: one('SnapshotId', ({ spareSnapshot }) => spareSnapshot),
  CreateSnapshotGroup: [({ running, dataDisk }) => ({ InstanceId: running, 'DiskId.1': dataDisk })],
  DescribeSnapshotGroups: list(),
  ModifySnapshotGroup: [({ group }) => ({ SnapshotGroupId: group, Name: 'renamed' })],
  DeleteSnapshotGroup: one('SnapshotGroupId', ({ group }) => group),
  ResetDisks: [
    ({ stoppedDisk, groupSnapshot }) => ({ 'Disk.1.DiskId': stoppedDisk, 'Disk.1.SnapshotId': groupSnapshot }),
  ],
  CreateAutoSnapshotPolicy: [
    () => ({ timePoints: '["2","14"]', repeatWeekdays: '["1","7"]', retentionDays: '7' }),
    () => ({
      ...{ timePoints: '["2","14"]', repeatWeekdays: '["1","7"]', retentionDays: '7' },
      ...{ AssociationType: 'AssociatedWithInstanceTag', 'TargetTags.1.Key': 'team' },
    }),
  ],
  ModifyAutoSnapshotPolicyEx: [
    ({ sparePolicy }) => ({ autoSnapshotPolicyId: sparePolicy, retentionDays: '9' }),
    ({ tagPolicy }) => ({ autoSnapshotPolicyId: tagPolicy, 'TargetTags.1.Key': 'env' }),
  ],
  DeleteAutoSnapshotPolicy: one('autoSnapshotPolicyId', ({ policy }) => policy),
  DescribeAutoSnapshotPolicyEx: list(),
  ApplyAutoSnapshotPolicy: [
    ({ sparePolicy, dataDisk }) => ({ autoSnapshotPolicyId: sparePolicy, diskIds: JSON.stringify([dataDisk]) }),
  ],
  CancelAutoSnapshotPolicy: [({ dataDisk }) => ({ diskIds: JSON.stringify([dataDisk]) })],
  DescribeAutoSnapshotPolicyAssociations: list(),
  LockSnapshot: [
    ({ spareSnapshot }) => ({
      SnapshotId: spareSnapshot,
      LockMode: 'compliance',
      LockDuration: '7',
      CoolOffPeriod: '3',
    }),
  ],
  UnlockSnapshot: one('SnapshotId', ({ lockedSnapshot }) => lockedSnapshot),
  DescribeLockedSnapshots: list(),
  DescribeSnapshotLinks: list(),
  DescribeSnapshotsUsage: list(),
  DescribeSnapshotPackage: list(),
  DescribeSnapshotMonitorData: [lastMinutes],
  OpenSnapshotService: list(),
  JoinResourceGroup: [({ dataDisk }) => ({ ResourceType: 'disk', ResourceId: dataDisk, ResourceGroupId: 'rg-team' })],
  TagResources: [(scene) => ({ ...diskAndTag(scene), 'Tag.1.Key': 'colour', 'Tag.1.Value': 'amber' })],
  UntagResources: [(scene) => ({ ...diskAndTag(scene), 'TagKey.1': 'team' })],
  ListTagResources: [() => ({ ResourceType: 'disk', 'Tag.1.Key': 'team' }), diskAndTag],
  AddTags: [({ dataDisk }) => ({ ResourceType: 'disk', ResourceId: dataDisk, 'Tag.1.Key': 'colour' })],
  RemoveTags: [({ dataDisk }) => ({ ResourceType: 'disk', ResourceId: dataDisk, 'Tag.1.Key': 'team' })],
  DescribeTags: list(),
  DescribeTasks: list(),
  DescribeTaskAttribute: one('TaskId', ({ task }) => task),
  CancelTask: one('TaskId', ({ exportTask }) => exportTask),
  HupoPreviewPolicy: one('AutoSnapshotPolicyId', ({ policy }) => policy),
  HupoDescribePolicyRuns: one('AutoSnapshotPolicyId', ({ policy }) => policy),
  HupoApproveRetention: one('DiskId', ({ dataDisk }) => dataDisk),
  HupoDescribeSnapshotCost: list(),
  HupoDescribeEvents: list(),
  HupoCreateEventSubscription: one('Url', () => 'http://127.0.0.1:9/events'),
  HupoDescribeEventSubscriptions: list(),
  HupoDeleteEventSubscription: one('SubscriptionId', () => 'es-none'),
  HupoTestEventSubscription: one('SubscriptionId', () => 'es-none'),
  HupoBeginImport: [newDisk],
  HupoLockAccount: [() => ({ DeleteAfterDays: '15' })],
  HupoUnlockAccount: list(),
  HupoDescribeAccount: list(),
  HupoLockInstance: [({ running }) => ({ InstanceId: running, LockReason: 'financial' })],
  HupoUnlockInstance: [({ running }) => ({ InstanceId: running, LockReason: 'financial' })],
  HupoDescribeRecycleBin: list(),
  HupoRestoreFromRecycleBin: one('ResourceId.1', ({ recycledDisk }) => recycledDisk),
  HupoDeleteFromRecycleBin: one('ResourceId.1', ({ recycledDisk }) => recycledDisk),
};

/** The good requests for the action; fails where there is none. */
export function recipesOf(action: string): Recipe[] {
  const found = recipes[action];
  if (found !== undefined) return found;
  throw new Error(`${action} has no good request yet: add one to test/conformance/recipes.ts`);
}
