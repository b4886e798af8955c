/** An image as DescribeImages shows it (`ecs-api.md` 2.5). */
import type { Image } from '../../ecs/resources.ts';
import { formatSecond } from '../../ecs/times.ts';

/** `isUsed`: whether an instance was made from it and is there. */
export function renderImage(image: Image, isUsed: boolean): object {
  return {
    ImageId: image.imageId,
    ImageName: image.imageName,
    Description: image.description,
    ImageFamily: '',
    ImageVersion: '',
    ImageOwnerAlias: image.ownerAlias,
    Architecture: image.architecture,
    BootMode: 'BIOS',
    OSType: image.osType,
    OSName: image.osName,
    OSNameEn: image.osName,
    Platform: image.platform,
    Size: image.sizeGib,
    Status: 'Available',
    Usable: true,
    Progress: '100%',
    CreationTime: formatSecond(image.createdAtMs),
    Usage: isUsed ? 'instance' : 'none',
    ProductCode: '',
    ResourceGroupId: '',
    IsCopied: false,
    IsPublic: false,
    IsSelfShared: 'False',
    IsSubscribed: false,
    IsSupportCloudinit: false,
    IsSupportIoOptimized: true,
    DiskDeviceMappings: { DiskDeviceMapping: [] },
    Tags: { Tag: [] },
  };
}
