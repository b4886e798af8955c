/** Errors of the actions on snapshots. */
import {
  beginSnapshot,
  dryRun,
  fillWithSnapshots,
  fillWithUploads,
  newTagCases,
  setDisk,
  setInstance,
  setSnapshot,
  tagFilterCases,
  type ErrorCases,
} from './case.ts';

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
    'InvalidResourceGroup.NotFound': { ResourceGroupId: 'rg-none' },
    'InvalidInstantAccessRetentionDays.Malformed': { InstantAccessRetentionDays: '0' },
    'InvalidRetentionDays.Malformed': { RetentionDays: '7' },
    'InvalidSnapshotCategory.Malformed': { Category: 'Flash' },
    'InvalidSnapshotName.Malformed': { SnapshotName: 'auto1' },
    'QuotaExceed.ConcurrentSnapshotQuota': { after: (scene) => fillWithUploads(scene, scene.dataDisk) },
    'QuotaExceed.Snapshot': { after: (scene) => fillWithSnapshots(scene, 256) },
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
    'InvalidDescription.Malformed': { Description: 'http://x' },
    'InvalidSnapshotId.NotFound': { SnapshotId: 's-none' },
    'InvalidSnapshotName.Malformed': { SnapshotName: 'auto1' },
    NoAttributeToModify: { SnapshotName: '' },
    'InvalidRetentionDays.Malformed': { RetentionDays: '7' },
    'InvalidSnapshotId.NotReady': {
      after: (scene) => setSnapshot(scene, scene.snapshot, { status: 'progressing' }),
    },
  },
  ModifySnapshotCategory: {
    'InvalidParameter.SnapshotCategory': { Category: 'Flash' },
    'InvalidRetentionDays.Malformed': { RetentionDays: '100' },
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
    'InvalidSnapshotId.NotFound': { SnapshotId: 's-none' },
    MissingParameter: { SnapshotId: '' },
    SnapshotCreatedDisk: ({ stoppedSnapshot }) => ({ SnapshotId: stoppedSnapshot }),
    SnapshotCreatedImage: ({ systemSnapshot }) => ({ SnapshotId: systemSnapshot }),
  },
};
