/** An image as DescribeImages shows it (`ecs-api.md` 2.5, `clients.md` 2.3). */
import { isUsable } from '../../ecs/image-rules.ts';
import type { Image } from '../../ecs/resources.ts';
import { formatSecond } from '../../ecs/times.ts';
import { renderTags } from './list.ts';

/** `FailureReason` is an extension: why an image is `CreateFailed`, absent for others. */
export function renderImage(image: Image): object {
  return {
    ...identity(image),
    ...constants(),
    IsSelfShared: image.isShared ? 'True' : 'False',
    Status: image.status,
    Usable: isUsable(image.status),
    Progress: `${image.progressPercent}%`,
    Usage: image.isUsed ? 'instance' : 'none',
    DiskDeviceMappings: { DiskDeviceMapping: mappings(image) },
    Tags: renderTags(image.tags),
    ...(image.failureReason === null ? {} : { FailureReason: image.failureReason }),
  };
}

function identity(image: Image): object {
  return {
    ImageId: image.imageId,
    ImageName: image.imageName,
    Description: image.description,
    ImageFamily: image.imageFamily,
    ImageVersion: image.imageVersion,
    ImageOwnerAlias: image.ownerAlias,
    Architecture: image.architecture,
    BootMode: image.bootMode,
    OSType: image.osType,
    OSName: image.osName,
    OSNameEn: image.osName,
    Platform: image.platform,
    IsCopied: image.isCopied,
    Size: image.sizeGib,
    CreationTime: formatSecond(image.createdAtMs),
    ResourceGroupId: image.resourceGroupId,
  };
}

/** `Size` is a string here, as documented. */
function mappings(image: Image): object[] {
  return image.disks.map(({ device, type, sizeGib, snapshotId }) => ({
    Device: device,
    Type: type,
    Size: String(sizeGib),
    SnapshotId: snapshotId ?? '',
    Format: 'RAW',
    Encrypted: false,
    Progress: `${image.progressPercent}%`,
    RemainTime: 0,
    ImportOSSBucket: '',
    ImportOSSObject: '',
  }));
}

/** What is so for every image here. */
function constants(): object {
  return {
    ProductCode: '',
    SupplierName: '',
    LicenseType: '',
    IsPublic: false,
    IsSubscribed: false,
    IsSupportCloudinit: false,
    IsSupportIoOptimized: true,
    LoginAsNonRootSupported: false,
    DetectionOptions: { Status: '', Items: { Item: [] } },
    Features: {
      CpuOnlineUpgrade: 'unsupported',
      CpuOnlineDowngrade: 'unsupported',
      MemoryOnlineUpgrade: 'unsupported',
      MemoryOnlineDowngrade: 'unsupported',
      ImdsSupport: 'v1',
      NvmeSupport: 'unsupported',
    },
    SecureBootOptions: { SecureBootSupport: 'unsupported' },
  };
}

/** As DescribeImageFromFamily shows it: less. */
export function renderFamilyImage(image: Image): object {
  const whole = renderImage(image) as Record<string, unknown>;
  const disks = image.disks.map(({ device, type, sizeGib, snapshotId }) => {
    return { Device: device, Type: type, Size: String(sizeGib), SnapshotId: snapshotId ?? '', Format: 'RAW' };
  });
  const shown = FAMILY_FIELDS.map((name) => [name, whole[name]]);
  return { ...Object.fromEntries(shown), DiskDeviceMappings: { DiskDeviceMapping: disks } };
}

const FAMILY_FIELDS = [
  ...['ImageId', 'ImageName', 'Description', 'ImageFamily', 'ImageVersion', 'ImageOwnerAlias', 'Architecture'],
  ...['OSType', 'OSName', 'Platform', 'Size', 'CreationTime', 'Status', 'Progress', 'Usage', 'Tags', 'ProductCode'],
  ...['IsCopied', 'IsSelfShared', 'IsSubscribed', 'IsSupportCloudinit', 'IsSupportIoOptimized'],
];
