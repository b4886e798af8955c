/** The engine against a model: a disk is a byte array, a snapshot a copy of it. */
import test from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CHUNK_BYTES, DiskHarness, ZERO_BASE, baseByte, baseRef } from './disk-harness.ts';

const CHUNKS = 6;
/** As large as a disk comes to be here. */
const MOST_CHUNKS = 9;

interface Model {
  bytes: Buffer;
  /** Null for zeros. */
  base: number | null;
  view: { snapshotId: string; bytes: Buffer } | null;
  freezeCount: number;
  incarnation: number;
}

interface Step {
  name: string;
  run(model: Model, real: DiskHarness): Promise<void>;
}

/** fast-check tells a failing example by its steps' names. */
function named(step: Step): Step {
  return { ...step, [fc.toStringMethod]: () => step.name } as Step;
}

function baseBytes(number: number | null, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  if (number === null) return bytes;
  for (let chunk = 0; chunk < sizeBytes / CHUNK_BYTES; chunk++) {
    bytes.fill(baseByte(number, chunk), chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES);
  }
  return bytes;
}

interface Range {
  offset: number;
  length: number;
}

/** Ranges that often meet block and chunk borders, some beyond the end of a disk that has not grown. */
const range = fc
  .tuple(
    fc.nat(MOST_CHUNKS * 16 - 1),
    fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(4095)),
    fc.oneof(fc.constant(4096), fc.constant(CHUNK_BYTES), fc.integer({ min: 1, max: 3 * CHUNK_BYTES })),
  )
  .map(([block, skew, length]): Range => ({ offset: block * 4096 + skew, length }));

/** The part of a range that is on the disk as large as it is now. */
function within({ offset, length }: Range, { bytes }: Model): Range {
  const start = offset % bytes.length;
  return { offset: start, length: Math.min(length, bytes.length - start) };
}

const writeStep = fc.tuple(range, fc.integer({ min: 1, max: 255 })).map(([asked, byte]): Step => ({
  name: `write ${asked.offset}+${asked.length}=${byte}`,
  run: async (model, real) => {
    const { offset, length } = within(asked, model);
    model.bytes.fill(byte, offset, offset + length);
    await real.write(offset, Buffer.alloc(length, byte));
  },
}));

const zeroStep = range.map((asked): Step => ({
  name: `writeZeroes ${asked.offset}+${asked.length}`,
  run: async (model, real) => {
    const { offset, length } = within(asked, model);
    model.bytes.fill(0, offset, offset + length);
    await real.zero(offset, length);
  },
}));

const trimStep = range.map((asked): Step => ({
  name: `trim ${asked.offset}+${asked.length}`,
  run: async (model, real) => {
    const { offset, length } = within(asked, model);
    const first = Math.ceil(offset / CHUNK_BYTES) * CHUNK_BYTES;
    const end = Math.floor((offset + length) / CHUNK_BYTES) * CHUNK_BYTES;
    if (first < end) model.bytes.fill(0, first, end);
    await real.trim(offset, length);
  },
}));

/** Several requests under way at once: their order on one chunk is the order they were sent in. */
const burstStep = fc.array(fc.tuple(range, fc.nat(255)), { minLength: 2, maxLength: 6 }).map((writes): Step => ({
  name: `burst of ${writes.length}`,
  run: async (model, real) => {
    const waits = writes.map(async ([asked, byte]) => {
      const { offset, length } = within(asked, model);
      model.bytes.fill(byte, offset, offset + length);
      const data = Buffer.alloc(length, byte);
      await (byte === 0 ? real.disk.device.writeZeroes(offset, length) : real.disk.device.write(offset, data));
    });
    await Promise.all(waits);
    real.disk.device.commit();
  },
}));

const freezeStep = fc.constant<Step>({
  name: 'freeze',
  run: async (model, real) => {
    if (model.view !== null) return;
    const snapshotId = `s-${model.freezeCount++}`;
    real.disk.freeze(snapshotId);
    model.view = { snapshotId, bytes: Buffer.from(model.bytes) };
  },
});

const releaseStep = fc.boolean().map((committed): Step => ({
  name: `release ${committed}`,
  run: async (model, real) => {
    if (model.view === null) return;
    real.disk.releaseView(model.view.snapshotId, committed);
    model.view = null;
  },
}));

const rollbackStep = fc.option(fc.nat(5)).map((number): Step => ({
  name: `rollback to ${number}`,
  run: async (model, real) => {
    if (model.view !== null) return;
    model.incarnation++;
    model.base = number;
    model.bytes = baseBytes(number, model.bytes.length);
    await real.disk.rollback(number === null ? ZERO_BASE : baseRef(number), model.incarnation);
  },
}));

/** Clients write to what they know of meanwhile. */
const resizeStep = fc.tuple(fc.integer({ min: 1, max: 2 }), range).map(([moreChunks, asked]): Step => ({
  name: `grow by ${moreChunks}, writing ${asked.offset}+${asked.length}`,
  run: async (model, real) => {
    if (model.view !== null) return;
    const { offset, length } = within(asked, model);
    const sizeBytes = Math.min(MOST_CHUNKS * CHUNK_BYTES, model.bytes.length + moreChunks * CHUNK_BYTES);
    const grown = real.disk.resize(sizeBytes);
    await real.write(offset, Buffer.alloc(length, 0x5a));
    await grown;
    model.bytes.fill(0x5a, offset, offset + length);
    model.bytes = Buffer.concat([model.bytes, baseBytes(model.base, sizeBytes).subarray(model.bytes.length)]);
  },
}));

const otherSteps = fc.constantFrom<Step>(
  { name: 'flush', run: (_model, real) => real.disk.device.flush() },
  { name: 'maintain', run: (_model, real) => real.disk.store.maintain() },
  { name: 'checkpoint', run: (_model, real) => real.disk.store.checkpoint() },
  { name: 'kill and restart', run: (_model, real) => real.restart() },
  { name: 'close and reopen', run: (_model, real) => real.reopen() },
  { name: 'close and reboot', run: (_model, real) => real.reopen({ anotherBoot: true }) },
  {
    name: 'read',
    run: async (model, real) => {
      assert.ok((await real.readAll()).equals(model.bytes), 'the disk differs from the model');
      if (model.view !== null) {
        assert.ok((await real.readView(model.view.snapshotId)).equals(model.view.bytes), 'the view differs');
      }
    },
  },
);

const step = fc
  .oneof(
    { weight: 6, arbitrary: writeStep },
    { weight: 2, arbitrary: zeroStep },
    { weight: 2, arbitrary: trimStep },
    { weight: 2, arbitrary: burstStep },
    { weight: 2, arbitrary: freezeStep },
    { weight: 1, arbitrary: releaseStep },
    { weight: 1, arbitrary: rollbackStep },
    { weight: 1, arbitrary: resizeStep },
    { weight: 5, arbitrary: otherSteps },
  )
  .map(named);

test('a disk does what a byte array that grows does, and a frozen view what a copy of it does', async () => {
  const runs = fc.asyncProperty(
    fc.option(fc.nat(5)),
    fc.array(step, { maxLength: 40, size: 'max' }),
    async (base, steps) => {
      const real = await DiskHarness.create({
        chunkCount: CHUNKS,
        checkpointRecords: 20,
        base: base === null ? ZERO_BASE : baseRef(base),
      });
      const bytes = baseBytes(base, CHUNKS * CHUNK_BYTES);
      const model: Model = { bytes, base, view: null, freezeCount: 0, incarnation: 1 };
      for (const { run } of steps) await run(model, real);
      real.check();
      assert.ok((await real.readAll()).equals(model.bytes), 'the disk differs from the model at the end');
      if (model.view !== null) {
        assert.ok((await real.readView(model.view.snapshotId)).equals(model.view.bytes), 'the view differs at the end');
      }
      await real.finish();
    },
  );
  await fc.assert(runs, { numRuns: 150 });
});
