/** CreateSnapshotGroup (`ecs-api.md` 2.1): freezes several disks at one instant; the copies go on after the answer. */
import { findDescriptionProblem, findNameProblem } from '../../ecs/names.ts';
import { GROUP_DISK_LIMIT } from '../../ecs/snapshot-group-rules.ts';
import { RequestError } from '../../lib/errors.ts';
import { instantAccess, notPublic } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { repeated, text, withDefault } from '../parameters.ts';
import { clientToken, dryRun, resourceGroup, tags } from '../resource-parameters.ts';

export const createSnapshotGroup = defineAction({
  name: 'CreateSnapshotGroup',
  parameters: {
    InstanceId: text(),
    DiskId: repeated(GROUP_DISK_LIMIT, 'NumberExceed.TooManyDisks'),
    ExcludeDiskId: repeated(GROUP_DISK_LIMIT, 'NumberExceed.TooManyDisks'),
    Name: withDefault(text('InvalidParameter.Name', findNameProblem), ''),
    Description: withDefault(text('InvalidParameter.Description', findDescriptionProblem), ''),
    Tag: tags(),
    ClientToken: clientToken('InvalidClientToken.Malformed'),
    ResourceGroupId: resourceGroup,
    InstantAccess: instantAccess,
    InstantAccessRetentionDays: instantAccess,
    StorageLocationArn: notPublic,
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const { InstanceId: instanceId, DiskId: diskIds, ExcludeDiskId: excludedDiskIds } = values;
    if (diskIds.length > 0 && excludedDiskIds.length > 0) {
      throw new RequestError(
        'InvalidParam.ExcludeDiskIdsAndDiskIds.Conflict',
        'Give DiskId.N or ExcludeDiskId.N, not both.',
      );
    }
    if (instanceId === null && diskIds.length === 0) {
      throw new RequestError(
        'MissingParamter.InstanceId',
        'Give InstanceId for the disks of an instance, or DiskId.1, DiskId.2 … for those of several.',
      );
    }
    const { groupId } = await control.createSnapshotGroup(
      {
        ...{ instanceId, diskIds, excludedDiskIds },
        ...{ groupName: values.Name, description: values.Description, tags: values.Tag },
        resourceGroupId: values.ResourceGroupId,
      },
      options({ clientToken: values.ClientToken, dryRun: values.DryRun }),
    );
    return { SnapshotGroupId: groupId };
  },
});
