/** ModifySnapshotGroup (`ecs-api.md` 2.1). */
import { findDescriptionProblem, findNameProblem } from '../../ecs/names.ts';
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const modifySnapshotGroup = defineAction({
  name: 'ModifySnapshotGroup',
  parameters: {
    SnapshotGroupId: required(text()),
    Name: text('InvalidParameter.Name', findNameProblem),
    Description: text('InvalidParameter.Description', findDescriptionProblem),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const changes = {
      ...(values.Name !== null && { groupName: values.Name }),
      ...(values.Description !== null && { description: values.Description }),
    };
    await control.modifySnapshotGroup(
      { groupId: values.SnapshotGroupId, ...changes },
      options({ dryRun: values.DryRun }),
    );
    return {};
  },
});
