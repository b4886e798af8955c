/** Errors of the actions on instances. */
import {
  dryRun,
  elsewhere,
  newTagCases,
  numbered,
  setDisk,
  setImage,
  setInstance,
  tagFilterCases,
  type ErrorCase,
  type ErrorCases,
} from './case.ts';

const imageIsCreating: ErrorCase = {
  after: (scene) => setImage(scene, scene.image, { status: 'Creating' }),
  ask: ({ image }) => ({ ImageId: image }),
};

/** RunInstances and CreateInstance make instances alike. */
const newInstance: Record<string, ErrorCase> = {
  ...newTagCases,
  DryRunOperation: dryRun,
  'InstanceDiskNumber.LimitExceed': numbered('DataDisk', 17, (at) => ({
    [`${at}.Size`]: '20',
    [`${at}.Category`]: 'cloud_essd',
  })),
  'InvalidClientToken.ValueNotSupported': { ClientToken: 'x'.repeat(65) },
  'InvalidDataDevice.Malformed': { 'DataDisk.1.Device': '/dev/sda' },
  'InvalidDataDiskCategory.ValueNotSupported': { 'DataDisk.1.Category': 'tape' },
  'InvalidDataDiskSize.ValueNotSupported': { 'DataDisk.1.Size': '19' },
  'InvalidDataDiskSnapshotId.NotFound': { 'DataDisk.1.SnapshotId': 's-none' },
  'DeploymentSet.NotFound': { DeploymentSetId: 'ds-none' },
  'InvalidDedicatedHostId.NotFound': { DedicatedHostId: 'dh-none' },
  'InvalidHpcClusterId.NotFound': { HpcClusterId: 'hpc-none' },
  'InvalidInstanceChargeType.NotFound': { InstanceChargeType: 'Barter' },
  'InvalidParam.Tenancy': { Tenancy: 'host' },
  InvalidSpotStrategy: { SpotStrategy: 'SpotAsPriceGo' },
  'InvalidDescription.Malformed': { Description: 'http://x' },
  'InvalidDevice.InUse': {
    'DataDisk.1.Device': '/dev/xvdc',
    'DataDisk.2.Device': '/dev/xvdc',
    'DataDisk.2.Size': '20',
    'DataDisk.2.Category': 'cloud_essd',
  },
  'InvalidDiskDescription.Malformed': { 'SystemDisk.Description': 'http://x' },
  'InvalidDiskName.Malformed': { 'DataDisk.1.DiskName': '1' },
  'InvalidHostName.Malformed': { HostName: '-' },
  'InvalidHttpEndpoint.NotSupported': { HttpEndpoint: 'enabled' },
  'InvalidHttpTokens.NotSupported': { HttpTokens: 'required' },
  'InvalidImageId.NotFound': { ImageId: 'm-none' },
  'InvalidInstanceName.Malformed': { InstanceName: '1' },
  'InvalidInstanceType.ValueNotSupported': { InstanceType: 'ecs.g6.large' },
  'InvalidKeyPairName.NotFound': { KeyPairName: 'mine' },
  'InvalidParameter.CreditSpecification': { CreditSpecification: 'Unlimited' },
  'InvalidParameter.EncryptedNotSupported': { 'DataDisk.1.Encrypted': 'true' },
  'InvalidRamRole.NotFound': { RamRoleName: 'admin' },
  'InvalidRegionId.NotFound': elsewhere,
  'InvalidResourceGroup.NotFound': { ResourceGroupId: 'my group' },
  'InvalidSecurityGroupId.NotFound': { SecurityGroupId: 'sg-none' },
  'InvalidSnapshotId.NotDataDiskSnapshot': ({ systemSnapshot }) => ({ 'DataDisk.1.SnapshotId': systemSnapshot }),
  'InvalidSnapshotId.NotReady': ({ failedSnapshot }) => ({ 'DataDisk.1.SnapshotId': failedSnapshot }),
  'InvalidSystemDiskCategory.ValueNotSupported': { 'SystemDisk.Category': 'tape' },
  'InvalidSystemDiskSize.LessThanImageSize': {
    after: (scene) => setImage(scene, scene.image, { size_gib: 50 }),
    ask: ({ image }) => ({ ImageId: image, 'SystemDisk.Size': '45' }),
  },
  'InvalidSystemDiskSize.MoreThanMaxSize': {
    after: ({ world, image }) =>
      world.catalog.queries.updateTable('image_disks').set({ size_gib: 3000 }).where('image_id', '=', image).execute(),
    ask: ({ image }) => ({ ImageId: image, 'SystemDisk.Category': 'cloud' }),
  },
  'InvalidSystemDiskSize.LessThanMinSize': {
    after: (scene) => setImage(scene, scene.image, { size_gib: 5 }),
    ask: ({ image }) => ({
      ImageId: image,
      'SystemDisk.Size': '10',
      'SystemDisk.Category': 'cloud_essd',
      'SystemDisk.PerformanceLevel': 'PL0',
    }),
  },
  'InvalidDiskSize.TooSmall': ({ image }) => ({
    ImageId: image,
    'DataDisk.1.Device': '/dev/xvdb',
    'DataDisk.1.Size': '10',
    'DataDisk.1.Category': 'cloud',
  }),
  InvalidParameter: { DeletionProtection: 'perhaps' },
  'InvalidParameter.Conflict': { ImageFamily: 'golden-family' },
  'InvalidParameter.Mismatch': { ZoneId: 'cn-hangzhou-b', VSwitchId: 'vsw-bp1default000000000a' },
  ImageNotSupportInstanceType: {
    after: (scene) => setImage(scene, scene.image, { architecture: 'arm64' }),
    ask: ({ image }) => ({ ImageId: image }),
  },
  'InvalidSystemDiskSize.ValueNotSupported': { 'SystemDisk.Size': '5' },
  'InvalidUserData.SizeExceeded': { UserData: Buffer.alloc(32 * 1024 + 1).toString('base64') },
  'InvalidVSwitchId.NotFound': { VSwitchId: 'vsw-none' },
  'InvalidZoneId.NotFound': { ZoneId: 'cn-hangzhou-z' },
  'IoOptimized.NotSupported': { IoOptimized: 'none' },
  MissingParameter: { 'DataDisk.1.Size': '' },
};

const tooMany = numbered('InstanceId', 101, (at) => ({ [at]: `i-${at}` }));

export const instanceCases: ErrorCases = {
  RunInstances: {
    ...newInstance,
    'InvalidLaunchTemplate.NotFound': { LaunchTemplateId: 'lt-none' },
    'InvalidOperation.Ipv6NotSupport': { Ipv6AddressCount: '1' },
    'InvalidMaxAmount.Malformed': { Amount: '101' },
    'InvalidMinAmount.Malformed': { MinAmount: '0' },
    'OperationDenied.ImageNotValid': imageIsCreating,
  },
  CreateInstance: { ...newInstance, IncorrectImageStatus: imageIsCreating },
  DescribeInstances: {
    ...tagFilterCases,
    DryRunOperation: dryRun,
    'InvalidFilterKey.NotFound': { 'Filter.1.Key': 'Colour', 'Filter.1.Value': 'red' },
    'InvalidInstanceChargeType.NotFound': { InstanceChargeType: 'Barter' },
    'InvalidHpcClusterId.NotFound': { HpcClusterId: 'hpc-none' },
    'InvalidLockReason.NotFound': { LockReason: 'rust' },
    'InvalidStatus.NotFound': { Status: 'Idle' },
    'InvalidInternetChargeType.ValueNotSupported': { InternetChargeType: 'PayByKindness' },
    'InvalidNetworkType.NotFound': { InstanceNetworkType: 'string' },
  },
  DescribeUserData: { 'InvalidInstanceId.NotFound': { InstanceId: 'i-none' }, 'InvalidRegionId.NotFound': elsewhere },
  DescribeInstanceStatus: {
    'InvalidRegionId.NotFound': elsewhere,
    'InvalidZoneId.NotFound': { ZoneId: 'cn-hangzhou-z' },
  },
  ModifyInstanceAttribute: {
    'InvalidDescription.Malformed': { Description: 'http://x' },
    'InvalidHostName.Malformed': { HostName: '-' },
    'InvalidInstanceId.NotFound': { InstanceId: 'i-none' },
    'InvalidInstanceName.Malformed': { InstanceName: '1' },
    'InvalidSecurityGroupId.NotFound': { 'SecurityGroupIds.1': 'sg-none' },
    'InvalidUserData.SizeExceeded': { UserData: Buffer.alloc(32 * 1024 + 1).toString('base64') },
    'InvalidParameter.CreditSpecification': { CreditSpecification: 'Unlimited' },
    InvalidParameter: { DeletionProtection: 'perhaps' },
    'InvalidPassword.Malformed': { Password: 'Secret123!' },
  },
  StartInstance: {
    IncorrectInstanceStatus: ({ running }) => ({ InstanceId: running }),
    'InvalidInstanceId.NotFound': { InstanceId: 'i-none' },
  },
  StartInstances: {
    'InvalidInstance.NotFoundSystemDisk': {
      after: (scene) => setDisk(scene, scene.stoppedSystemDisk, { status: 'Available', instance_id: null }),
    },
    'Abs.InvalidInstanceIds.MalFormed': { 'InstanceId.1': '["i-1"]' },
    'DRYRUN.SUCCESS': dryRun,
    IncorrectInstanceStatus: ({ running }) => ({ 'InstanceId.1': running }),
    'InvalidInstanceId.NotFound': { 'InstanceId.1': 'i-none' },
    'InvalidParameter.TooManyInstanceIds': tooMany,
  },
  StopInstance: {
    'HibernationConfigured.NotEnabled': { Hibernate: 'true' },
    IncorrectInstanceStatus: ({ stopped }) => ({ InstanceId: stopped }),
    'InvalidInstanceId.NotFound': { InstanceId: 'i-none' },
  },
  StopInstances: {
    'Abs.InvalidInstanceIds.MalFormed': { 'InstanceId.1': '["i-1"]' },
    'DRYRUN.SUCCESS': dryRun,
    IncorrectInstanceStatus: ({ stopped }) => ({ 'InstanceId.1': stopped }),
    'InvalidInstanceId.NotFound': { 'InstanceId.1': 'i-none' },
    'InvalidParameter.TooManyInstanceIds': tooMany,
  },
  RebootInstance: {
    IncorrectInstanceStatus: ({ stopped }) => ({ InstanceId: stopped }),
    'InvalidInstanceId.NotFound': { InstanceId: 'i-none' },
  },
  DeleteInstance: {
    IncorrectInstanceStatus: ({ running }) => ({ InstanceId: running }),
    'InvalidInstanceId.NotFound': { InstanceId: 'i-none' },
    'InvalidOperation.DeletionProtection': {
      after: (scene) => setInstance(scene, scene.stopped, { deletion_protection: 1 }),
    },
    'IncorrectInstanceStatus.Initializing': {
      after: (scene) => setInstance(scene, scene.stopped, { status: 'Pending' }),
    },
    InvalidParameter: { Force: 'perhaps' },
  },
  DeleteInstances: {
    IncorrectInstanceStatus: ({ running }) => ({ 'InstanceId.1': running }),
    'InvalidOperation.DeletionProtection': {
      after: (scene) => setInstance(scene, scene.stopped, { deletion_protection: 1 }),
    },
  },
};
