/** Errors of the actions on snapshots. */
import { RequestError } from '../../../src/lib/errors.ts';
import { formatSecond } from '../../../src/ecs/times.ts';
import {
  beginSnapshot,
  dryRun,
  fillWithSnapshots,
  fillWithUploads,
  newTagCases,
  setDisk,
  setInstance,
  setSnapshot,
  spanCases,
  tagFilterCases,
  type ErrorCases,
} from './case.ts';

const lock = (SnapshotId: string) => ({ SnapshotId, LockMode: 'compliance', LockDuration: '7' });

export const snapshotCases: ErrorCases = {
  CreateSnapshot: {
    ...newTagCases,
    IdempotentParameterMismatch: {
      after: ({ call, usedDisk }) => call('CreateSnapshot', { DiskId: usedDisk, ClientToken: 'once' }),
      ask: { ClientToken: 'once' },
    },
    'CreateSnapshot.Failed': {
      after: async ({ world }) => {
        world.diskd.before = (name) => (name === 'freeze' ? new Promise(() => undefined) : Promise.resolve());
      },
    },
    IncorrectDiskStatus: { after: (scene) => setDisk(scene, scene.dataDisk, { status: 'Attaching' }) },
    'IncorrectDiskStatus.CreatingSnapshot': { after: (scene) => beginSnapshot(scene, scene.dataDisk) },
    'IncorrectDiskStatus.NeverAttached': ({ freshDisk }) => ({ DiskId: freshDisk }),
    'IncorrectDiskStatus.NeverUsed': {
      after: ({ call, stopped, freshDisk }) => call('AttachDisk', { DiskId: freshDisk, InstanceId: stopped }),
      ask: ({ freshDisk }) => ({ DiskId: freshDisk }),
    },
    IncorrectInstanceStatus: { after: (scene) => setInstance(scene, scene.running, { status: 'Starting' }) },
    'InvalidClientToken.Malformed': { ClientToken: 'x'.repeat(65) },
    'InvalidDescription.Malformed': { Description: 'x' },
    'InvalidDiskId.NotFound': { DiskId: 'd-none' },
    'InvalidResourceGroup.NotFound': { ResourceGroupId: 'my group' },
    'InvalidInstantAccessRetentionDays.Malformed': { InstantAccessRetentionDays: '0' },
    'InvalidRetentionDays.Malformed': { RetentionDays: '0' },
    'InvalidSnapshotCategory.Malformed': { Category: 'Flash' },
    'InvalidSnapshotName.Malformed': { SnapshotName: 'auto1' },
    'QuotaExceed.ConcurrentSnapshotQuota': { after: (scene) => fillWithUploads(scene, scene.dataDisk) },
    'QuotaExceed.Snapshot': { after: (scene) => fillWithSnapshots(scene, 256) },
  },
  CopySnapshot: {
    'Duplicate.TagKey': newTagCases['Duplicate.TagKey'],
    'InvalidTagKey.Malformed': newTagCases['InvalidTagKey.Malformed'],
    'InvalidTagValue.Malformed': newTagCases['InvalidTagValue.Malformed'],
    'InvalidDescription.Malformed': { DestinationSnapshotDescription: 'x' },
    'InvalidRegionId.NotExists': { DestinationRegionId: 'cn-nowhere' },
    'InvalidRetentionDays.Malformed': { RetentionDays: '0' },
    'InvalidSnapshotCategory.NotSupportCopy': {
      after: (scene) => setSnapshot(scene, scene.snapshot, { category: 'archive' }),
    },
    'InvalidSnapshotId.EncryptedNotSupport': { Encrypted: 'true' },
    'InvalidSnapshotId.NotFound': { SnapshotId: 's-none' },
    'InvalidSnapshotId.NotReady': ({ failedSnapshot }) => ({ SnapshotId: failedSnapshot }),
    'InvalidSnapshotName.Malformed': { DestinationSnapshotName: 'auto1' },
    'QuotaExceed.SnapshotQuota': {
      after: async ({ world }) => {
        world.assertRoom = (code) => {
          throw new RequestError(code, 'no room');
        };
      },
    },
  },
  CreateSnapshotGroup: {
    ...newTagCases,
    IdempotentParameterMismatch: {
      after: ({ call, running, dataDisk }) =>
        call('CreateSnapshotGroup', { InstanceId: running, 'DiskId.1': dataDisk, Name: 'first', ClientToken: 'once' }),
      ask: { ClientToken: 'once' },
    },
    'CreateSnapshot.Failed': {
      after: async ({ world }) => {
        world.diskd.before = (name) => (name === 'freezeGroup' ? new Promise(() => undefined) : Promise.resolve());
      },
    },
    'CapacityExceed.TooManyDisks': { after: (scene) => setDisk(scene, scene.dataDisk, { size_gib: 262_145 }) },
    'DiskCategory.OperationNotSupported': {
      after: (scene) => setDisk(scene, scene.dataDisk, { category: 'cloud_ssd' }),
    },
    IncorrectDiskStatus: { after: (scene) => setDisk(scene, scene.dataDisk, { status: 'Attaching' }) },
    'IncorrectDiskStatus.CreatingSnapshot': { after: (scene) => beginSnapshot(scene, scene.dataDisk) },
    'IncorrectDiskStatus.NeverAttached': ({ freshDisk }) => ({ InstanceId: '', 'DiskId.1': freshDisk }),
    'IncorrectDiskStatus.NeverUsed': {
      after: ({ call, stopped, freshDisk }) => call('AttachDisk', { DiskId: freshDisk, InstanceId: stopped }),
      ask: ({ freshDisk, stopped }) => ({ InstanceId: stopped, 'DiskId.1': freshDisk }),
    },
    IncorrectInstanceStatus: { after: (scene) => setInstance(scene, scene.running, { status: 'Starting' }) },
    'InvalidDiskId.NotFound': ({ stoppedDisk }) => ({ 'DiskId.2': stoppedDisk }),
    'InvalidDiskIds.NotInSameZone': ({ usedDisk, farDisk }) => ({
      InstanceId: '',
      'DiskId.1': usedDisk,
      'DiskId.2': farDisk,
    }),
    'InvalidInstance.NoDisk': ({ systemDisk, dataDisk }) => ({
      'DiskId.1': '',
      'ExcludeDiskId.1': systemDisk,
      'ExcludeDiskId.2': dataDisk,
    }),
    'InvalidInstanceId.NotFound': { InstanceId: 'i-none' },
    'InvalidParam.ExcludeDiskIdsAndDiskIds.Conflict': ({ dataDisk }) => ({ 'ExcludeDiskId.1': dataDisk }),
    'InvalidParameter.Description': { Description: 'x' },
    'InvalidParameter.Name': { Name: '1' },
    'MissingParamter.InstanceId': { InstanceId: '', 'DiskId.1': '' },
    'NumberExceed.TooManyDisks': Object.fromEntries(
      Array.from({ length: 129 }, (_, index) => [`DiskId.${index + 1}`, `d-${index}`]),
    ),
    'QuotaExceed.ConcurrentSnapshotQuota': { after: (scene) => fillWithUploads(scene, scene.dataDisk) },
    'QuotaExceed.Snapshot': { after: (scene) => fillWithSnapshots(scene, 256) },
  },
  DescribeSnapshotGroups: {
    'InvalidStatus.ValueNotSupported': { 'Status.1': 'done' },
  },
  ModifySnapshotGroup: {
    'InvalidParameter.Description': { Description: 'x' },
    'InvalidParameter.Name': { Name: 'http://a' },
    'InvalidSnapshotGroup.NotFound': { SnapshotGroupId: 'ssg-none' },
  },
  DescribeSnapshots: {
    ...tagFilterCases,
    DryRunOperation: dryRun,
    'InvalidFilterKey.NotFound': { 'Filter.1.Key': 'Colour', 'Filter.1.Value': 'red' },
    InvalidFilterValue: { 'Filter.1.Key': 'CreationEndTime', 'Filter.1.Value': 'now' },
    'InvalidSnapshotCategory.Malformed': { Category: 'good' },
    'InvalidSnapshotIds.Malformed': { SnapshotIds: 's-1' },
    'InvalidSnapshotLinkId.NotFound': { SnapshotLinkId: 'x' },
    'InvalidSnapshotType.NotFound': { SnapshotType: 'holy' },
    InvalidSourceDiskType: { SourceDiskType: 'round' },
    'InvalidStatus.NotFound': { Status: 'done' },
    InvalidUsage: { Usage: 'fun' },
  },
  ModifySnapshotAttribute: {
    'InvalidOperation.DecreaseRetentionDaysUnsupported': { RetentionDays: '9' },
    'InvalidDescription.Malformed': { Description: 'http://x' },
    'InvalidSnapshotId.NotFound': { SnapshotId: 's-none' },
    'InvalidSnapshotName.Malformed': { SnapshotName: 'auto1' },
    NoAttributeToModify: { SnapshotName: '' },
    'InvalidRetentionDays.Malformed': { RetentionDays: '0' },
    'InvalidSnapshotId.NotReady': {
      after: (scene) => setSnapshot(scene, scene.snapshot, { status: 'progressing' }),
    },
  },
  ModifySnapshotCategory: {
    'InvalidOperation.DecreaseRetentionDaysUnsupported': { RetentionDays: '99' },
    'InvalidParameter.SnapshotCategory': { Category: 'Flash' },
    'InvalidRetentionDays.Malformed': { RetentionDays: '73' },
    'InvalidSnapshotId.NotFound': { SnapshotId: 's-none' },
    'InvalidSnapshotId.NotReady': ({ failedSnapshot }) => ({ SnapshotId: failedSnapshot }),
    'InvalidStatus.SnapshotAgeLimit': ({ snapshot }) => ({ SnapshotId: snapshot }),
    'InvalidStatus.SnapshotInArchive': {
      after: (scene) => setSnapshot(scene, scene.spareSnapshot, { category: 'archive' }),
    },
    'InvalidStatus.SnapshotUnfinished': {
      after: (scene) => setSnapshot(scene, scene.spareSnapshot, { status: 'progressing' }),
    },
  },
  DeleteSnapshot: {
    'InvalidOperation.RelatedSnapshotNotFinished': {
      after: async ({ world, snapshot }) => {
        const desk = world.regions.find('cn-beijing');
        if (desk !== undefined) world.regions.add('cn-beijing', { ...desk, listCopiesOf: async () => [snapshot] });
      },
    },
    'InvalidSnapshotId.NotFound': { SnapshotId: 's-none' },
    MissingParameter: { SnapshotId: '' },
    SnapshotCreatedDisk: ({ stoppedSnapshot }) => ({ SnapshotId: stoppedSnapshot }),
    SnapshotCreatedImage: ({ systemSnapshot }) => ({ SnapshotId: systemSnapshot }),
  },
  LockSnapshot: {
    'InvalidCoolOffPeriod.ExceedLockDuration': { LockDuration: '1', CoolOffPeriod: '25' },
    'InvalidLockDuration.ExceedRetentionDays': {
      after: (scene) => setSnapshot(scene, scene.spareSnapshot, { retention_days: 7 }),
    },
    'InvalidLockMode.Malformed': { LockMode: 'governance' },
    'InvalidOperation.CoolOffPeriodExpired': {
      after: ({ call, spareSnapshot }) => call('LockSnapshot', { ...lock(spareSnapshot), CoolOffPeriod: '0' }),
      ask: { CoolOffPeriod: '0' },
    },
    'InvalidOperation.SnapshotNotAvailable': ({ failedSnapshot }) => ({ SnapshotId: failedSnapshot }),
    'InvalidSnapshotId.NotFound': { SnapshotId: 's-none' },
  },
  UnlockSnapshot: {
    'InvalidOperation.CoolOffPeriodExpired': {
      after: ({ call, lockedSnapshot }) => call('LockSnapshot', { ...lock(lockedSnapshot), CoolOffPeriod: '0' }),
    },
    'InvalidSnapshotId.NotFound': { SnapshotId: 's-none' },
    'InvalidSnapshotLock.NotFound': ({ spareSnapshot }) => ({ SnapshotId: spareSnapshot }),
  },
  DescribeLockedSnapshots: {
    'InvalidLockStatus.Malformed': { LockStatus: 'open' },
    'InvalidSnapshotLock.NotFound': ({ spareSnapshot }) => ({ 'SnapshotIds.1': spareSnapshot }),
  },
  DescribeSnapshotMonitorData: {
    ...spanCases,
    'InvalidEndTime.Malformed': ({ world }) => ({ EndTime: formatSecond(world.clock.nowMs() - 700_000) }),
  },
  DescribeSnapshotLinks: {
    InvalidDiskIds: { DiskIds: 'd-1' },
    InvalidSnapshotLinkIds: { SnapshotLinkIds: 'sl-1' },
  },
};
