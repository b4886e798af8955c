/**
 * ImportImage (`ecs-api.md` 2.5): files in buckets, which are folders of the exchange folder (`hupo serve --exchange`), become an
 * image; the first is its system disk.
 */
import type { ImportImageRequest } from '../../control/requests.ts';
import { findObjectProblem } from '../../ecs/exchange-names.ts';
import { architectures, bootModes, osTypeOf, platforms } from '../../ecs/image-platforms.ts';
import { findImageNameProblem } from '../../ecs/image-rules.ts';
import { RequestError } from '../../lib/errors.ts';
import { imdsSupport, noRoles, nvmeSupport } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import {
  group,
  groups,
  integer,
  invalidParameter,
  noEffect,
  notBuilt,
  oneOf,
  text,
  withDefault,
  type Values,
} from '../parameters.ts';
import { clientToken, description, dryRun, resourceGroup, tags } from '../resource-parameters.ts';

/** One system disk and sixteen data disks. */
const DISK_LIMIT = 17;
const FORMATS = ['RAW', 'QCOW2', 'VHD'] as const;
const formatOf = { RAW: 'raw', QCOW2: 'qcow2', VHD: 'vhd' } as const;
const sizeGib = integer({ least: 1, most: 2048, code: 'InvalidImageSize' });

const parameters = {
  DiskDeviceMapping: groups(
    {
      OSSBucket: text(),
      OSSObject: text('InvalidOSSObject.Malformed', findObjectProblem),
      Format: oneOf(FORMATS, 'InvalidFormat.Malformed'),
      DiskImageSize: sizeGib,
      DiskImSize: sizeGib,
      Device: noEffect('documented as obsolete: the order of the disks says it'),
    },
    { most: DISK_LIMIT, code: 'InvalidParameter.Malformed' },
  ),
  ImageName: text('InvalidImageName.Malformed', findImageNameProblem),
  Description: withDefault(description, ''),
  Architecture: oneOf(architectures, 'InvalidArchitecture.Malformed'),
  OSType: oneOf(['linux', 'windows'], 'InvalidOSType.Malformed'),
  Platform: oneOf(platforms, 'InvalidPlatform.Malformed'),
  BootMode: oneOf(bootModes),
  Tag: tags(),
  ClientToken: clientToken('InvalidParameter'),
  DryRun: dryRun,
  LicenseType: noEffect('licences are between the system in the image and its owner'),
  RoleName: noRoles,
  DetectionStrategy: notBuilt('images are not checked here; leave it out'),
  Features: group({ ImdsSupport: imdsSupport, NvmeSupport: nvmeSupport }),
  ResourceGroupId: resourceGroup,
  StorageLocationArn: notBuilt('there are no cloud boxes'),
};

export const importImage = defineAction({
  name: 'ImportImage',
  parameters,
  run: async (values, { control, region, options }) => {
    const asked = options({ clientToken: values.ClientToken, dryRun: values.DryRun });
    const { imageId, taskId } = await control.importImage(requestOf(values), asked);
    return { ImageId: imageId, TaskId: taskId, RegionId: region.regionId };
  },
});

function requestOf(values: Values<typeof parameters>): ImportImageRequest {
  const { Architecture: architecture, BootMode: bootMode } = values;
  return {
    disks: disksOf(values),
    imageName: values.ImageName,
    description: values.Description,
    architecture,
    platform: platformOf(values),
    bootMode: bootMode ?? (architecture === 'arm64' ? 'UEFI' : null),
    tags: values.Tag,
    resourceGroupId: values.ResourceGroupId,
  };
}

function disksOf({ DiskDeviceMapping: mappings }: Values<typeof parameters>): ImportImageRequest['disks'] {
  if (mappings.length === 0) {
    throw new RequestError(
      'MissingParameter.DiskDeviceMapping',
      'The input parameter "DiskDeviceMapping" that is mandatory for processing this request is not supplied.',
    );
  }
  return mappings.map(({ name, OSSBucket, OSSObject, Format, DiskImageSize, DiskImSize }) => ({
    place: { bucket: given(OSSBucket, `${name}.OSSBucket`), object: given(OSSObject, `${name}.OSSObject`) },
    format: Format === null ? null : formatOf[Format],
    sizeGib: DiskImageSize ?? DiskImSize,
  }));
}

function given(value: string | null, name: string): string {
  if (value !== null) return value;
  throw new RequestError(
    'MissingParameter',
    `The input parameter "${name}" that is mandatory for processing this request is not supplied.`,
  );
}

/** Null: the default of a system of which nothing is said. */
function platformOf({ Platform: platform, OSType: osType }: Values<typeof parameters>): string | null {
  if (platform === null) return osType === 'windows' ? 'Other Windows' : null;
  if (osType === null || osType === osTypeOf(platform)) return platform;
  throw invalidParameter('InvalidPlatform.Malformed', 'Platform', platform, `it is no ${osType}, as OSType says`);
}
