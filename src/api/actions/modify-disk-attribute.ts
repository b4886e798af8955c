/** ModifyDiskAttribute (`ecs-api.md` 2.3): of one disk or of several, all or none. */
import type { ModifyDisksRequest } from '../../control/requests.ts';
import { findNameProblem } from '../../ecs/names.ts';
import { RequestError } from '../../lib/errors.ts';
import { unbuiltDiskFeatures } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { boolean, repeated, text, type Values } from '../parameters.ts';
import { description, dryRun } from '../resource-parameters.ts';

const parameters = {
  DiskId: text(),
  DiskIds: repeated(100),
  DiskName: text('InvalidDiskName.Malformed', findNameProblem),
  Description: description,
  DeleteWithInstance: boolean(),
  DeleteAutoSnapshot: boolean(),
  EnableAutoSnapshot: boolean(),
  BurstingEnabled: unbuiltDiskFeatures.BurstingEnabled,
  DryRun: dryRun,
};

export const modifyDiskAttribute = defineAction({
  name: 'ModifyDiskAttribute',
  parameters,
  run: async (values, { control, options }) => {
    const { diskIds, ...changes } = requestOf(values);
    if (Object.keys(changes).length === 0) {
      throw new RequestError(
        'NoAttributeToModify',
        'No attribute to be modified is given: DiskName, Description, DeleteWithInstance, DeleteAutoSnapshot or EnableAutoSnapshot.',
      );
    }
    await control.modifyDisks({ diskIds, ...changes }, options({ dryRun: values.DryRun }));
    return {};
  },
});

function requestOf(values: Values<typeof parameters>): ModifyDisksRequest {
  return {
    diskIds: diskIdsOf(values),
    ...(values.DiskName !== null && { diskName: values.DiskName }),
    ...(values.Description !== null && { description: values.Description }),
    ...(values.DeleteWithInstance !== null && { deleteWithInstance: values.DeleteWithInstance }),
    ...(values.DeleteAutoSnapshot !== null && { deleteAutoSnapshot: values.DeleteAutoSnapshot }),
    ...(values.EnableAutoSnapshot !== null && { enableAutoSnapshot: values.EnableAutoSnapshot }),
  };
}

function diskIdsOf({ DiskId, DiskIds }: Values<typeof parameters>): string[] {
  if (DiskId !== null && DiskIds.length > 0) {
    throw new RequestError('ParameterConflict.DiskIdAndDiskIds', 'Give DiskId or DiskIds.N, not both.');
  }
  if (DiskId !== null) return [DiskId];
  if (DiskIds.length > 0) return DiskIds;
  throw new RequestError('MissingParameter.DiskIdOrDiskIds', 'Give DiskId, or DiskIds.1, DiskIds.2 …');
}
