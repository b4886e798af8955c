import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { createWorld } from '../../test/control/world.ts';
import type { DiskAnswers, DiskCounters, DiskState } from '../disk/protocol.ts';
import { MINUTE_MS, roundUpToMinute } from '../ecs/monitor-rules.ts';
import { systemClock } from '../lib/clock.ts';
import { MonitorSampler } from './monitor-sampler.ts';
import { MonitorStore } from './monitor-store.ts';
import type { DiskWork } from './monitor-store.ts';

const silent = { info: () => undefined, warn: () => undefined };
const MINUTE = 29_000_000;
const always = { first: MINUTE - 100_000, end: MINUTE + 100_000, step: 200_000 };

type Counted = Partial<DiskCounters & { served: boolean; sinceMs: number; answered: Partial<DiskAnswers> }>;

/** As much of a disk's state as is looked at. */
function disk(diskId: string, { served = true, sinceMs = 1, answered = {}, ...counters }: Counted): DiskState {
  const zeros = { readCount: 0, writeCount: 0, flushCount: 0, zeroCount: 0, readBytes: 0, writtenBytes: 0 };
  const answers = { countedSinceMs: sinceMs, readCount: 0, writeCount: 0, readMs: 0, writeMs: 0, ...answered };
  const state = { diskId, socketPath: served ? '/s' : null, counters: { ...zeros, ...counters }, answers };
  return state as unknown as DiskState;
}

/** A sampler whose time and world move by hand. */
class Bench {
  readonly store = MonitorStore.open(':memory:', silent);
  readonly warnings: string[] = [];
  nowMs = MINUTE * MINUTE_MS;
  elapsedMs = 0;
  disks: DiskState[] | Error = [];
  /** What measuring all snapshots takes. */
  measuresMs = 0;
  totals = { snapshotCount: 0, sizeBytes: 0, uncountedCount: 0, unstoredCount: 0 };
  #sampler = this.#newSampler();

  #newSampler(): MonitorSampler {
    return new MonitorSampler({
      store: this.store,
      listDisks: async () => {
        if (this.disks instanceof Error) throw this.disks;
        return { disks: this.disks };
      },
      measureSnapshots: async () => {
        this.elapsedMs += this.measuresMs;
        return this.totals;
      },
      clock: { ...systemClock, nowMs: () => this.nowMs, monotonicMs: () => this.elapsedMs },
      log: { info: () => undefined, warn: (message) => void this.warnings.push(message) },
      fileLimitBytes: 400_000,
    });
  }

  /** The server ends, and another starts. */
  restart(): void {
    this.#sampler = this.#newSampler();
  }

  /** After so long, of which the clock says `saysMs`. */
  async look(disks: DiskState[] | Error, afterMs = MINUTE_MS, saysMs = afterMs): Promise<void> {
    this.nowMs += saysMs;
    this.elapsedMs += afterMs;
    this.disks = disks;
    await this.#sampler.look();
  }

  /** All of a disk's minutes: what is told of each, by how many minutes after the first look it began. */
  told(diskId: string): Map<number, DiskWork> {
    const found = this.store.readDisk(diskId, { first: MINUTE - 1000, end: MINUTE + 1000, step: 1 });
    return new Map([...found].map(([bucket, work]) => [bucket - 1000, work]));
  }

  sum(diskId: string): number {
    return [...this.told(diskId).values()].reduce((total, { readCount }) => total + readCount, 0);
  }
}

test('each minute has what was counted in it, from the second look on', async () => {
  const bench = new Bench();
  await bench.look([disk('d-1', { readCount: 500, readBytes: 9 })], 0);
  await bench.look([
    disk('d-1', {
      ...{ readCount: 620, writeCount: 30, readBytes: 1009, writtenBytes: 500 },
      answered: { readCount: 100, readMs: 25.5, writeCount: 30, writeMs: 90 },
    }),
  ]);
  assert.deepEqual(
    { ...bench.told('d-1').get(0) },
    {
      ...{ ms: 60_000, readCount: 120, writeCount: 30, readBytes: 1000, writtenBytes: 500 },
      ...{ answeredReads: 100, readMicros: 25_500, answeredWrites: 30, writeMicros: 90_000 },
    },
  );
  assert.equal(bench.told('d-1').size, 1);
});

test('nothing is told twice or below zero when disks, diskd or the server start again', async () => {
  const bench = new Bench();
  await bench.look([disk('d-1', { readCount: 100 })], 0);
  await bench.look([disk('d-1', { readCount: 150 })]);
  await bench.look([disk('d-1', { readCount: 20, sinceMs: 2 })]); // it was opened again
  await bench.look([disk('d-1', { readCount: 90, sinceMs: 3 })]); // and again, and has more than before
  await bench.look([disk('d-1', { readCount: 95, sinceMs: 3 }), disk('d-2', { readCount: 7, sinceMs: 4 })]);
  const counts = [...bench.told('d-1')].map(([minute, { readCount }]) => [minute, readCount]);
  assert.deepEqual(counts, [
    [0, 50],
    [1, 20],
    [2, 90],
    [3, 5],
  ]);
  assert.equal(bench.sum('d-2'), 7, 'one that is new has done what it has counted');
  bench.restart();
  await bench.look([disk('d-1', { readCount: 1095, sinceMs: 3 })], 30 * MINUTE_MS);
  await bench.look([disk('d-1', { readCount: 1096, sinceMs: 3 })]);
  assert.equal(bench.sum('d-1'), 166, 'what was done while no server ran is told by nobody');
});

test('an older diskd, which does not say since when it counts, is believed as far as it goes', async () => {
  const bench = new Bench();
  const older = (readCount: number) => {
    const { answers: _none, ...state } = disk('d-1', { readCount });
    return state as DiskState;
  };
  for (const count of [10, 30, 5]) await bench.look([older(count)]);
  const told = [...bench.told('d-1').values()].map(({ readCount, answeredReads }) => [readCount, answeredReads]);
  assert.deepEqual(told, [
    [20, 0],
    [5, 0],
  ]);
});

test('a look that fails is told once, and the next one tells of the longer time', async () => {
  const bench = new Bench();
  await bench.look([disk('d-1', { readCount: 0 })], 0);
  for (let count = 0; count < 3; count++) await bench.look(new Error('diskd is away'));
  await bench.look([disk('d-1', { readCount: 400 })]);
  assert.deepEqual(
    [...bench.told('d-1')].map(([minute, { ms, readCount }]) => [minute, ms, readCount]),
    [[3, 4 * MINUTE_MS, 400]],
  );
  assert.equal(bench.warnings.length, 1);
});

test('a clock that is set back makes averages of the minutes that come again', async () => {
  const bench = new Bench();
  await bench.look([disk('d-1', {})], 0);
  await bench.look([disk('d-1', { readCount: 60 })]);
  await bench.look([disk('d-1', { readCount: 180 })], MINUTE_MS, 0);
  const { ms, readCount } = bench.told('d-1').get(0)!;
  assert.deepEqual([ms, readCount], [120_000, 180]);
});

test('disks that are not served have no points, but for the minute in which they were closed', async () => {
  const bench = new Bench();
  await bench.look([disk('d-1', {})], 0);
  await bench.look([disk('d-1', { readCount: 3, served: false })]);
  await bench.look([disk('d-1', { readCount: 3, served: false })]);
  assert.deepEqual([...bench.told('d-1').keys()], [0]);
});

test('what snapshots take is told only while all that are stored are counted', async () => {
  const bench = new Bench();
  bench.totals = { snapshotCount: 3, sizeBytes: 100, uncountedCount: 1, unstoredCount: 1 };
  await bench.look([], 0);
  bench.totals = { ...bench.totals, sizeBytes: 5, uncountedCount: 3 };
  await bench.look([]);
  bench.totals = { ...bench.totals, sizeBytes: 130, uncountedCount: 0, unstoredCount: 0 };
  await bench.look([]);
  const read = (step: number) => [...bench.store.readSnapshots('standard', { first: MINUTE, end: MINUTE + 10, step })];
  assert.deepEqual(read(1), [
    [0, 100],
    [2, 130],
  ]);
  assert.deepEqual(read(10), [[0, 130]], 'the last of a period');
});

test('snapshots that take long to measure are measured in fewer minutes, disks in each', async () => {
  const bench = new Bench();
  bench.measuresMs = 5000;
  await bench.look([disk('d-1', {})], 0);
  for (let minute = 1; minute <= 4; minute += 1) await bench.look([disk('d-1', { readCount: minute })]);
  const read = bench.store.readSnapshots('standard', { first: MINUTE, end: MINUTE + 10, step: 1 });
  assert.deepEqual([...read.keys()], [0, 2, 4], 'each waits 100 s');
  assert.equal(bench.told('d-1').size, 4);
});

test('what is older than thirty days is forgotten, and the oldest when there is too much', async () => {
  const bench = new Bench();
  const work = new Map([['d-old', { ...emptyWork, ms: 1 }]]);
  bench.store.addDiskMinute(MINUTE - 43_201, work);
  bench.store.putSnapshotMinute(MINUTE - 43_201, 'standard', 1);
  bench.store.addDiskMinute(MINUTE - 43_200, new Map([['d-1', { ...emptyWork, ms: 1 }]]));
  await bench.look([], 0);
  assert.equal(bench.store.readDisk('d-old', always).size, 0);
  assert.equal(bench.store.readDisk('d-1', always).size, 1);
  assert.equal(bench.store.findFirstMinute(), MINUTE - 43_200);
  const many = new Map(Array.from({ length: 50 }, (_, index) => [`d-${index}`, { ...emptyWork, ms: 60_000 }]));
  for (let ago = 400; ago > 0; ago--) bench.store.addDiskMinute(MINUTE - ago, many);
  assert.ok(bench.store.usedBytes > 400_000);
  await bench.look([]);
  assert.ok(bench.store.usedBytes <= 400_000);
  const first = bench.store.findFirstMinute() ?? 0;
  assert.ok(first > MINUTE - 400 && first < MINUTE - 60, `kept from ${MINUTE - first} minutes ago`);
});

const emptyWork: DiskWork = {
  ...{ ms: 0, readCount: 0, writeCount: 0, readBytes: 0, writtenBytes: 0 },
  ...{ answeredReads: 0, readMicros: 0, answeredWrites: 0, writeMicros: 0 },
};

test('samples outlive the server; a damaged file, or none that can be made, keeps nobody from anything', (t: TestContext) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-monitor-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'monitor.db');
  const open = (name = file) => {
    const warnings: string[] = [];
    const store = MonitorStore.open(name, { ...silent, warn: (message) => void warnings.push(message) });
    const found = store.readSnapshots('standard', always).size;
    store.putSnapshotMinute(MINUTE, 'standard', 7);
    store.close();
    return [found, warnings.length];
  };
  assert.deepEqual(open(), [0, 0]);
  assert.deepEqual(open(), [1, 0]);
  fs.writeFileSync(file, Buffer.alloc(8192, 'not a database'));
  assert.deepEqual(open(), [0, 0]);
  assert.deepEqual(open(path.join(folder, 'none', 'monitor.db')), [0, 1]);
});

test('points are averages of the periods asked for, from their beginning', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  const endMs = roundUpToMinute(world.clock.nowMs());
  const startMs = endMs - 120 * MINUTE_MS;
  const first = startMs / MINUTE_MS;
  for (let index = 0; index < 120; index++) {
    const counted = { ms: 60_000, readCount: 60 * index, writeCount: 120, readBytes: 6000, writtenBytes: 60_000 };
    const timed = { answeredReads: 10, readMicros: 10 * index, answeredWrites: 0, writeMicros: 0 };
    if (index !== 5) world.monitor.addDiskMinute(first + index, new Map([[diskId, { ...counted, ...timed }]]));
  }
  const ask = (periodMs: number, from = startMs) =>
    world.control.monitorDisk({ diskId, startMs: from, endMs, periodMs });
  const minutes = await ask(60_000);
  assert.equal(minutes.length, 119, 'a minute without a sample has no point');
  assert.deepEqual(minutes[6], {
    ...{ atMs: startMs + 7 * MINUTE_MS, readsPerSecond: 7, writesPerSecond: 2 },
    ...{ readBytesPerSecond: 100, writtenBytesPerSecond: 1000, readMicros: 7, writeMicros: 0 },
  });
  const tens = await ask(600_000);
  assert.deepEqual([tens.length, tens[1]?.atMs, tens[1]?.readsPerSecond], [12, startMs + 600_000, 15]);
  assert.equal(tens[0]?.readsPerSecond, Math.round(40 / 9), 'of the nine minutes that were seen');
  const hours = await ask(3_600_000);
  assert.deepEqual([hours.length, hours[1]?.readsPerSecond, hours[1]?.readMicros], [2, 90, 90]);
  assert.deepEqual((await ask(60_000, endMs - 60_000)).length, 1);
  await assert.rejects(ask(60_000, endMs), { code: 'InvalidParameter.EndTime' });
  await assert.rejects(ask(60_000, endMs - 401 * MINUTE_MS), { code: 'InvalidParameter.TooManyDataQueried' });
  assert.equal((await ask(600_000, endMs - 401 * MINUTE_MS)).length, 13);
  await assert.rejects(ask(3_600_000, endMs - 43_202 * MINUTE_MS), { code: 'InvalidStartTime.TooEarly' });
});
