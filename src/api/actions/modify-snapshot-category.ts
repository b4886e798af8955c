/** ModifySnapshotCategory (`ecs-api.md` 2.1): archives a snapshot, or, beyond ECS, brings it back (Category=Standard). */
import { RETENTION_DAYS_LIMIT } from '../../ecs/auto-snapshot-policy.ts';
import { defineAction } from '../action.ts';
import { integer, oneOf, required, text, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const modifySnapshotCategory = defineAction({
  name: 'ModifySnapshotCategory',
  parameters: {
    SnapshotId: required(text()),
    Category: withDefault(oneOf(['Archive', 'Standard'], 'InvalidParameter.SnapshotCategory'), 'Archive'),
    RetentionDays: integer({ least: 74, most: RETENTION_DAYS_LIMIT, code: 'InvalidRetentionDays.Malformed' }),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const category = values.Category === 'Archive' ? ('archive' as const) : ('standard' as const);
    const retention = values.RetentionDays === null ? {} : { retentionDays: values.RetentionDays };
    const request = { snapshotId: values.SnapshotId, category, ...retention };
    const { taskId } = await control.modifySnapshotCategory(request, options({ dryRun: values.DryRun }));
    return taskId === null ? {} : { TaskId: taskId };
  },
});
