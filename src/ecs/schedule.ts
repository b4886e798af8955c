/**
 * When an automatic snapshot policy runs (`ecs-api.md` 2.2, 4.6): at whole hours of UTC+8, which has no summer time, on days of the
 * week. A moment of the schedule is a _slot_, and is named by its time. Pure.
 *
 * The clock may be set forth and back, so what has been looked at is known by a cursor that goes with it, and what has run by
 * the slots themselves: each slot runs once at most, and each that the clock passes while somebody looks runs.
 */

export const HOUR_MS = 3_600_000;
export const WEEK_HOURS = 168;
/** UTC+8, as the API has hours and days. */
export const SCHEDULE_OFFSET_MS = 8 * HOUR_MS;
/** A slot that is noticed later was missed: nobody looked when it came. */
export const LATE_MS = 10 * 60_000;

export interface Schedule {
  /** 0 to 23, each once, ascending. */
  hours: readonly number[];
  /** 1 (Monday) to 7, each once, ascending. */
  weekdays: readonly number[];
}

/** The hour and the day of the week of a moment, as the schedule has them. */
function readCalendar(atMs: number): { hour: number; weekday: number } {
  const there = new Date(atMs + SCHEDULE_OFFSET_MS);
  return { hour: there.getUTCHours(), weekday: there.getUTCDay() || 7 };
}

/** Whether a whole hour is a slot. */
export function isSlot({ hours, weekdays }: Schedule, atMs: number): boolean {
  const { hour, weekday } = readCalendar(atMs);
  return atMs % HOUR_MS === 0 && hours.includes(hour) && weekdays.includes(weekday);
}

/** The first `count` slots after a moment, ascending. */
export function listNextSlots(schedule: Schedule, afterMs: number, count: number): number[] {
  const slots: number[] = [];
  if (schedule.hours.length === 0 || schedule.weekdays.length === 0) return slots;
  for (let atMs = (Math.floor(afterMs / HOUR_MS) + 1) * HOUR_MS; slots.length < count; atMs += HOUR_MS) {
    if (isSlot(schedule, atMs)) slots.push(atMs);
  }
  return slots;
}

/** The slots after one moment until another (which may be one), the latest first; no more of them than `most`. */
export function listSlotsBack(schedule: Schedule, afterMs: number, untilMs: number, most: number): number[] {
  const slots: number[] = [];
  for (let atMs = Math.floor(untilMs / HOUR_MS) * HOUR_MS; atMs > afterMs && slots.length < most; atMs -= HOUR_MS) {
    if (isSlot(schedule, atMs)) slots.push(atMs);
  }
  return slots;
}

export interface DueSlots {
  /** To be run now; null: none. */
  slotMs: number | null;
  /** Slots that nobody looked at when they came and that are not made up for: by `slotMs`, if there is one. The latest first, and no more than a week of them. */
  missedMs: number[];
  /** Where the next look begins. */
  cursorMs: number;
}

/**
 * What of a schedule has come since the cursor. Of several slots only the latest runs, and one that was missed runs only where
 * `catchesUp`. A clock that was set back takes the cursor with it: what has run by then (`hasRun`) does not run again.
 */
export function planDue(
  schedule: Schedule,
  seen: { cursorMs: number; hasRun: (slotMs: number) => boolean },
  { nowMs, catchesUp }: { nowMs: number; catchesUp: boolean },
): DueSlots {
  if (nowMs <= seen.cursorMs) return { slotMs: null, missedMs: [], cursorMs: nowMs };
  const open = listSlotsBack(schedule, seen.cursorMs, nowMs, WEEK_HOURS).filter((slotMs) => !seen.hasRun(slotMs));
  const [latest] = open;
  const runs = latest !== undefined && (catchesUp || nowMs - latest <= LATE_MS);
  return { slotMs: runs ? latest : null, missedMs: runs ? open.slice(1) : open, cursorMs: nowMs };
}
