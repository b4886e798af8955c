/** ModifySnapshotAttribute (`ecs-api.md` 2.1): name and description, of which the description may be emptied. */
import type { ModifySnapshotRequest } from '../../control/requests.ts';
import { findDescriptionProblem, findSnapshotNameProblem } from '../../ecs/names.ts';
import { RequestError } from '../../lib/errors.ts';
import { defineAction } from '../action.ts';
import { emptiable, noEffect, notBuilt, required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const modifySnapshotAttribute = defineAction({
  name: 'ModifySnapshotAttribute',
  parameters: {
    SnapshotId: required(text()),
    SnapshotName: text('InvalidSnapshotName.Malformed', findSnapshotNameProblem),
    Description: emptiable(text('InvalidDescription.Malformed', findDescriptionProblem)),
    RetentionDays: notBuilt('snapshots are not released by themselves yet; leave it out and delete the snapshot', {
      code: 'InvalidRetentionDays.Malformed',
    }),
    DisableInstantAccess: noEffect('documented as having no effect any more: every snapshot can be used at once'),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const { SnapshotName, Description } = values;
    if (SnapshotName === null && Description === null) {
      throw new RequestError(
        'NoAttributeToModify',
        'No attribute to be modified is given: SnapshotName or Description.',
      );
    }
    const request: ModifySnapshotRequest = {
      snapshotId: values.SnapshotId,
      ...(SnapshotName !== null && { snapshotName: SnapshotName }),
      ...(Description !== null && { description: Description }),
    };
    await control.modifySnapshot(request, options({ dryRun: values.DryRun }));
    return {};
  },
});
