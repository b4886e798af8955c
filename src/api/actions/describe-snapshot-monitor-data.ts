/** DescribeSnapshotMonitorData (`ecs-api.md` 2.1): what all snapshots took, a point for each period with a sample. */
import { formatSecond } from '../../ecs/times.ts';
import { defineAction } from '../action.ts';
import { spanOf, spanParameters } from '../monitor-parameters.ts';
import { oneOf, withDefault } from '../parameters.ts';

export const describeSnapshotMonitorData = defineAction({
  name: 'DescribeSnapshotMonitorData',
  parameters: { ...spanParameters, Category: withDefault(oneOf(['Standard', 'Flash', 'Archive']), 'Standard') },
  run: async (values, { control }) => {
    const category = values.Category.toLowerCase();
    const points = await control.monitorSnapshots({ category, ...spanOf(values) });
    const rendered = points.map(({ atMs, sizeBytes }) => ({ TimeStamp: formatSecond(atMs), Size: sizeBytes }));
    return { MonitorData: { DataPoint: rendered } };
  },
});
