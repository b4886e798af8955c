/** HupoRestoreFromRecycleBin, an extension: deleted snapshots and disks are as they were, all that are named or none. */
import { defineAction } from '../action.ts';
import { repeated } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';
import { atLeastOneOf } from '../tag-parameters.ts';

export const restoreFromRecycleBin = defineAction({
  name: 'HupoRestoreFromRecycleBin',
  parameters: {
    ResourceId: atLeastOneOf(repeated(100), 'ResourceId.N', 'MissingParameter'),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    await control.recycleBin.restore({ resourceIds: values.ResourceId }, options({ dryRun: values.DryRun }));
    return {};
  },
});
