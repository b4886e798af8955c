/** ExportSnapshot (`ecs-api.md` 2.1): a snapshot becomes a raw image in a bucket, a folder of the exchange folder. */
import { noRoles } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const exportSnapshot = defineAction({
  name: 'ExportSnapshot',
  parameters: { SnapshotId: required(text()), OssBucket: required(text()), RoleName: noRoles, DryRun: dryRun },
  run: async (values, { control, options }) => {
    const request = { snapshotId: values.SnapshotId, bucket: values.OssBucket };
    const { taskId } = await control.exportSnapshot(request, options({ dryRun: values.DryRun }));
    return { TaskId: taskId };
  },
});
