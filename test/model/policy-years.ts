/**
 * Years of an automatic snapshot policy in a world whose time leaps from run to run, while somebody sets the clock back and forth, and
 * servers end and begin. What must be: each slot that the clock reached has run once; nothing is lost that the rules keep; the
 * newest good snapshot is always there.
 */
import assert from 'node:assert/strict';
import { listNextSlots } from '../../src/ecs/schedule.ts';
import type { Schedule } from '../../src/ecs/schedule.ts';
import { KEEP_PERIODS, periodOf } from '../../src/ecs/retention.ts';
import type { KeepRules } from '../../src/ecs/retention.ts';
import { LeapingClock } from '../control/leaping-clock.ts';
import { PolicyWorld } from '../control/policies.ts';
import { World } from '../control/world.ts';

const DAY_MS = 86_400_000;
const RETENTION_DAYS = 20;
const rules: KeepRules = { last: 2, hourly: 0, daily: 3, weekly: 4, monthly: 6, yearly: 20 };

export interface Years {
  years: number;
  schedule: Schedule;
  /** 0 up to, not including, 1. */
  chance: () => number;
}

/** How many runs there were. */
export async function liveThrough({ years, schedule, chance }: Years): Promise<number> {
  const world = await World.create(new LeapingClock(1000));
  try {
    world.retentionShare = 1;
    await world.restart();
    const here = PolicyWorld.of(world);
    const terms = { schedule, retentionDays: RETENTION_DAYS, keepRules: rules };
    const { policyId, diskId } = await here.protect(terms);
    const reached: number[] = [];
    const endMs = world.clock.nowMs() + years * 365.25 * DAY_MS;
    while (world.clock.nowMs() < endMs) {
      await disturb(here, chance);
      const [slotMs = 0] = listNextSlots(schedule, world.clock.nowMs(), 1);
      here.clock.leapTo(slotMs);
      await overIn(world, policyId, slotMs);
      reached.push(slotMs);
      assert.ok(await hasNewest(world, diskId), 'the newest good snapshot is there');
    }
    here.clock.leap(3_700_000);
    await checkRuns(world, policyId, reached);
    await checkKept(here, { diskId, slots: reached });
    await world.settle();
    await world.checkSettled();
    return reached.length;
  } finally {
    await world.end();
  }
}

/** Now and then: another server, or a clock that is wrong for a while and set right again. */
async function disturb({ world, clock }: PolicyWorld, chance: () => number): Promise<void> {
  const what = chance();
  if (what < 0.02) await world.restart();
  if (what < 0.9 || what > 0.95) return;
  const wrongMs = Math.floor((chance() - 0.5) * 2000) * DAY_MS;
  clock.set(wrongMs);
  clock.leap(60_000);
  clock.set(-wrongMs);
  clock.leap(60_000);
}

async function overIn(world: World, policyId: string, slotMs: number): Promise<void> {
  const { queries } = world.catalog;
  await world.until('the run to be over', async () => {
    const run = queries.selectFrom('policy_runs').select('run_id').where('policy_id', '=', policyId);
    if ((await run.where('slot_ms', '=', slotMs).executeTakeFirst()) === undefined) return false;
    const open = queries.selectFrom('policy_targets').select('target_id');
    return (await open.where('state', 'in', ['pending', 'making', 'copying']).executeTakeFirst()) === undefined;
  });
}

async function hasNewest(world: World, diskId: string): Promise<boolean> {
  const row = await world.catalog.queries
    .selectFrom('policy_targets')
    .innerJoin('snapshots', 'snapshots.snapshot_id', 'policy_targets.snapshot_id')
    .select('policy_targets.state')
    .where('policy_targets.disk_id', '=', diskId)
    .where('policy_targets.state', '=', 'done')
    .orderBy('target_id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** A wrong clock may have run slots of its own, each once too: the table's key says so. */
async function checkRuns(world: World, policyId: string, reached: readonly number[]): Promise<void> {
  const rows = await world.catalog.queries
    .selectFrom('policy_runs')
    .select('slot_ms')
    .where('policy_id', '=', policyId)
    .execute();
  const ran = new Set(rows.map((row) => row.slot_ms));
  for (const slotMs of reached.slice(-2000)) assert.ok(ran.has(slotMs), `${new Date(slotMs).toISOString()} was lost`);
}

/** What the rules name of the slots that were reached is there: of each period the last. */
async function checkKept({ world }: PolicyWorld, { diskId, slots }: { diskId: string; slots: readonly number[] }) {
  const rows = await world.catalog.queries
    .selectFrom('policy_snapshots')
    .innerJoin('snapshots', 'snapshots.snapshot_id', 'policy_snapshots.snapshot_id')
    .select('policy_snapshots.slot_ms')
    .where('snapshots.source_disk_id', '=', diskId)
    .where('snapshots.status', '=', 'accomplished')
    .execute();
  const there = rows.map((row) => row.slot_ms);
  for (const period of KEEP_PERIODS) {
    const names = [...new Set(slots.toReversed().map((slotMs) => periodOf(period, slotMs)))];
    const present = new Set(there.map((slotMs) => periodOf(period, slotMs)));
    // A slot that a wrong clock ran may have taken a place of a period; years are so few that none is lost.
    for (const name of names.slice(0, period === 'yearly' ? 20 : 1)) assert.ok(present.has(name), `${period} ${name}`);
  }
  assert.ok(there.length < 120, `${there.length} snapshots are kept`);
}
