/** ModifySnapshotCategory (`ecs-api.md` 2.1): archives a snapshot, or, beyond ECS, brings it back (Category=Standard). */
import { retentionDays } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { oneOf, required, text, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const modifySnapshotCategory = defineAction({
  name: 'ModifySnapshotCategory',
  parameters: {
    SnapshotId: required(text()),
    Category: withDefault(oneOf(['Archive', 'Standard'], 'InvalidParameter.SnapshotCategory'), 'Archive'),
    RetentionDays: retentionDays,
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const category = values.Category === 'Archive' ? ('archive' as const) : ('standard' as const);
    const request = { snapshotId: values.SnapshotId, category };
    const { taskId } = await control.modifySnapshotCategory(request, options({ dryRun: values.DryRun }));
    return taskId === null ? {} : { TaskId: taskId };
  },
});
