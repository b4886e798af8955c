/** Errors of the actions on images, and of the lists of what there is. */
import { EMPTY_IMAGE_ID } from '../../../src/control/empty-image.ts';
import { RequestError } from '../../../src/lib/errors.ts';
import { GIB } from '../../../src/lib/geometry.ts';
import {
  beginSnapshot,
  fillWithUploads,
  dryRun,
  elsewhere,
  fillWithSnapshots,
  newTagCases,
  numbered,
  recordOperation,
  setDisk,
  setImage,
  setInstance,
  tagFilterCases,
  type ErrorCases,
} from './case.ts';

const fromSnapshots = { InstanceId: '', ImageName: '' };

export const imageCases: ErrorCases = {
  DescribeRegions: {
    'InvalidAcceptLanguage.NotFound': { AcceptLanguage: 'la' },
    'InvalidResourceType.NotFound': { ResourceType: 'cake' },
  },
  DescribeZones: {
    'InvalidAcceptLanguage.NotFound': { AcceptLanguage: 'la' },
    'InvalidInstanceChargeType.NotFound': { InstanceChargeType: 'Barter' },
    'InvalidRegionId.NotFound': elsewhere,
    InvalidSpotStrategy: { SpotStrategy: 'SpotSometimes' },
  },
  DescribeImages: {
    ...tagFilterCases,
    DryRunOperation: dryRun,
    InvalidArchitecture: { Architecture: 'z80' },
    'InvalidFilterKey.NotFound': { 'Filter.1.Key': 'Colour', 'Filter.1.Value': 'red' },
    InvalidFilterValue: { 'Filter.1.Key': 'CreationStartTime', 'Filter.1.Value': 'now' },
    'InvalidFilterValue.NetworkType': { 'Filter.1.Key': 'NetworkType', 'Filter.1.Value': 'string' },
    'InvalidImageOwnerAlias.ValueNotSupported': { ImageOwnerAlias: 'nobody' },
    'InvalidInstanceType.ValueNotSupported': { InstanceType: 'ecs.g6.large' },
    InvalidOSType: { OSType: 'plan9' },
    InvalidParamter: { Status: 'Shiny' },
    InvalidUsage: { Usage: 'fun' },
  },
  CreateImage: {
    ...newTagCases,
    IdempotenceParamNotMatch: {
      after: ({ call, stopped }) => call('CreateImage', { InstanceId: stopped, ClientToken: 'once' }),
      ask: { ClientToken: 'once', Description: 'another' },
    },
    IncorrectDiskStatus: { after: (scene) => setDisk(scene, scene.stoppedDisk, { status: 'ReIniting' }) },
    'IncorrectDiskStatus.CreatingSnapshot': { after: (scene) => beginSnapshot(scene, scene.stoppedDisk) },
    'QuotaExceed.ConcurrentSnapshotQuota': { after: (scene) => fillWithUploads(scene, scene.stoppedDisk) },
    'IncorrectDiskStatus.NeverAttached': { after: (scene) => setDisk(scene, scene.stoppedDisk, { ever_attached: 0 }) },
    IncorrectInstanceStatus: { after: (scene) => setInstance(scene, scene.stopped, { status: 'Starting' }) },
    'InvalidArchitecture.Malformed': { Architecture: 'z80' },
    'InvalidDescription.Malformed': { Description: 'http://x' },
    'InvalidDevice.InUse': ({ snapshot, systemSnapshot }) => ({
      ...fromSnapshots,
      'DiskDeviceMapping.1.SnapshotId': systemSnapshot,
      'DiskDeviceMapping.2.SnapshotId': snapshot,
      'DiskDeviceMapping.2.Device': '/dev/xvdb',
      'DiskDeviceMapping.3.Size': '20',
      'DiskDeviceMapping.3.Device': '/dev/xvdb',
    }),
    'InvalidDevice.Malformed': ({ systemSnapshot }) => ({
      ...fromSnapshots,
      'DiskDeviceMapping.1.SnapshotId': systemSnapshot,
      'DiskDeviceMapping.2.Size': '20',
      'DiskDeviceMapping.2.Device': '/dev/sda',
    }),
    'InvalidDiskType.ValueNotSupported': ({ systemSnapshot }) => ({
      ...fromSnapshots,
      'DiskDeviceMapping.1.SnapshotId': systemSnapshot,
      'DiskDeviceMapping.1.DiskType': 'round',
    }),
    'InvalidImageFamily.Malformed': { ImageFamily: 'http://x' },
    'InvalidImageName.Duplicated': { ImageName: 'golden' },
    'InvalidImageName.Malformed': { ImageName: '1' },
    'InvalidImageVersion.Malformed': { ImageVersion: 'x'.repeat(200) },
    'InvalidInstanceId.NotFound': { InstanceId: 'i-none' },
    'InvalidPlatform.Malformed': { Platform: 'Plan9' },
    'InvalidRegionId.NotFound': elsewhere,
    'InvalidResourceGroup.NotFound': { ResourceGroupId: 'my group' },
    'InvalidSize.ValueNotSupported': ({ systemSnapshot }) => ({
      ...fromSnapshots,
      'DiskDeviceMapping.1.SnapshotId': systemSnapshot,
      'DiskDeviceMapping.2.Size': '99999',
    }),
    'InvalidSnapshotId.NotFound': { ...fromSnapshots, SnapshotId: 's-none' },
    'InvalidSnapshotId.NotReady': ({ failedSnapshot }) => ({ ...fromSnapshots, SnapshotId: failedSnapshot }),
    'InvalidSystemSnapshot.Missing': ({ snapshot }) => ({
      ...fromSnapshots,
      'DiskDeviceMapping.1.SnapshotId': snapshot,
      'DiskDeviceMapping.1.DiskType': 'data',
    }),
    'InvalidInstance.NotFoundSystemDisk': {
      after: (scene) => setDisk(scene, scene.stoppedSystemDisk, { status: 'Available', instance_id: null }),
    },
    MissingParameter: fromSnapshots,
    OperationDenied: ({ systemSnapshot }) => ({
      ...fromSnapshots,
      'DiskDeviceMapping.1.SnapshotId': systemSnapshot,
      'DiskDeviceMapping.2.SnapshotId': systemSnapshot,
    }),
    'QuotaExceed.Snapshot': {
      after: (scene) => fillWithSnapshots(scene, 256, scene.stoppedDisk),
    },
  },
  ImportImage: {
    'InvalidArchitecture.Malformed': { Architecture: 'z80' },
    InvalidDataDiskSize: {
      after: async ({ world }) => world.exchange.put('huge', {}, { sizeBytes: 4096 * GIB }),
      ask: { 'DiskDeviceMapping.2.OSSBucket': 'images', 'DiskDeviceMapping.2.OSSObject': 'huge' },
    },
    'InvalidDescription.Malformed': { Description: 'http://x' },
    'InvalidFormat.Malformed': { 'DiskDeviceMapping.1.Format': 'VMDK' },
    'InvalidImageFormat.Malformed': { 'DiskDeviceMapping.1.Format': 'QCOW2' },
    'InvalidImageName.Duplicated': { ImageName: 'golden' },
    'InvalidImageName.Malformed': { ImageName: '1' },
    InvalidImageSize: { 'DiskDeviceMapping.1.DiskImageSize': '1' },
    ImportImageFailed: {
      after: async ({ world }) => {
        world.exchange.hasConverter = false;
      },
    },
    'InvalidOSSBucket.NotFound': { 'DiskDeviceMapping.1.OSSBucket': 'none' },
    'InvalidOSSObject.Malformed': { 'DiskDeviceMapping.1.OSSObject': '../x' },
    'InvalidOSSObject.NotFound': { 'DiskDeviceMapping.1.OSSObject': 'none' },
    'InvalidOSType.Malformed': { OSType: 'plan9' },
    'InvalidParameter.Malformed': numbered('DiskDeviceMapping', 18, (at) => ({
      [`${at}.OSSBucket`]: 'images',
      [`${at}.OSSObject`]: 'linux.raw',
    })),
    'InvalidPlatform.Malformed': { Platform: 'Ubuntu', OSType: 'windows' },
    'InvalidRegionId.NotFound': elsewhere,
    MissingParameter: { 'DiskDeviceMapping.1.OSSBucket': '' },
    'MissingParameter.DiskDeviceMapping': { 'DiskDeviceMapping.1.OSSBucket': '', 'DiskDeviceMapping.1.OSSObject': '' },
    'QuotaExceed.Snapshot': {
      after: async ({ world }) => {
        world.assertRoom = (code) => {
          throw new RequestError(code, 'no room');
        };
      },
    },
  },
  ExportImage: {
    ExportImageFailed: {
      after: async ({ world }) => {
        world.exchange.hasConverter = false;
      },
      ask: { ImageFormat: 'qcow2' },
    },
    ImageIsExporting: {
      after: ({ call, image }) => call('ExportImage', { ImageId: image, OSSBucket: 'images' }),
    },
    ImageNotSupported: { ImageId: EMPTY_IMAGE_ID },
    IncorrectImageStatus: { after: (scene) => setImage(scene, scene.image, { status: 'Creating' }) },
    'InvalidImageFormat.Malformed': { ImageFormat: 'jpeg' },
    'InvalidImageId.NotFound': { ImageId: 'm-none' },
    'InvalidOSSBucket.NotFound': { OSSBucket: 'none' },
    'InvalidOSSPrefix.Malformed': { OSSPrefix: 'a/b' },
    'InvalidRegionId.NotFound': elsewhere,
    MissingParameter: { OSSBucket: '' },
  },
  CopyImage: {
    'DestinationRegion.NotFound': { DestinationRegionId: 'cn-nowhere' },
    IncorrectImageStatus: { after: (scene) => setImage(scene, scene.image, { status: 'Creating' }) },
    'InvalidDescription.Malformed': { DestinationDescription: 'http://x' },
    'InvalidImageId.NotFound': { ImageId: 'm-none' },
    'InvalidImageName.Duplicated': { DestinationImageName: 'golden' },
    'InvalidImageName.Malformed': { DestinationImageName: '1' },
    'InvalidParameter.EncryptedIllegal': { Encrypted: 'true' },
    OperationDenied: { ImageId: EMPTY_IMAGE_ID },
    'QuotaExceed.Snapshot': {
      after: async ({ world }) => {
        world.assertRoom = (code) => {
          throw new RequestError(code, 'no room');
        };
      },
    },
  },
  CancelCopyImage: {
    ImageCreatedNotFromCopy: ({ image }) => ({ ImageId: image }),
    IncorrectImageStatus: { after: (scene) => setImage(scene, scene.copyingImage, { status: 'CreateFailed' }) },
    'InvalidImageId.NotFound': { ImageId: 'm-none' },
    'InvalidRegionId.NotFound': elsewhere,
  },
  ModifyImageAttribute: {
    'InvalidDescription.Malformed': { Description: 'http://x' },
    'InvalidImageId.NotFound': { ImageId: 'm-none' },
    'InvalidImageName.Duplicated': {
      after: ({ call, systemSnapshot }) => call('CreateImage', { SnapshotId: systemSnapshot, ImageName: 'taken' }),
      ask: { ImageName: 'taken' },
    },
    'InvalidImageName.Malformed': { ImageName: '1' },
    'InvalidRegionId.NotFound': elsewhere,
    MissingParameter: { ImageId: '' },
  },
  DeleteImage: {
    ImageIsCreating: { after: (scene) => setImage(scene, scene.image, { status: 'Creating' }) },
    ImageIsExporting: { after: ({ call, image }) => call('ExportImage', { ImageId: image, OSSBucket: 'images' }) },
    ImageIsImporting: {
      after: (scene) => recordOperation(scene, 'import-image', scene.image),
    },
    ImageIsPublic: { ImageId: EMPTY_IMAGE_ID },
    ImageUseShared: {
      after: ({ call, image }) => call('ModifyImageSharePermission', { ImageId: image, 'AddAccount.1': '1' }),
    },
    'OperationDenied.ImageCopying': {
      after: async ({ world, image }) => {
        const desk = world.regions.find('cn-beijing');
        if (desk !== undefined) world.regions.add('cn-beijing', { ...desk, listCopiesOf: async () => [image] });
      },
    },
    ImageUsingByInstance: { after: (scene) => setInstance(scene, scene.stopped, { image_id: scene.image }) },
    'InvalidImageId.NotFound': { ImageId: 'm-none' },
    'InvalidRegionId.NotFound': elsewhere,
  },
};
