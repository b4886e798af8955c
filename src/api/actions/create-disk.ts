/** CreateDisk (`ecs-api.md` 2.3): an empty data disk, or one from a snapshot; of a PrePaid instance it is paid with that. HupoBeginImport takes the same parameters. */
import type { CreateDiskRequest } from '../../control/requests.ts';
import { offeredCategories, performanceLevels } from '../../ecs/disk-categories.ts';
import { findNameProblem } from '../../ecs/names.ts';
import { RequestError } from '../../lib/errors.ts';
import { notPublic, storageSet, unbuiltDiskFeatures } from '../absent-features.ts';
import { checkZone, defineAction, type Region } from '../action.ts';
import { integer, knowingWords, notBuilt, text, withDefault, type Values } from '../parameters.ts';
import {
  autoSnapshotPolicy,
  checkDiskKind,
  clientToken,
  description,
  dryRun,
  resourceGroup,
  tags,
} from '../resource-parameters.ts';

export const createDiskParameters = {
  ZoneId: text(),
  DiskCategory: withDefault(knowingWords(text(), offeredCategories), 'cloud'),
  PerformanceLevel: knowingWords(text(), performanceLevels),
  Size: integer({ least: 1, most: 65536, code: 'InvalidDataDiskSize.ValueNotSupported' }),
  SnapshotId: text(),
  DiskName: withDefault(text('InvalidDiskName.Malformed', findNameProblem), ''),
  Description: withDefault(description, ''),
  Tag: tags(),
  ClientToken: clientToken('InvalidClientToken.Malformed'),
  ...unbuiltDiskFeatures,
  MultiAttach: notBuilt('a disk is attached to one instance at a time', {
    code: 'InvalidParameter.MultiAttach',
    neutral: ['Disabled'],
  }),
  InstanceId: text(),
  ResourceGroupId: resourceGroup,
  AutoSnapshotPolicyId: autoSnapshotPolicy,
  DryRun: dryRun,
  ...storageSet,
  AdvancedFeatures: notPublic,
  Arn: notPublic,
};

/**
 * Checks zone, category, level and size, which belong together. With a snapshot the size is enlarged to what is needed
 * (`ecs-api.md` 4.4), which only the control plane can tell, so that it is not checked here.
 */
export function createDiskRequestOf(values: Values<typeof createDiskParameters>, region: Region): CreateDiskRequest {
  const place = placeOf(values, region);
  if (values.Size === null && values.SnapshotId === null) {
    throw new RequestError(
      'MissingParameter',
      'The input parameter "Size" that is mandatory for processing this request is not supplied; only a disk from a snapshot can do without.',
    );
  }
  const kind = checkDiskKind(
    {
      category: values.DiskCategory,
      performanceLevel: values.PerformanceLevel,
      sizeGib: values.SnapshotId === null ? values.Size : null,
    },
    'data',
    { category: 'DiskCategory', performanceLevel: 'PerformanceLevel', size: 'Size' },
    {
      unknownCategory: 'InvalidDataDiskCategory.ValueNotSupported',
      categoryNotOffered: 'InvalidDataDiskCategory.NotSupported',
      size: 'InvalidDataDiskSize.ValueNotSupported',
    },
  );
  return {
    ...kind,
    sizeGib: values.Size,
    ...place,
    snapshotId: values.SnapshotId,
    diskName: values.DiskName,
    description: values.Description,
    resourceGroupId: values.ResourceGroupId,
    tags: values.Tag,
    policyId: values.AutoSnapshotPolicyId,
  };
}

/** A zone, or the PrePaid instance that it is attached to and paid with. */
function placeOf(
  { ZoneId: zoneId, InstanceId: instanceId }: { ZoneId: string | null; InstanceId: string | null },
  region: Region,
): Pick<CreateDiskRequest, 'zoneId' | 'instanceId'> {
  if (zoneId !== null && instanceId !== null) {
    throw new RequestError(
      'InvalidParam.ZoneIdAndInstanceId.Conflict',
      'ZoneId and InstanceId are both given: a disk of an instance is in its zone.',
    );
  }
  if (zoneId !== null) checkZone(zoneId, region);
  else if (instanceId === null) {
    throw new RequestError(
      'MissingParameter',
      'The input parameter "ZoneId" that is mandatory for processing this request is not supplied; InstanceId of a PrePaid instance can stand for it.',
    );
  }
  return { zoneId: zoneId ?? '', instanceId };
}

export const createDisk = defineAction({
  name: 'CreateDisk',
  parameters: createDiskParameters,
  run: async (values, { control, region, options }) => {
    const request = createDiskRequestOf(values, region);
    const { diskId, orderId } = await control.createDisk(
      request,
      options({ clientToken: values.ClientToken, dryRun: values.DryRun }),
    );
    return { DiskId: diskId, ...(orderId !== null && { OrderId: orderId }) };
  },
});
