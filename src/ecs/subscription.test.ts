import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addPeriod, planAutomaticEnd, planEnd, planRenewal } from './subscription.ts';
import type { Period } from './subscription.ts';

const DAY_MS = 86_400_000;
const ZONE_MS = 8 * 3_600_000;
const at = (text: string) => Date.parse(`${text}+08:00`);
const month = (count: number): Period => ({ count, unit: 'Month' });

const times = fc.integer({ min: Date.UTC(2023, 0, 1), max: Date.UTC(2033, 0, 1) });
const periods = fc.oneof(
  fc.record({ unit: fc.constant('Week' as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ unit: fc.constant('Month' as const), count: fc.constantFrom(1, 2, 3, 9, 12, 24, 60) }),
  fc.record({ unit: fc.constant('Year' as const), count: fc.integer({ min: 1, max: 5 }) }),
);

/** Year, month and day of UTC+8, counted up day by day from a day that is known. */
function dateOf(atMs: number): { year: number; month: number; day: number } {
  let days = Math.floor((atMs + ZONE_MS) / DAY_MS) - Math.floor((Date.UTC(2023, 0, 1) + ZONE_MS) / DAY_MS);
  let [year, monthOfYear] = [2023, 1];
  while (days >= lengthOf(year, monthOfYear)) {
    days -= lengthOf(year, monthOfYear);
    [year, monthOfYear] = monthOfYear === 12 ? [year + 1, 1] : [year, monthOfYear + 1];
  }
  return { year, month: monthOfYear, day: days + 1 };
}

function lengthOf(year: number, monthOfYear: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (monthOfYear === 2) return isLeap ? 29 : 28;
  return [4, 6, 9, 11].includes(monthOfYear) ? 30 : 31;
}

describe('a period', () => {
  it('ends on the same day of a later month at the same time, or on its last day', () => {
    assert.equal(addPeriod(at('2026-01-31T10:00'), month(1)), at('2026-02-28T10:00'));
    assert.equal(addPeriod(at('2028-01-31T00:00'), month(1)), at('2028-02-29T00:00'));
    assert.equal(addPeriod(at('2028-02-29T23:59'), { count: 1, unit: 'Year' }), at('2029-02-28T23:59'));
    assert.equal(addPeriod(at('2026-12-31T07:00'), month(2)), at('2027-02-28T07:00'));
    assert.equal(addPeriod(at('2026-11-30T07:00'), { count: 2, unit: 'Week' }), at('2026-12-14T07:00'));
  });

  it('is what counting days one by one gives', () => {
    fc.assert(
      fc.property(times, periods, (fromMs, period) => {
        const untilMs = addPeriod(fromMs, period);
        assert.equal((untilMs - fromMs) % DAY_MS, 0, 'as late in the day');
        if (period.unit === 'Week') {
          assert.equal(untilMs - fromMs, period.count * 7 * DAY_MS);
          return;
        }
        const [from, until] = [dateOf(fromMs), dateOf(untilMs)];
        const months = period.count * (period.unit === 'Year' ? 12 : 1);
        assert.equal(until.year * 12 + until.month, from.year * 12 + from.month + months);
        assert.equal(until.day, Math.min(from.day, lengthOf(until.year, until.month)));
      }),
    );
  });
});

describe('what is renewed', () => {
  it('by itself ends after now, and not a period later; looked at once or at each end is the same', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: -30, max: 2000 }), periods, (endMs, days, period) => {
        const nowMs = endMs + days * DAY_MS;
        const nextMs = planAutomaticEnd(endMs, nowMs, period);
        let [steppedMs, count] = [endMs, 0];
        for (let seenMs = endMs - DAY_MS; seenMs <= nowMs; seenMs += DAY_MS) {
          const before = steppedMs;
          steppedMs = planAutomaticEnd(steppedMs, seenMs, period);
          if (steppedMs !== before) count += 1;
        }
        assert.equal(nextMs, steppedMs);
        assert.ok(nextMs > nowMs);
        assert.ok(count > 0 || nextMs === endMs, 'an end that is not over stays');
        assert.ok(nextMs === endMs || nextMs <= addPeriod(nowMs, period));
      }),
    );
  });

  it('by hand lasts on from its end, and from now where that is over', () => {
    const endMs = at('2026-03-15T12:00');
    assert.equal(planRenewal(endMs, endMs - 1, month(1)), at('2026-04-15T12:00'));
    assert.equal(planRenewal(endMs, at('2026-03-20T09:30:01'), month(1)), at('2026-04-20T09:31'));
    assert.equal(planEnd(at('2026-03-20T09:30'), month(1)), at('2026-04-20T09:30'));
  });
});
