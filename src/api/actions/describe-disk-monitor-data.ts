/** DescribeDiskMonitorData (`ecs-api.md` 2.3): what a disk did, a point for each period in which it was served. */
import type { DiskMonitorPoint } from '../../ecs/resources.ts';
import { formatSecond } from '../../ecs/times.ts';
import { defineAction } from '../action.ts';
import { spanOf, spanParameters } from '../monitor-parameters.ts';
import { required, text } from '../parameters.ts';

export const describeDiskMonitorData = defineAction({
  name: 'DescribeDiskMonitorData',
  parameters: { DiskId: required(text()), ...spanParameters },
  run: async (values, { control }) => {
    const points = await control.monitorDisk({ diskId: values.DiskId, ...spanOf(values) });
    const rendered = points.map((point) => renderPoint(point, values.DiskId));
    return { TotalCount: rendered.length, MonitorData: { DiskMonitorData: rendered } };
  },
});

function renderPoint(point: DiskMonitorPoint, diskId: string): object {
  return {
    DiskId: diskId,
    TimeStamp: formatSecond(point.atMs),
    IOPSRead: point.readsPerSecond,
    IOPSWrite: point.writesPerSecond,
    IOPSTotal: point.readsPerSecond + point.writesPerSecond,
    BPSRead: point.readBytesPerSecond,
    BPSWrite: point.writtenBytesPerSecond,
    BPSTotal: point.readBytesPerSecond + point.writtenBytesPerSecond,
    LatencyRead: point.readMicros,
    LatencyWrite: point.writeMicros,
  };
}
