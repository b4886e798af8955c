/** HupoDeleteFromRecycleBin, an extension: deleted snapshots and disks go for good, those that are named or `All`. */
import { RequestError } from '../../lib/errors.ts';
import { defineAction } from '../action.ts';
import { boolean, repeated, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const deleteFromRecycleBin = defineAction({
  name: 'HupoDeleteFromRecycleBin',
  parameters: { ResourceId: repeated(100), All: withDefault(boolean(), false), DryRun: dryRun },
  run: async ({ ResourceId: resourceIds, All, DryRun }, { control, options }) => {
    if (All === resourceIds.length > 0) {
      throw new RequestError(
        All ? 'InvalidParameter.Conflict' : 'MissingParameter',
        'Either ResourceId.N says what goes for good, or All=true that everything in the recycle bin does.',
      );
    }
    const asked = options({ dryRun: DryRun });
    await (All ? control.recycleBin.emptyAll(asked) : control.recycleBin.empty({ resourceIds }, asked));
    return {};
  },
});
