import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { feeOfHour, feeOfSpan, formatFee, hourOf, nameOfPeriod, planMark, planSpans } from './billing.ts';
import type { UsageMark } from './billing.ts';

const GIB = 1024 ** 3;
const prices = { standard: 0.12, archive: 0.0375 };

/** The marks that a meter makes which looks at these moments. */
function meter(looks: readonly { atMs: number; sizeBytes: number }[]): UsageMark[] {
  const marks = new Map<number, UsageMark>();
  let latest: UsageMark | null = null;
  for (const { atMs, sizeBytes } of looks) {
    const hour = hourOf(atMs);
    const planned = planMark(latest, hour, sizeBytes);
    if (planned === null) continue;
    latest = { diskId: 'd-1', category: 'standard', hour, sizeBytes: planned };
    marks.set(hour, latest);
  }
  return [...marks.values()];
}

describe('what snapshots cost', () => {
  it('is what the documentation works out: 50, 220 and 40 GiB from 10:20 until 23:00', () => {
    const at = (clock: string) => Date.parse(`2026-11-23T${clock}:00+08:00`);
    const fees = [50, 220, 40].map((gib) => {
      const marks = meter([{ atMs: at('10:20'), sizeBytes: gib * GIB }]);
      const spans = planSpans(marks, { fromHour: 0, untilHour: hourOf(at('23:00')), period: 'day' });
      assert.equal(
        spans.reduce((sum, { hourCount }) => sum + hourCount, 0),
        13,
      );
      return spans.reduce((sum, span) => sum + feeOfSpan(span, prices), 0);
    });
    assert.equal(formatFee(fees.reduce((sum, fee) => sum + fee, 0)), '0.67171');
  });

  it('counts a begun hour whole, also for what comes and goes in it', () => {
    const looks = [
      { atMs: 1, sizeBytes: GIB },
      { atMs: 2, sizeBytes: 3 * GIB },
      { atMs: 3, sizeBytes: 0 },
      { atMs: 3_600_001, sizeBytes: 0 },
    ];
    const spans = planSpans(meter(looks), { fromHour: 0, untilHour: 9, period: 'month' });
    assert.deepEqual(
      spans.map(({ hourCount, sizeBytes }) => [hourCount, sizeBytes]),
      [[1, 3 * GIB]],
    );
  });

  it('is the same by hours, days and months, and as if each hour were written down', () => {
    const look = fc.record({
      afterHours: fc.integer({ min: 0, max: 900 }),
      sizeBytes: fc.integer({ min: 0, max: 9 * GIB }),
    });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 20 }), fc.integer({ min: 0, max: 500 }), (steps, from) => {
        let atMs = Date.UTC(2026, 0, 30);
        const first = hourOf(atMs);
        const looks = steps.map(({ afterHours, sizeBytes }) => ({ atMs: (atMs += afterHours * 3_600_000), sizeBytes }));
        const untilHour = hourOf(atMs) + 50;
        const ofHours = new Map<number, number>();
        for (const [index, { atMs: lookedMs, sizeBytes }] of looks.entries()) {
          const hour = hourOf(lookedMs);
          ofHours.set(hour, Math.max(ofHours.get(hour) ?? 0, sizeBytes));
          const next = looks[index + 1];
          const end = next === undefined ? untilHour : hourOf(next.atMs);
          // What is seen last in an hour is what the hours after it have; the most of it counts for the hour itself.
          for (let later = hour + 1; later < end; later += 1) ofHours.set(later, lastMark(looks, index));
        }
        const fromHour = first + from;
        const expected = [...ofHours]
          .filter(([hour]) => hour >= fromHour && hour < untilHour)
          .reduce((sum, [, sizeBytes]) => sum + feeOfHour(sizeBytes, prices.standard), 0);
        for (const period of ['hour', 'day', 'month'] as const) {
          const spans = planSpans(meter(looks), { fromHour, untilHour, period });
          assert.equal(
            spans.reduce((sum, span) => sum + feeOfSpan(span, prices), 0),
            expected,
            period,
          );
          for (const span of spans) {
            assert.equal(nameOfPeriod(period, span.fromHour), nameOfPeriod(period, span.fromHour + span.hourCount - 1));
          }
        }
      }),
    );
  });

  it('is written with five decimals', () => {
    assert.deepEqual([0, 1, 123_456, 99_999].map(formatFee), ['0.00000', '0.00001', '1.23456', '0.99999']);
  });
});

/** A meter that does not look again in an hour carries the most of it on. */
function lastMark(looks: readonly { atMs: number; sizeBytes: number }[], index: number): number {
  const hour = hourOf(looks[index]?.atMs ?? 0);
  return Math.max(
    ...looks
      .slice(0, index + 1)
      .filter(({ atMs }) => hourOf(atMs) === hour)
      .map(({ sizeBytes }) => sizeBytes),
  );
}
