import assert from 'node:assert/strict';
import test from 'node:test';
import { listNextSlots } from '../../ecs/schedule.ts';
import { dieEverywhere } from '../../../test/control/die-everywhere.ts';
import { LeapingClock } from '../../../test/control/leaping-clock.ts';
import { PolicyWorld, everyDay } from '../../../test/control/policies.ts';
import type { World } from '../../../test/control/world.ts';

const createClock = () => new LeapingClock(200);

/** Not ended by its test: `dieEverywhere` does. */
async function prepare(world: World, runs: number, retentionDays: number) {
  const here = PolicyWorld.of(world);
  const prepared = await here.protect({ retentionDays });
  for (let count = 0; count < runs; count += 1) await here.run();
  const [slotMs = 0] = listNextSlots(everyDay, world.clock.nowMs(), 1);
  return { ...prepared, slotMs };
}

async function passSlot(world: World, slotMs: number): Promise<void> {
  const here = PolicyWorld.of(world);
  here.clock.leapTo(slotMs);
  await here.over(slotMs);
}

async function listGood(here: PolicyWorld, diskId: string) {
  return (await here.snapshots(diskId)).filter(({ status }) => status === 'accomplished');
}

async function finish(world: World, slotMs: number): Promise<void> {
  const here = PolicyWorld.of(world);
  if (world.clock.nowMs() < slotMs) here.clock.leapTo(slotMs);
  await here.over(slotMs);
}

test('a server that dies anywhere in a run has lost none of its snapshots, and doubled none', async () => {
  const acts = await dieEverywhere({
    createClock,
    prepare: (world) => prepare(world, 1, 9),
    act: (world, { slotMs }) => passSlot(world, slotMs),
    finish: (world, { slotMs }) => finish(world, slotMs),
    verify: async (world, { diskId }) => {
      const here = PolicyWorld.of(world);
      const good = (await here.snapshots(diskId)).filter(({ status }) => status === 'accomplished');
      assert.equal(good.length, 2);
      const [latest] = await here.runsOf(diskId);
      assert.deepEqual([latest?.state, latest?.snapshotId], ['done', good[0]?.snapshotId]);
    },
  });
  assert.ok(acts > 10, `${acts} acts`);
});

test('a server that dies anywhere while retention deletes has lost nothing that is to stay', async () => {
  await dieEverywhere({
    createClock,
    prepare: (world) => prepare(world, 2, 1),
    act: async (world, { slotMs, diskId }) => {
      await passSlot(world, slotMs);
      await world.until('the oldest to go', async () => (await PolicyWorld.of(world).snapshots(diskId)).length === 1);
    },
    finish: async (world, { slotMs, diskId }) => {
      await finish(world, slotMs);
      const here = PolicyWorld.of(world);
      here.clock.leap(3_700_000);
      await world.until('the oldest to go', async () => (await listGood(here, diskId)).length === 1);
    },
    verify: async (world, { diskId }) => {
      const here = PolicyWorld.of(world);
      const good = async () => (await here.snapshots(diskId)).filter(({ status }) => status === 'accomplished');
      assert.ok((await good()).length > 0);
      assert.deepEqual((await good())[0]?.snapshotId, (await here.runsOf(diskId))[0]?.snapshotId);
    },
  });
});
