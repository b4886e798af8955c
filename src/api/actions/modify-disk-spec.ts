/**
 * ModifyDiskSpec (`ecs-api.md` 2.3): another category, which is a task, or another performance level, which is there at
 * once. Subscriptions alone have an OrderId.
 */
import { targetCategories } from '../../ecs/disk-spec-rules.ts';
import { performanceLevels } from '../../ecs/disk-categories.ts';
import { unbuiltDiskFeatures } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { group, knowingWords, noEffect, notBuilt, required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

const clusters = notBuilt('there are no dedicated block storage clusters');

export const modifyDiskSpec = defineAction({
  name: 'ModifyDiskSpec',
  parameters: {
    DiskId: required(text()),
    DiskCategory: knowingWords(text(), targetCategories),
    PerformanceLevel: knowingWords(text(), performanceLevels),
    ProvisionedIops: unbuiltDiskFeatures.ProvisionedIops,
    PerformanceControlOptions: group({ IOPS: clusters, Throughput: clusters, Recover: clusters }),
    DestinationZoneId: noEffect('documented as having no effect'),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const { DiskId: diskId, DiskCategory: category, PerformanceLevel: performanceLevel } = values;
    const asked = options({ dryRun: values.DryRun });
    const { taskId } = await control.modifyDiskSpec({ diskId, category, performanceLevel }, asked);
    return taskId === null ? {} : { TaskId: taskId };
  },
});
