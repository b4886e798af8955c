/** CreateDisk (`ecs-api.md` 2.3): an empty data disk, or one from a snapshot. HupoBeginImport takes the same parameters. */
import type { CreateDiskRequest } from '../../control/requests.ts';
import { offeredCategories, performanceLevels } from '../../ecs/disk-categories.ts';
import { findNameProblem } from '../../ecs/names.ts';
import { RequestError } from '../../lib/errors.ts';
import { notPublic, storageSet, unbuiltDiskFeatures } from '../absent-features.ts';
import { checkZone, defineAction, type Region } from '../action.ts';
import { integer, knowingWords, notBuilt, required, text, withDefault, type Values } from '../parameters.ts';
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
  ZoneId: required(text()),
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
  InstanceId: notBuilt(
    'there are no subscription instances; create the disk with ZoneId and attach it with AttachDisk',
  ),
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
  checkZone(values.ZoneId, region);
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
    zoneId: values.ZoneId,
    snapshotId: values.SnapshotId,
    diskName: values.DiskName,
    description: values.Description,
    resourceGroupId: values.ResourceGroupId,
    tags: values.Tag,
    policyId: values.AutoSnapshotPolicyId,
  };
}

export const createDisk = defineAction({
  name: 'CreateDisk',
  parameters: createDiskParameters,
  run: async (values, { control, region, options }) => {
    const request = createDiskRequestOf(values, region);
    const { diskId } = await control.createDisk(
      request,
      options({ clientToken: values.ClientToken, dryRun: values.DryRun }),
    );
    return { DiskId: diskId };
  },
});
