/** UnlockSnapshot (`ecs-api.md` 2.1): takes a lock away while its cool-off period lasts. */
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';
import { clientToken, dryRun } from '../resource-parameters.ts';

export const unlockSnapshot = defineAction({
  name: 'UnlockSnapshot',
  parameters: {
    SnapshotId: required(text()),
    ClientToken: clientToken('InvalidClientToken.Malformed'),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    await control.unlockSnapshot(
      { snapshotId: values.SnapshotId },
      options({ clientToken: values.ClientToken, dryRun: values.DryRun }),
    );
    return {};
  },
});
