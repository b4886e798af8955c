/** ModifySnapshotAttribute (`ecs-api.md` 2.1): name and description, of which the description may be emptied, and how long it is kept. */
import type { ModifySnapshotRequest } from '../../control/requests.ts';
import { findSnapshotNameProblem } from '../../ecs/names.ts';
import { RequestError } from '../../lib/errors.ts';
import { instantAccess } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { emptiable, required, text } from '../parameters.ts';
import { description, dryRun, retentionDays } from '../resource-parameters.ts';

export const modifySnapshotAttribute = defineAction({
  name: 'ModifySnapshotAttribute',
  parameters: {
    SnapshotId: required(text()),
    SnapshotName: text('InvalidSnapshotName.Malformed', findSnapshotNameProblem),
    Description: emptiable(description),
    RetentionDays: retentionDays(),
    DisableInstantAccess: instantAccess,
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const { SnapshotName, Description, RetentionDays } = values;
    if (SnapshotName === null && Description === null && RetentionDays === null) {
      throw new RequestError(
        'NoAttributeToModify',
        'No attribute to be modified is given: SnapshotName, Description or RetentionDays.',
      );
    }
    const request: ModifySnapshotRequest = {
      snapshotId: values.SnapshotId,
      ...(SnapshotName !== null && { snapshotName: SnapshotName }),
      ...(Description !== null && { description: Description }),
      ...(RetentionDays !== null && { retentionDays: RetentionDays }),
    };
    await control.modifySnapshot(request, options({ dryRun: values.DryRun }));
    return {};
  },
});
