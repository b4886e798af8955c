/** Which spans of time can be asked of monitoring (`ecs-api.md` 2.1 DescribeSnapshotMonitorData, 2.3, 3.8). Pure. */
import { refusal } from './states.ts';
import type { Refusal } from './states.ts';

export const MINUTE_MS = 60_000;
/** So long samples are kept. */
export const MONITOR_DAYS = 30;
export const POINT_LIMIT = 400;

/** From the first moment to before the second, a point for each period. */
export interface MonitorSpan {
  startMs: number;
  endMs: number;
  periodMs: number;
}

/** A minute that has begun counts from its end. */
export function roundUpToMinute(timeMs: number): number {
  return Math.ceil(timeMs / MINUTE_MS) * MINUTE_MS;
}

/** `endCode`: the action's for an end that is not after the start. */
export function refuseSpan({ startMs, endMs, periodMs }: MonitorSpan, nowMs: number, endCode: string): Refusal | null {
  if (endMs <= startMs) return refusal(endCode, 'The parameter "EndTime" must be later than StartTime.');
  if (startMs < nowMs - MONITOR_DAYS * 86_400_000) {
    return refusal('InvalidStartTime.TooEarly', `The parameter "StartTime" must be at most ${MONITOR_DAYS} days ago.`);
  }
  const count = Math.ceil((endMs - startMs) / periodMs);
  if (count <= POINT_LIMIT) return null;
  return refusal(
    'InvalidParameter.TooManyDataQueried',
    `That is ${count} points, of at most ${POINT_LIMIT}: ask for a shorter time or a longer Period.`,
  );
}
