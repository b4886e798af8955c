import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { dieEverywhere } from '../../test/control/die-everywhere.ts';
import { LeapingClock } from '../../test/control/leaping-clock.ts';
import { World } from '../../test/control/world.ts';
import { listLatestMarks } from '../catalog/usage.ts';
import { HOUR_MS, hourOf, startOfMonth } from '../ecs/billing.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { Cost, CostQuestion } from './metering.ts';

const MINUTE_MS = 60_000;
const GIB = 1024 ** 3;
/** A chunk in the worlds is 64 KiB; the prices are such that it costs something. */
const prices = { standard: 12_000, archive: 3000 };

class MeterWorld {
  readonly world: World;
  readonly clock: LeapingClock;

  constructor(world: World) {
    this.world = world;
    this.clock = world.clock as LeapingClock;
  }

  static async create(t: TestContext): Promise<MeterWorld> {
    const world = await World.create(new LeapingClock(20));
    t.after(() => world.end());
    world.priceList = { currency: 'CNY', prices };
    await world.restart();
    return new MeterWorld(world);
  }

  /** A disk of a running instance that has chunks at these places. */
  async disk(...places: number[]): Promise<string> {
    const { diskId } = await this.world.runOne();
    for (const place of places) this.world.diskd.write(diskId, place, 'x');
    return diskId;
  }

  /** To some minutes past the next hour. */
  nextHour(minutes = 5): void {
    this.clock.leapTo((hourOf(this.clock.nowMs()) + 1) * HOUR_MS + minutes * MINUTE_MS);
  }

  /** Until the meter has written down that the disk's chain takes so many chunks, or those of a category. */
  async seen(diskId: string, chunks: number, category = 'standard'): Promise<void> {
    await this.world.until(`${chunks} chunks`, async () => {
      this.clock.leap(20_000);
      const marks = await listLatestMarks(this.world.catalog.queries);
      const mark = marks.find((each) => each.diskId === diskId && each.category === category);
      return (mark?.sizeBytes ?? 0) === chunks * CHUNK_BYTES;
    });
  }

  costs(change: Partial<CostQuestion> = {}): Promise<Cost[]> {
    return this.world.control.metering.listCosts({
      ...{ fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER, period: 'hour', by: 'disk', tagKey: '', diskId: null },
      ...change,
    });
  }

  /** Chunks of the chain in each hour that is told. */
  async chunks(diskId: string): Promise<number[]> {
    return (await this.costs({ diskId })).map(({ gibHours }) => Math.round((gibHours * GIB) / CHUNK_BYTES));
  }
}

function feeOf(costs: readonly Cost[]): number {
  return costs.reduce((total, { fee }) => total + (fee ?? Number.NaN), 0);
}

test('a snapshot counts from the whole hour that it began in; the chain grows, and goes', async (t) => {
  const here = await MeterWorld.create(t);
  const diskId = await here.disk(1, 2);
  here.nextHour(20);
  const first = await here.world.takeSnapshot(diskId);
  await here.seen(diskId, 2);
  assert.deepEqual(await here.chunks(diskId), [], 'the hour is not over');
  here.nextHour(20);
  assert.deepEqual(await here.chunks(diskId), [2]);
  here.world.diskd.write(diskId, 3, 'x');
  const second = await here.world.takeSnapshot(diskId);
  await here.seen(diskId, 3);
  here.nextHour();
  here.nextHour();
  assert.deepEqual(await here.chunks(diskId), [2, 3, 3]);
  for (const snapshotId of [first, second]) await here.world.control.deleteSnapshot({ snapshotId, force: true });
  await here.seen(diskId, 0);
  here.nextHour();
  here.nextHour();
  assert.deepEqual(await here.chunks(diskId), [2, 3, 3], 'in the hour that it went it is looked at anew');
});

test('what was there goes on to count while no server runs', async (t) => {
  const here = await MeterWorld.create(t);
  const diskId = await here.disk(1);
  here.nextHour();
  await here.world.takeSnapshot(diskId);
  await here.seen(diskId, 1);
  await here.world.control.stop();
  await here.world.catalog.close();
  here.clock.standStill(24 * HOUR_MS);
  await here.world.start();
  assert.deepEqual(
    await here.chunks(diskId),
    Array.from({ length: 24 }, () => 1),
  );
});

test('a clock that is set back doubles nothing', async (t) => {
  const here = await MeterWorld.create(t);
  const diskId = await here.disk(1);
  here.nextHour();
  await here.world.takeSnapshot(diskId);
  await here.seen(diskId, 1);
  for (let hours = 0; hours < 5; hours += 1) here.nextHour();
  here.world.diskd.write(diskId, 2, 'x');
  await here.world.takeSnapshot(diskId);
  await here.seen(diskId, 2);
  here.clock.set(-3 * HOUR_MS);
  here.world.diskd.write(diskId, 3, 'x');
  await here.world.takeSnapshot(diskId);
  await here.seen(diskId, 3);
  for (let hours = 0; hours < 4; hours += 1) here.nextHour();
  assert.deepEqual(await here.chunks(diskId), [1, 1, 1, 1, 1, 3]);
});

test('archived snapshots have their own price; disks, tags and months agree', async (t) => {
  const here = await MeterWorld.create(t);
  const { world } = here;
  const [one, other] = [await here.disk(1, 2), await here.disk(1)];
  const tags = [{ key: 'team', value: 'red, "1"' }];
  await world.control.tagResources({ resourceType: 'disk', resourceIds: [one], tags });
  here.nextHour();
  const snapshotId = await world.takeSnapshot(one);
  await world.takeSnapshot(other);
  await here.seen(one, 2);
  await here.seen(other, 1);
  here.nextHour(); // of this one the archive is a part
  await world.catalog.queries
    .updateTable('snapshots')
    .set({ category: 'archive' })
    .where('snapshot_id', '=', snapshotId)
    .execute();
  await here.seen(one, 2, 'archive');
  await here.seen(one, 0);
  here.clock.leap(50 * 24 * HOUR_MS);
  const months = await here.costs({ period: 'month' });
  const [standard, archive] = ['standard', 'archive'].map((category) =>
    months.filter((cost) => cost.subject === one && cost.category === category),
  );
  // 65536 B / GiB · 12000 / 720 · 100000 an hour, rounded by hours: 203.45 for two chunks, 50.86 in the archive.
  assert.deepEqual([feeOf(standard ?? []), feeOf(archive ?? [])], [203, 51 * 50 * 24]);
  const whole = feeOf(months);
  for (const period of ['month', 'day', 'hour'] as const) {
    for (const by of ['disk', 'tag', 'all'] as const) {
      assert.equal(feeOf(await here.costs({ period, by, tagKey: 'team' })), whole, `${period} ${by}`);
    }
  }
  const byTag = await here.costs({ period: 'month', by: 'tag', tagKey: 'team' });
  assert.equal(feeOf(byTag.filter(({ subject }) => subject === 'red, "1"')), feeOf([...standard!, ...archive!]));
  assert.equal(feeOf(await here.costs({ diskId: one })) + feeOf(await here.costs({ diskId: other })), whole);
  const middleMs = startOfMonth(here.clock.nowMs());
  const halves = [await here.costs({ untilMs: middleMs }), await here.costs({ fromMs: middleMs })];
  assert.equal(feeOf(halves.flat()), whole);
  world.priceList = null;
  await world.restart();
  const free = await here.costs({ period: 'month' });
  assert.deepEqual(
    free.map(({ fee, ...rest }) => [fee, rest]),
    months.map(({ fee: _fee, ...rest }) => [null, rest]),
  );
});

test('a server that dies anywhere while a snapshot is made counts it after all, once', async () => {
  const acts = await dieEverywhere({
    createClock: () => new LeapingClock(200),
    prepare: async (world) => {
      const here = new MeterWorld(world);
      const diskId = await here.disk(1);
      await world.takeSnapshot(diskId);
      await here.seen(diskId, 1);
      world.diskd.write(diskId, 2, 'x');
      return { diskId };
    },
    act: (world, { diskId }) => world.takeSnapshot(diskId),
    verify: async (world, { diskId }) => {
      const here = new MeterWorld(world);
      const { items } = await world.control.listSnapshots(
        { diskId, status: 'accomplished' },
        { pageNumber: 1, pageSize: 10, nextToken: null },
      );
      await here.seen(diskId, items.length);
      here.nextHour();
      here.nextHour();
      assert.equal((await here.chunks(diskId)).at(-1), items.length);
    },
  });
  assert.ok(acts > 3, `${acts} acts`);
});
