/** CreateImage (`ecs-api.md` 2.5): a custom image of an instance, of snapshots of several disks, or of a system disk's one. */
import type { CreateImageRequest } from '../../control/requests.ts';
import { architectures, bootModes, platforms } from '../../ecs/image-platforms.ts';
import { findImageNameProblem, findImageVersionProblem } from '../../ecs/image-rules.ts';
import type { DiskType } from '../../ecs/resources.ts';
import { RequestError } from '../../lib/errors.ts';
import { imdsSupport } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { group, groups, integer, notBuilt, oneOf, text, withDefault, type Values } from '../parameters.ts';
import { clientToken, description, dryRun, resourceGroup, tags } from '../resource-parameters.ts';

/** One system disk and sixteen data disks. */
const DISK_LIMIT = 17;

const DISK_TYPES: readonly DiskType[] = ['system', 'data'];

const parameters = {
  InstanceId: text(),
  DiskDeviceMapping: groups(
    {
      SnapshotId: text(),
      Device: text('InvalidDevice.Malformed', (name) =>
        /^\/dev\/x?vd[a-z]$/.test(name) ? null : 'it must be /dev/xvda, or /dev/xvdb to /dev/xvdz for a data disk',
      ),
      DiskType: oneOf(DISK_TYPES, 'InvalidDiskType.ValueNotSupported'),
      Size: integer({ least: 1, most: 65536, code: 'InvalidSize.ValueNotSupported' }),
    },
    { most: DISK_LIMIT, code: 'OperationDenied' },
  ),
  SnapshotId: text(),
  ImageName: text('InvalidImageName.Malformed', findImageNameProblem),
  ImageFamily: withDefault(text('InvalidImageFamily.Malformed', findImageNameProblem), ''),
  ImageVersion: withDefault(text('InvalidImageVersion.Malformed', findImageVersionProblem), ''),
  Description: withDefault(description, ''),
  Architecture: oneOf(architectures, 'InvalidArchitecture.Malformed'),
  Platform: oneOf(platforms, 'InvalidPlatform.Malformed'),
  BootMode: oneOf(bootModes),
  Tag: tags(),
  ClientToken: clientToken('InvalidClientToken.Malformed'),
  DryRun: dryRun,
  DetectionStrategy: notBuilt('images are not checked here; leave it out'),
  Features: group({ ImdsSupport: imdsSupport }),
  SecureBootOptions: group({
    SecureBootSupport: notBuilt('whether a machine boots securely is decided by its user', {
      neutral: ['unsupported', 'false'],
    }),
  }),
  ResourceGroupId: resourceGroup,
};

export const createImage = defineAction({
  name: 'CreateImage',
  ownCodes: {
    IdempotentParameterMismatch: 'IdempotenceParamNotMatch',
    'IncorrectDiskStatus.NeverUsed': 'IncorrectDiskStatus.NeverAttached',
  },
  parameters,
  run: async (values, { control, options }) => {
    const asked = options({ clientToken: values.ClientToken, dryRun: values.DryRun });
    const { imageId } = await control.createImage(requestOf(values), asked);
    return { ImageId: imageId };
  },
});

function requestOf(values: Values<typeof parameters>): CreateImageRequest {
  const mappings = values.DiskDeviceMapping.map(({ Device, DiskType, Size, SnapshotId }) => ({
    device: Device,
    type: DiskType,
    sizeGib: Size,
    snapshotId: SnapshotId,
  }));
  if (values.InstanceId === null && mappings.length === 0 && values.SnapshotId === null) {
    throw new RequestError(
      'MissingParameter',
      'The input parameter SnapshotId or InstanceId or DiskDeviceMapping that is mandatory for processing this request is not supplied.',
    );
  }
  return {
    instanceId: values.InstanceId,
    disks: mappings.length === 0 ? null : mappings,
    snapshotId: values.SnapshotId,
    imageName: values.ImageName,
    description: values.Description,
    imageFamily: values.ImageFamily,
    imageVersion: values.ImageVersion,
    architecture: values.Architecture,
    platform: values.Platform,
    bootMode: values.BootMode,
    resourceGroupId: values.ResourceGroupId,
    tags: values.Tag,
  };
}
