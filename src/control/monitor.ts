/** DescribeDiskMonitorData and DescribeSnapshotMonitorData: points from what was sampled, for the times that have samples. */
import { MINUTE_MS, refuseSpan } from '../ecs/monitor-rules.ts';
import type { MonitorSpan } from '../ecs/monitor-rules.ts';
import type { DiskMonitorPoint, SnapshotMonitorPoint } from '../ecs/resources.ts';
import type { DiskWork, MinuteSpan } from './monitor-store.ts';
import type { Parts } from './parts.ts';
import type { DiskMonitorRequest, SnapshotMonitorRequest } from './requests.ts';
import { assertAllowed, getDisk } from './rows.ts';

export async function monitorDisk(
  { catalog, clock, monitor }: Parts,
  { diskId, ...span }: DiskMonitorRequest,
): Promise<DiskMonitorPoint[]> {
  await getDisk(catalog.queries, diskId);
  assertAllowed(refuseSpan(span, clock.nowMs(), 'InvalidParameter.EndTime'));
  const found = monitor.readDisk(diskId, minutesOf(span));
  return [...found].map(([bucket, work]) => ({ atMs: momentOf(bucket, span), ...ratesOf(work) }));
}

export async function monitorSnapshots(
  { clock, monitor }: Parts,
  { category, ...span }: SnapshotMonitorRequest,
): Promise<SnapshotMonitorPoint[]> {
  assertAllowed(refuseSpan(span, clock.nowMs(), 'InvalidEndTime.Malformed'));
  const found = monitor.readSnapshots(category, minutesOf(span));
  return await Promise.resolve([...found].map(([bucket, sizeBytes]) => ({ atMs: momentOf(bucket, span), sizeBytes })));
}

function minutesOf({ startMs, endMs, periodMs }: MonitorSpan): MinuteSpan {
  return { first: startMs / MINUTE_MS, end: endMs / MINUTE_MS, step: periodMs / MINUTE_MS };
}

function momentOf(bucket: number, { startMs, periodMs }: MonitorSpan): number {
  return startMs + bucket * periodMs;
}

function ratesOf(work: DiskWork): Omit<DiskMonitorPoint, 'atMs'> {
  const perSecond = (count: number) => Math.round((count * 1000) / work.ms);
  return {
    readsPerSecond: perSecond(work.readCount),
    writesPerSecond: perSecond(work.writeCount),
    readBytesPerSecond: perSecond(work.readBytes),
    writtenBytesPerSecond: perSecond(work.writtenBytes),
    readMicros: Math.round(work.readMicros / Math.max(work.answeredReads, 1)),
    writeMicros: Math.round(work.writeMicros / Math.max(work.answeredWrites, 1)),
  };
}
