/** What the actions on monitoring share: the span of time that is asked for. */
import { roundUpToMinute } from '../ecs/monitor-rules.ts';
import type { MonitorSpan } from '../ecs/monitor-rules.ts';
import { parseSecond } from '../ecs/times.ts';
import { oneOf, required, text, withDefault, type Values } from './parameters.ts';

const isTime = (value: string) => (parseSecond(value) === null ? 'it must be UTC as yyyy-MM-ddTHH:mm:ssZ' : null);

export const spanParameters = {
  StartTime: required(text('InvalidStartTime.Malformed', isTime)),
  EndTime: required(text('InvalidEndTime.Malformed', isTime)),
  Period: withDefault(oneOf(['60', '600', '3600'], 'InvalidPeriod.ValueNotSupported'), '60'),
};

export function spanOf({ StartTime, EndTime, Period }: Values<typeof spanParameters>): MonitorSpan {
  return {
    startMs: roundUpToMinute(parseSecond(StartTime) ?? 0),
    endMs: roundUpToMinute(parseSecond(EndTime) ?? 0),
    periodMs: Number(Period) * 1000,
  };
}
