import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { HOUR_MS, LATE_MS, isSlot, listNextSlots, listSlotsBack, planDue } from './schedule.ts';
import type { Schedule } from './schedule.ts';

const anySchedule = fc.record({
  hours: fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { minLength: 1, maxLength: 5 }),
  weekdays: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
});

const START_MS = Date.UTC(2024, 1, 27);

/** By what the calendar of a place at UTC+8 says of each hour. */
function isSlotByCalendar({ hours, weekdays }: Schedule, atMs: number): boolean {
  const parts = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone: 'Asia/Singapore', weekday: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' },
    hourCycle: 'h23',
  }).formatToParts(atMs);
  const read = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  const weekday = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(read('weekday')) + 1;
  const isWhole = read('minute') === '00' && read('second') === '00' && atMs % 1000 === 0;
  return isWhole && hours.includes(Number(read('hour'))) && weekdays.includes(weekday);
}

describe('the schedule of a policy', () => {
  it('has the hours and days of UTC+8, over leap days and years', () => {
    const schedule = { hours: [0, 23], weekdays: [4, 5] };
    const leapDay = Date.UTC(2024, 1, 28, 16); // Thursday, 29 February 2024, 00:00 in UTC+8
    assert.ok(isSlot(schedule, leapDay));
    assert.deepEqual(listNextSlots(schedule, leapDay, 2), [leapDay + 23 * HOUR_MS, leapDay + 24 * HOUR_MS]);
  });

  it('is that of the calendar, for any schedule', () => {
    fc.assert(
      fc.property(anySchedule, fc.integer({ min: 0, max: 20_000 }), (schedule, hour) => {
        const fromMs = START_MS + hour * HOUR_MS - 1;
        const slots: number[] = [];
        for (let atMs = fromMs + 1; atMs <= fromMs + 15 * 24 * HOUR_MS; atMs += HOUR_MS) {
          if (isSlotByCalendar(schedule, atMs)) slots.push(atMs);
        }
        assert.deepEqual(listNextSlots(schedule, fromMs, slots.length), slots);
        const untilMs = fromMs + 15 * 24 * HOUR_MS;
        assert.deepEqual(listSlotsBack(schedule, fromMs, untilMs, slots.length), slots.toReversed());
      }),
      { numRuns: 30 },
    );
  });

  it('of an empty schedule nothing comes', () => {
    assert.deepEqual(listNextSlots({ hours: [], weekdays: [1] }, START_MS, 3), []);
  });
});

describe('what is due', () => {
  const look = (schedule: Schedule, catchesUp: boolean) => {
    const ran = new Map<number, number>();
    let cursorMs = START_MS;
    return {
      ran,
      at: (nowMs: number) => {
        const due = planDue(schedule, { cursorMs, hasRun: (slotMs) => ran.has(slotMs) }, { nowMs, catchesUp });
        ({ cursorMs } = due);
        if (due.slotMs !== null) ran.set(due.slotMs, (ran.get(due.slotMs) ?? 0) + 1);
        return due;
      },
    };
  };
  const daily = { hours: [8], weekdays: [1, 2, 3, 4, 5, 6, 7] }; // 00:00 UTC

  it('catches up a missed run once, or not at all, as the setting says', () => {
    const later = START_MS + 5 * 24 * HOUR_MS + 3 * HOUR_MS;
    const due = look(daily, true).at(later);
    assert.equal(due.slotMs, START_MS + 5 * 24 * HOUR_MS);
    assert.equal(due.missedMs.length, 4);
    const skipped = look(daily, false).at(later);
    assert.equal(skipped.slotMs, null);
    assert.equal(skipped.missedMs.length, 5);
    assert.equal(look(daily, false).at(START_MS + 24 * HOUR_MS + LATE_MS).slotMs, START_MS + 24 * HOUR_MS);
  });

  it('each slot that a clock passes while somebody looks runs exactly once, wherever the clock is set meanwhile', () => {
    const step = fc.oneof(
      { weight: 20, arbitrary: fc.constant({ kind: 'wait' as const }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('set' as const), hours: fc.integer({ min: -9000, max: 9000 }) }),
      },
    );
    fc.assert(
      fc.property(anySchedule, fc.boolean(), fc.array(step, { maxLength: 300 }), (schedule, catchesUp, steps) => {
        const looked = look(schedule, catchesUp);
        const passed = new Set<number>();
        let nowMs = START_MS;
        for (const one of steps) {
          if (one.kind === 'set') nowMs += one.hours * HOUR_MS + 1234;
          else {
            const before = nowMs;
            nowMs += LATE_MS / 2;
            for (const slotMs of listSlotsBack(schedule, before, nowMs, 1)) passed.add(slotMs);
          }
          looked.at(nowMs);
        }
        for (const slotMs of passed) assert.equal(looked.ran.get(slotMs), 1, new Date(slotMs).toISOString());
        for (const count of looked.ran.values()) assert.equal(count, 1);
        if (!catchesUp) for (const slotMs of looked.ran.keys()) assert.ok(isSlot(schedule, slotMs));
      }),
      { numRuns: 200 },
    );
  });
});
