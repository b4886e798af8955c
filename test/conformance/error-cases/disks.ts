/** Errors of the actions on disks. */
import { formatSecond } from '../../../src/ecs/times.ts';
import {
  beginSnapshot,
  dryRun,
  elsewhere,
  newTagCases,
  recordOperation,
  setDisk,
  setImage,
  setInstance,
  setSnapshot,
  spanCases,
  tagFilterCases,
  type ErrorCases,
} from './case.ts';

export const diskCases: ErrorCases = {
  CreateDisk: {
    ...newTagCases,
    BurstingEnabledForDiskCategoryUnsupported: { BurstingEnabled: 'true' },
    'InvalidDataDiskCategory.NotSupported': { DiskCategory: 'local_ssd_pro' },
    'InvalidDataDiskCategory.ValueNotSupported': { DiskCategory: 'tape' },
    'InvalidDataDiskSize.ValueNotSupported': { Size: '19' },
    'InvalidDescription.Malformed': { Description: 'http://x' },
    'InvalidDiskName.Malformed': { DiskName: '1' },
    'InvalidDiskSize.NotSupported': {
      after: (scene) => setSnapshot(scene, scene.snapshot, { source_disk_size_gib: 3000 }),
      ask: ({ snapshot }) => ({ SnapshotId: snapshot, DiskCategory: 'cloud', Size: '' }),
    },
    'InvalidParameter.EncryptedNotSupported': { Encrypted: 'true' },
    'InvalidParameter.MultiAttach': { MultiAttach: 'Enabled' },
    'InvalidPerformanceLevel.Malformed': { PerformanceLevel: 'PL9' },
    'InvalidRegionId.NotFound': elsewhere,
    'InvalidResourceGroup.NotFound': { ResourceGroupId: 'my group' },
    'InvalidSnapshot.NotReady': ({ failedSnapshot }) => ({ SnapshotId: failedSnapshot }),
    'InvalidSnapshotId.NotFound': { SnapshotId: 's-none' },
    'InvalidStorageClusterId.NotExist': { StorageClusterId: 'dbsc-none' },
    'InvalidZoneId.NotFound': { ZoneId: 'cn-hangzhou-z' },
    MissingParameter: { Size: '' },
    'OperationDenied.PerformanceLevelNotMatch': { PerformanceLevel: 'PL3' },
    ProvisionedIopsForDiskCategoryUnsupported: { ProvisionedIops: '100' },
  },
  DescribeDisks: {
    ...tagFilterCases,
    DryRunOperation: dryRun,
    'InvalidCategory.ValueNotSupported': { Category: 'tape' },
    'InvalidDiskChargeType.NotFound': { DiskChargeType: 'Barter' },
    'InvalidDiskIds.Malformed': { DiskIds: 'd-1' },
    'InvalidDiskType.ValueNotSupported': { DiskType: 'round' },
    'InvalidFilterKey.NotFound': { 'Filter.1.Key': 'Colour', 'Filter.1.Value': 'red' },
    InvalidFilterValue: { 'Filter.1.Key': 'CreationStartTime', 'Filter.1.Value': 'now' },
    'InvalidParameter.MultiAttach': { MultiAttach: 'Sometimes' },
    'InvalidLockReason.NotFound': { LockReason: 'rust' },
    'InvalidStatus.ValueNotSupported': { Status: 'Gone' },
    'InvalidZoneId.NotFound': { ZoneId: 'cn-hangzhou-z' },
  },
  AttachDisk: {
    IncorrectDiskStatus: { after: (scene) => setDisk(scene, scene.usedDisk, { status: 'ReIniting' }) },
    IncorrectInstanceStatus: { after: (scene) => setInstance(scene, scene.running, { status: 'Starting' }) },
    InstanceDiskLimitExceeded: {
      after: async ({ running, call }) => {
        const disk = { ZoneId: 'cn-hangzhou-a', Size: '20', DiskCategory: 'cloud_essd' };
        for (let index = 0; index < 15; index++) {
          const { body } = await call('CreateDisk', disk);
          await call('AttachDisk', { DiskId: String(body['DiskId']), InstanceId: running });
        }
      },
    },
    'InvalidDevice.InUse': { Device: '/dev/xvdb' },
    'InvalidDevice.Malformed': { Device: '/dev/sda' },
    'InvalidDiskId.NotFound': { DiskId: 'd-none' },
    'InvalidInstanceId.NotFound': { InstanceId: 'i-none' },
    InvalidParameter: { DeleteWithInstance: 'perhaps' },
    ResourcesNotInSameZone: ({ farDisk }) => ({ DiskId: farDisk }),
    'InvalidDisk.DiskNotBootable': ({ stopped, usedDisk }) => ({
      DiskId: usedDisk,
      InstanceId: stopped,
      Bootable: 'true',
    }),
    'InvalidInstance.NotOriginInstance': {
      after: async (scene) => {
        await scene.world.power('stop', scene.running);
        for (const disk of [scene.systemDisk, scene.stoppedSystemDisk]) {
          await setDisk(scene, disk, { status: 'Available', instance_id: null, device: null });
        }
      },
      ask: ({ stopped, systemDisk }) => ({ DiskId: systemDisk, InstanceId: stopped, Bootable: 'true' }),
    },
  },
  DetachDisk: {
    IncorrectDiskStatus: { after: (scene) => setDisk(scene, scene.dataDisk, { status: 'ReIniting' }) },
    IncorrectInstanceStatus: { after: (scene) => setInstance(scene, scene.running, { status: 'Starting' }) },
    'InvalidOperation.DiskDetachingFromThisEcs': {
      after: (scene) => setDisk(scene, scene.dataDisk, { status: 'Detaching' }),
    },
    'InvalidDisk.AlreadyDetached': ({ usedDisk }) => ({ DiskId: usedDisk }),
    'InvalidDiskId.NotFound': { DiskId: 'd-none' },
    'InvalidInstanceId.NotFound': { InstanceId: 'i-none' },
    'InvalidParameter.DeleteWithInstance': { DeleteWithInstance: 'perhaps' },
    DependencyViolation: ({ stopped }) => ({ InstanceId: stopped }),
  },
  ResizeDisk: {
    DiskCreatingSnapshot: { after: (scene) => beginSnapshot(scene, scene.usedDisk) },
    IncorrectDiskStatus: { after: (scene) => setDisk(scene, scene.usedDisk, { status: 'ReIniting' }) },
    IncorrectInstanceStatus: {
      after: (scene) => setInstance(scene, scene.running, { status: 'Starting' }),
      ask: ({ dataDisk }) => ({ DiskId: dataDisk }),
    },
    'InvalidDiskId.NotFound': { DiskId: 'd-none' },
    'InvalidDiskSize.TooSmall': { NewSize: '10' },
    'Operation.Conflict': { after: (scene) => recordOperation(scene, 'resize-disk', scene.usedDisk) },
    'InvalidDataDiskSize.ValueNotSupported': { NewSize: 'ten' },
    'InvalidDiskSize.TooLarge': { NewSize: '65537' },
    'InvalidParam.Type': { Type: 'sideways' },
    'InvalidDisk.DetachedSystemDisk': {
      after: (scene) => setDisk(scene, scene.stoppedSystemDisk, { status: 'Available', instance_id: null }),
      ask: ({ stoppedSystemDisk }) => ({ DiskId: stoppedSystemDisk }),
    },
    'InvalidInstanceStatus.NotRunning': ({ stoppedDisk }) => ({ DiskId: stoppedDisk, Type: 'online' }),
  },
  ModifyDiskAttribute: {
    BurstingEnabledForDiskCategoryUnsupported: { BurstingEnabled: 'true' },
    'InvalidDescription.Malformed': { Description: 'http://x' },
    'InvalidDiskId.NotFound': { DiskId: 'd-none' },
    'InvalidDiskName.Malformed': { DiskName: '1' },
    'MissingParameter.DiskIdOrDiskIds': { DiskId: '' },
    NoAttributeToModify: { DiskName: '' },
    'ParameterConflict.DiskIdAndDiskIds': { 'DiskIds.1': 'd-1' },
  },
  ModifyDiskSpec: {
    DiskCreatingSnapshot: { after: (scene) => beginSnapshot(scene, scene.usedDisk) },
    DiskInCoolingPeriod: { after: (scene) => recordOperation(scene, 'modify-disk-spec', scene.usedDisk) },
    DryRunOperation: dryRun,
    IncorrectDiskStatus: { after: (scene) => setDisk(scene, scene.usedDisk, { status: 'ReIniting' }) },
    'InvalidDiskCategory.NotSupported': { after: (scene) => setDisk(scene, scene.usedDisk, { category: 'cloud' }) },
    'InvalidDiskCategory.ValueNotSupported': { DiskCategory: 'cloud' },
    'InvalidDiskId.NotFound': { DiskId: 'd-none' },
    'InvalidOperation.InstanceStatusUnsupported': {
      after: (scene) => setInstance(scene, scene.running, { status: 'Starting' }),
      ask: ({ dataDisk }) => ({ DiskId: dataDisk }),
    },
    'InvalidPerformanceLevel.Malformed': { DiskCategory: '', PerformanceLevel: 'PL9' },
    'InvalidPerformanceLevel.TooLow': { DiskCategory: '', PerformanceLevel: 'PL0' },
    'InvalidPerformanceLevelParam.Mismatch': { PerformanceLevel: 'PL1' },
    NoChangeInDiskCategoryAndPerformanceLevel: { DiskCategory: '', PerformanceLevel: 'PL1' },
    'OperationDenied.DiskExpansionUnfinished': {
      after: (scene) => recordOperation(scene, 'resize-disk', scene.usedDisk),
    },
    'OperationDenied.PerformanceLevelNotMatch': { DiskCategory: '', PerformanceLevel: 'PL3' },
    ProvisionedIopsForDiskCategoryUnsupported: { ProvisionedIops: '100' },
  },
  ResetDisk: {
    DryRunOperation: dryRun,
    IncorrectDiskStatus: { after: (scene) => setDisk(scene, scene.stoppedDisk, { status: 'Detaching' }) },
    'IncorrectDiskStatus.HasUnfinishedSnapshot': { after: (scene) => beginSnapshot(scene, scene.stoppedDisk) },
    IncorrectInstanceStatus: ({ dataDisk, snapshot }) => ({ DiskId: dataDisk, SnapshotId: snapshot }),
    'InvalidDiskId.NotFound': { DiskId: 'd-none' },
    'InvalidOperation.DiskResetInProgress': {
      after: (scene) => setDisk(scene, scene.stoppedDisk, { status: 'ReIniting' }),
    },
    'InvalidParameter.Mismatch': ({ snapshot }) => ({ SnapshotId: snapshot }),
    'InvalidSnapshotId.NotFound': { SnapshotId: 's-none' },
    'InvalidSnapshotId.NotReady': {
      after: (scene) =>
        setSnapshot(scene, scene.stoppedSnapshot, { status: 'failed', failure_reason: 'x', tree: null }),
    },
  },
  ResetDisks: {
    IncorrectDiskStatus: { after: (scene) => setDisk(scene, scene.stoppedDisk, { status: 'Attaching' }) },
    IncorrectInstanceStatus: { after: (scene) => setInstance(scene, scene.stopped, { status: 'Running' }) },
    'InvalidDiskId.NotFound': { 'Disk.1.DiskId': 'd-none' },
    'InvalidParameter.Mismatch': ({ stoppedSnapshot }) => ({ 'Disk.1.SnapshotId': stoppedSnapshot }),
    'InvalidSnapshotId.NotFound': { 'Disk.1.SnapshotId': 's-none' },
    'InvalidSnapshotId.NotReady': {
      after: (scene) =>
        setSnapshot(scene, scene.groupSnapshot, { status: 'failed', failure_reason: 'lost', tree: null }),
    },
  },
  ReInitDisk: {
    'InvalidKeyPairName.NotFound': { KeyPairName: 'mine' },
    'InvalidPassword.Malformed': { Password: 'Secret123!' },
    InvalidSourceSnapshot: {
      after: (scene) => setDisk(scene, scene.stoppedDisk, { source_snapshot_id: 's-gone' }),
    },
    DiskCreatingSnapshot: { after: (scene) => beginSnapshot(scene, scene.stoppedDisk) },
    IncorrectDiskStatus: { after: (scene) => setDisk(scene, scene.stoppedDisk, { status: 'ReIniting' }) },
    IncorrectInstanceStatus: ({ dataDisk }) => ({ DiskId: dataDisk }),
    'InvalidDiskId.NotFound': { DiskId: 'd-none' },
  },
  DescribeDiskMonitorData: {
    ...spanCases,
    'InvalidDiskId.NotFound': { DiskId: 'd-none' },
    'InvalidParameter.EndTime': ({ world }) => ({ EndTime: formatSecond(world.clock.nowMs() - 700_000) }),
  },
  ReplaceSystemDisk: {
    DiskCreatingSnapshot: { after: (scene) => beginSnapshot(scene, scene.stoppedSystemDisk) },
    ImageNotSupportInstanceType: { after: (scene) => setImage(scene, scene.image, { architecture: 'arm64' }) },
    IncorrectDiskStatus: { after: (scene) => setDisk(scene, scene.stoppedSystemDisk, { status: 'ReIniting' }) },
    IncorrectInstanceStatus: ({ running }) => ({ InstanceId: running }),
    'InvalidImageId.NotFound': { ImageId: 'm-none' },
    'InvalidInstance.NotFoundSystemDisk': {
      after: (scene) => setDisk(scene, scene.stoppedSystemDisk, { status: 'Available', instance_id: null }),
    },
    'InvalidInstanceId.NotFound': { InstanceId: 'i-none' },
    'InvalidKeyPairName.NotFound': { KeyPairName: 'mine' },
    'InvalidPassword.Malformed': { Password: 'Secret123!' },
    'InvalidSystemDiskSize.LessThanImageSize': { 'SystemDisk.Size': '30' },
    'InvalidSystemDiskSize.LessThanMinSize': {
      after: (scene) => setDisk(scene, scene.stoppedSystemDisk, { size_gib: 60 }),
      ask: { 'SystemDisk.Size': '50' },
    },
    'InvalidSystemDiskSize.MoreThanMaxSize': { 'SystemDisk.Size': '3000' },
    'InvalidSystemDiskSize.ValueNotSupported': { 'SystemDisk.Size': '0' },
    MissingParameter: { ImageId: '' },
    'OperationDenied.ImageNotValid': { after: (scene) => setImage(scene, scene.image, { status: 'Creating' }) },
    'OperationDenied.InstanceCreating': {
      after: (scene) => setInstance(scene, scene.stopped, { status: 'Pending' }),
    },
  },
  DeleteDisk: {
    DiskCreatingSnapshot: {
      after: (scene) => beginSnapshot(scene, scene.usedDisk),
      ask: ({ usedDisk }) => ({ DiskId: usedDisk }),
    },
    IncorrectDiskStatus: ({ dataDisk }) => ({ DiskId: dataDisk }),
    'InvalidDiskId.NotFound': { DiskId: 'd-none' },
    'IncorrectDiskStatus.Initializing': {
      after: (scene) => setDisk(scene, scene.freshDisk, { status: 'Creating' }),
    },
  },
};
