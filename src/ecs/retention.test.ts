import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { KEEP_PERIODS, periodOf, planRetention } from './retention.ts';
import type { KeepRules, KeptFor, RetainedSnapshot } from './retention.ts';
import { HOUR_MS } from './schedule.ts';

const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2023, 11, 1);
const NO_RULES: KeepRules = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

function snapshot(sequence: number, more: Partial<RetainedSnapshot> = {}): RetainedSnapshot {
  return {
    ...{ snapshotId: `s-${sequence}`, sequence, status: 'accomplished', isAutomatic: true },
    ...{ keptSinceMs: START_MS + sequence * DAY_MS, retentionDays: null, keptFor: [], heldBy: null },
    ...more,
  };
}

const facts = (snapshots: RetainedSnapshot[], nowMs: number, rules: [string, KeepRules | null][] = []) => ({
  ...{ snapshots, nowMs, rules: new Map(rules), mostShare: 1, approved: new Set<string>() },
});

const going = (asked: ReturnType<typeof facts>) =>
  planRetention(asked)
    .filter(({ decision }) => decision === 'delete')
    .map(({ snapshotId }) => snapshotId);

describe('retention by days', () => {
  it('ends when the days are over, and not before', () => {
    const one = snapshot(1, { retentionDays: 7, isAutomatic: false });
    const endMs = one.keptSinceMs + 7 * DAY_MS;
    assert.deepEqual(going(facts([one], endMs - 1)), []);
    assert.deepEqual(going(facts([one], endMs)), ['s-1']);
  });

  it('never takes the newest good automatic snapshot, a locked one, one in use, or one in the making', () => {
    const old = { retentionDays: 1 };
    const snapshots = [
      snapshot(1, old),
      snapshot(2, { ...old, heldBy: 'it is locked' }),
      snapshot(3, old),
      snapshot(4, { ...old, status: 'failed' }),
      snapshot(5, { ...old, status: 'progressing' }),
    ];
    assert.deepEqual(going(facts(snapshots, START_MS + 999 * DAY_MS)), ['s-4', 's-1']);
  });

  it('holds back what is more than the share that is set, until somebody agrees to exactly that', () => {
    const snapshots = [1, 2, 3, 4, 5].map((sequence) => snapshot(sequence, { retentionDays: 1 }));
    const asked = { ...facts(snapshots, START_MS + 999 * DAY_MS), mostShare: 0.5 };
    assert.deepEqual(going(asked), []);
    assert.equal(planRetention(asked).filter(({ decision }) => decision === 'hold').length, 4);
    assert.deepEqual(going({ ...asked, approved: new Set(['s-1']) }), ['s-1'], 'what nobody agreed to waits');
    assert.deepEqual(going({ ...asked, approved: new Set(['s-1', 's-2', 's-3', 's-4']) }), [
      's-4',
      's-3',
      's-2',
      's-1',
    ]);
  });

  it('goes by the order of the freezes: one that a wrong clock made old is still the newest', () => {
    const late = snapshot(9, { retentionDays: 1, keptSinceMs: 0 });
    assert.deepEqual(going(facts([snapshot(1, { retentionDays: 1 }), late], START_MS + 99 * DAY_MS)), ['s-1']);
  });
});

/** As a person would do it: for each snapshot, look whether any rule names it. */
function keptByHand(snapshots: RetainedSnapshot[], rules: KeepRules, nowMs: number): Set<string> {
  const latestFirst = snapshots.toSorted((one, other) => other.sequence - one.sequence);
  const slotOf = ({ keptFor: [first] }: RetainedSnapshot) => first?.slotMs ?? 0;
  const kept = new Set(latestFirst.slice(0, Math.max(1, rules.last)).map(({ snapshotId }) => snapshotId));
  for (const one of snapshots) {
    if (nowMs - one.keptSinceMs < (one.keptFor[0]?.days ?? 0) * DAY_MS) kept.add(one.snapshotId);
  }
  for (const period of KEEP_PERIODS) {
    const names = [...new Set(latestFirst.map((one) => periodOf(period, slotOf(one))))].slice(0, rules[period]);
    for (const name of names) {
      const last = latestFirst.find((one) => periodOf(period, slotOf(one)) === name);
      if (last !== undefined) kept.add(last.snapshotId);
    }
  }
  return kept;
}

describe('retention by rules', () => {
  const few = fc.integer({ min: 0, max: 5 });
  const anyRules = fc.record({ last: few, hourly: few, daily: few, weekly: few, monthly: few, yearly: few });

  it('keeps what one would keep by hand, for any rules and any slots', () => {
    fc.assert(
      fc.property(
        anyRules,
        fc.array(fc.integer({ min: 0, max: 3 * 366 * 24 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 90 }),
        (rules, hours, days) => {
          const snapshots = hours.map((hour, index) => {
            const slotMs = START_MS + hour * HOUR_MS;
            const keptFor: KeptFor[] = [{ policyId: 'sp-1', slotMs, days, isTiered: true }];
            return snapshot(index, { keptSinceMs: slotMs, keptFor });
          });
          const nowMs = START_MS + 3 * 366 * DAY_MS;
          const plan = planRetention(facts(snapshots, nowMs, [['sp-1', rules]]));
          assert.equal(plan.length, snapshots.length);
          const kept = plan.filter(({ decision }) => decision === 'keep').map(({ snapshotId }) => snapshotId);
          assert.deepEqual(new Set(kept), keptByHand(snapshots, rules, nowMs));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keeps for ever what a deleted policy, or one without rules any more, kept by rules', () => {
    const keptFor: KeptFor[] = [{ policyId: 'sp-1', slotMs: START_MS, days: 1, isTiered: true }];
    const snapshots = [snapshot(1, { keptFor }), snapshot(2, { keptFor })];
    assert.deepEqual(going(facts(snapshots, START_MS + 999 * DAY_MS)), []);
    assert.deepEqual(going(facts(snapshots, START_MS + 999 * DAY_MS, [['sp-1', null]])), []);
    assert.deepEqual(going(facts(snapshots, START_MS + 999 * DAY_MS, [['sp-1', NO_RULES]])), ['s-1']);
  });

  it('of a snapshot for several policies, each must let it go', () => {
    const member = (policyId: string, days: number | null): KeptFor => ({
      policyId,
      days,
      slotMs: START_MS,
      isTiered: false,
    });
    const both = snapshot(1, { keptFor: [member('sp-1', 1), member('sp-2', 400)] });
    const newer = snapshot(2);
    assert.deepEqual(going(facts([both, newer], START_MS + 399 * DAY_MS)), []);
    assert.deepEqual(going(facts([both, newer], START_MS + 401 * DAY_MS)), ['s-1']);
    const forEver = snapshot(1, { keptFor: [member('sp-1', 1), member('sp-2', null)] });
    assert.deepEqual(going(facts([forEver, newer], START_MS + 9999 * DAY_MS)), []);
  });
});

describe('periods', () => {
  it('are those of ISO 8601 in UTC+8', () => {
    const at = (text: string) => Date.parse(`${text}+08:00`);
    assert.equal(periodOf('weekly', at('2021-01-03T23:59:59')), '2020-W53');
    assert.equal(periodOf('weekly', at('2021-01-04T00:00:00')), '2021-W01');
    assert.equal(periodOf('weekly', at('2024-12-30T00:00:00')), '2025-W01');
    assert.equal(periodOf('daily', at('2024-02-29T23:00:00')), '2024-02-29');
    assert.equal(periodOf('hourly', at('2024-02-29T23:00:00')), '2024-02-29 23:00');
    assert.equal(periodOf('monthly', at('2024-02-29T23:00:00')), '2024-02');
    assert.equal(periodOf('yearly', at('2025-01-01T00:00:00')), '2025');
  });
});
