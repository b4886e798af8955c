/** Ages and times as they are typed: `15m` ago, or `2026-11-23T10:00:00Z`. Pure. */
import { UsageError } from './usage-error.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `15m`, `2h`, `7d` in milliseconds; null when it is none. */
export function findDuration(text: string): number | null {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  return count === undefined ? null : Number(count) * (UNITS[unit] ?? 0);
}

/** `15m`, `2h`, `7d`: so long ago; or a time, as `2026-11-23T10:00:00Z`. Throws a UsageError. */
export function parseSince(text: string, nowMs: number, option = '--since'): number {
  const agoMs = findDuration(text);
  const timeMs = agoMs === null ? Date.parse(text) : nowMs - agoMs;
  if (Number.isFinite(timeMs) && (agoMs !== null || /^\d{4}-\d{2}-\d{2}/.test(text))) return Math.max(0, timeMs);
  throw new UsageError(`${option} ${text} is neither an age as 15m, 2h or 7d nor a time as 2026-11-23T10:00:00Z`);
}
