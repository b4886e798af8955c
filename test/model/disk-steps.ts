/** What the model test of the disk engine does to its disks, a step each. */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { baseEnd } from '../../src/disk/lineage.ts';
import { VIEW_LIMIT, isViewBase } from '../../src/disk/protocol.ts';
import { BLOCK_BYTES } from '../../src/lib/geometry.ts';
import { CHUNK_BYTES } from './disk-harness.ts';
import type { FrozenCopy, ModelDisk, Piece, World } from './disk-world.ts';
import { treeBase } from './disk-world.ts';

export interface Step {
  name: string;
  run(world: World, disk: ModelDisk): Promise<void>;
}

/** fast-check tells a failing example by its steps' names. */
function named([which, step]: [number, Step]): { run: (world: World) => Promise<void> } {
  const run = (world: World): Promise<void> => step.run(world, world.disk(which));
  const name = which === 1 ? `${step.name} (of the clone)` : step.name;
  return { run, [fc.toStringMethod]: () => name } as { run: (world: World) => Promise<void> };
}

interface Range {
  offset: number;
  length: number;
}

/** Ranges that often meet block and chunk borders, some beyond the end of a disk that has not grown. */
const range = fc
  .tuple(
    fc.nat(9 * 16 - 1),
    fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(4095)),
    fc.oneof(fc.constant(4096), fc.constant(CHUNK_BYTES), fc.integer({ min: 1, max: 3 * CHUNK_BYTES })),
  )
  .map(([block, skew, length]): Range => ({ offset: block * 4096 + skew, length }));

const byte = fc.integer({ min: 1, max: 255 });

const writeStep = fc.tuple(range, byte).map(([asked, value]): Step => ({
  name: `write ${asked.offset}+${asked.length}=${value}`,
  run: (_world, disk) => disk.write(asked, value),
}));

const zeroStep = range.map((asked): Step => ({
  name: `writeZeroes ${asked.offset}+${asked.length}`,
  run: async (_world, disk) => {
    for (const { offset, at, length } of disk.pieces(asked)) {
      disk.bytes.fill(0, at, at + length);
      await disk.real.zero(offset, length);
    }
  },
}));

/** Whole chunks become zeros, parts of chunks stay. */
async function trim(disk: ModelDisk, asked: Range): Promise<void> {
  for (const { offset, at, length } of disk.pieces(asked)) {
    const first = Math.ceil(at / CHUNK_BYTES) * CHUNK_BYTES;
    const end = Math.floor((at + length) / CHUNK_BYTES) * CHUNK_BYTES;
    if (first < end) disk.bytes.fill(0, first, end);
    await disk.real.trim(offset, length);
  }
}

const trimStep = range.map((asked): Step => ({
  name: `trim ${asked.offset}+${asked.length}`,
  run: (_world, disk) => trim(disk, asked),
}));

const wipeStep = fc.boolean().map((zeroes): Step => ({
  name: `${zeroes ? 'writeZeroes' : 'trim'} of all`,
  run: async ({ clone }, disk) => {
    if (disk === clone && disk.chunkCount > 100) return; // a zero entry for each chunk of a view's
    disk.bytes.fill(0, 0, disk.lengthBytes);
    const { sizeBytes } = disk.real.disk.device;
    await (zeroes ? disk.real.zero(0, sizeBytes) : disk.real.trim(0, sizeBytes));
  },
}));

/** Requests of blocks that no other has: those of the same have no order. */
interface Request extends Piece {
  value: number;
  isDone: boolean;
}

function planBurst(disk: ModelDisk, writes: [Range, number][]): Request[] {
  const taken = new Set<number>();
  const requests: Request[] = [];
  for (const [asked, value] of writes) {
    for (const piece of disk.pieces(asked)) {
      const blocks = new Set<number>();
      const last = Math.floor((piece.at + piece.length - 1) / BLOCK_BYTES);
      for (let block = Math.floor(piece.at / BLOCK_BYTES); block <= last; block++) blocks.add(block);
      if (!blocks.isDisjointFrom(taken)) continue;
      for (const block of blocks) taken.add(block);
      requests.push({ ...piece, value, isDone: false });
    }
  }
  return requests;
}

async function send(disk: ModelDisk, request: Request): Promise<void> {
  const { device } = disk.real.disk;
  const { offset, length, value } = request;
  await (value === 0 ? device.writeZeroes(offset, length) : device.write(offset, Buffer.alloc(length, value)));
  request.isDone = true;
}

const writes = fc.array(fc.tuple(range, fc.nat(255)), { minLength: 2, maxLength: 6 });

/** Several requests under way at once. */
const burstStep = writes.map((asked): Step => ({
  name: `burst ${JSON.stringify(asked)}`,
  run: async (_world, disk) => {
    const requests = planBurst(disk, asked);
    for (const { at, length, value } of requests) disk.bytes.fill(value, at, at + length);
    await Promise.all(requests.map((request) => send(disk, request)));
    disk.real.disk.device.commit();
  },
}));

/**
 * D2: a freeze while requests are under way, some of which wait for the base. The view has every block of those that were
 * answered before it and none of those that began after it; of the others each block is wholly old or wholly new.
 */
const freezeInBurstStep = fc.tuple(writes, writes).map(([before, after]): Step => ({
  name: `freeze in a burst ${JSON.stringify(before)}, then ${JSON.stringify(after)}`,
  run: async (world, disk) => {
    if (disk.views.length === VIEW_LIMIT) return;
    const { source, disk: open } = disk.real;
    const gate = Promise.withResolvers<void>();
    source.gate = gate.promise;
    const requests = planBurst(disk, [...before, ...after]);
    const early = requests.slice(0, Math.ceil(requests.length / 2));
    const late = requests.slice(early.length);
    const old = Buffer.from(disk.bytes);
    const waits = early.map((request) => send(disk, request));
    await setImmediate();
    open.device.commit();
    const answered = new Set(early.filter(({ isDone }) => isDone));
    const snapshotId = `s-v${world.freezeCount++}`;
    disk.noteFreeze(snapshotId);
    const view = disk.views.at(-1)!;
    waits.push(...late.map((request) => send(disk, request)));
    source.gate = Promise.resolve();
    gate.resolve();
    await Promise.all(waits);
    open.device.commit();
    for (const { at, length, value } of requests) disk.bytes.fill(value, at, at + length);
    await adoptView(disk, view, old, { early, answered });
  },
}));

/** Checks a view that was frozen in a burst, and takes its bytes for the model's. */
async function adoptView(
  disk: ModelDisk,
  view: FrozenCopy,
  old: Buffer,
  { early, answered }: { early: Request[]; answered: Set<Request> },
): Promise<void> {
  const found = await disk.real.readViewChunks(view.snapshotId, disk.spots);
  const expected = Buffer.from(old);
  for (const request of early) {
    for (let at = request.at; at < request.at + request.length;) {
      const end = Math.min(request.at + request.length, (Math.floor(at / BLOCK_BYTES) + 1) * BLOCK_BYTES);
      const told = old.subarray(at, end).findIndex((was) => was !== request.value);
      const isNew = told >= 0 && found[at + told] === request.value;
      if (answered.has(request) || isNew) expected.fill(request.value, at, end);
      at = end;
    }
  }
  assert.ok(found.equals(expected), `the view of ${view.snapshotId} is not of one instant`);
  view.bytes = found;
}

/** Reads that wait for the device while what they read is freed, and its slots hold other chunks' bytes soon (D6). */
const readSlowlyStep = fc.tuple(fc.nat(8), fc.boolean()).map(([spot, sweeps]): Step => ({
  name: `read from spot ${spot} slowly while its slots are used again`,
  run: async (_world, disk) => {
    const { real } = disk;
    const asked = { offset: spot * CHUNK_BYTES, length: 3 * CHUNK_BYTES };
    const chunks = disk.pieces(asked).flatMap(({ at, length }) => chunksOf(at, length));
    const states = [await writeEach(disk, chunks, 1)];
    await real.disk.device.flush();
    const pieces = disk.pieces(asked).map((piece) => ({ ...piece, target: Buffer.alloc(piece.length, 0xee) }));
    const reads = pieces.map(async ({ offset, target }) => real.disk.device.read(offset, target));
    await trim(disk, asked);
    states.push(Buffer.from(disk.bytes));
    if (sweeps) await disk.sweepAll();
    await real.disk.device.flush();
    states.push(await writeEach(disk, chunks.reverse(), 101));
    await Promise.all(reads);
    for (const { at, target } of pieces) {
      const isKnown = target.every((found, i) => states.some((state) => state[at + i] === found));
      assert.ok(isKnown, 'a read brought bytes that were never there');
    }
    real.disk.device.commit();
  },
}));

function chunksOf(at: number, length: number): number[] {
  return Array.from({ length: length / CHUNK_BYTES }, (_, i) => at + i * CHUNK_BYTES);
}

/** Fills each of the model's chunks with a byte of its own; returns what the model holds then. */
async function writeEach(disk: ModelDisk, chunks: readonly number[], first: number): Promise<Buffer> {
  for (const at of chunks) await disk.write({ offset: at, length: CHUNK_BYTES }, first + at / CHUNK_BYTES);
  return Buffer.from(disk.bytes);
}

const freezeStep = fc.constant<Step>({
  name: 'freeze',
  run: async (world, disk) => {
    const snapshotId = `s-v${world.freezeCount}`;
    if (disk.views.length === VIEW_LIMIT) {
      assert.throws(() => disk.real.disk.freeze(snapshotId), { code: 'IncorrectDiskStatus.CreatingSnapshot' });
      return;
    }
    world.freezeCount++;
    disk.noteFreeze(snapshotId);
  },
});

function pickView(disk: ModelDisk, which: number): FrozenCopy | undefined {
  return disk.views[which % Math.max(1, disk.views.length)];
}

const releaseStep = fc.tuple(fc.nat(VIEW_LIMIT), fc.boolean()).map(([which, committed]): Step => ({
  name: `release ${which} ${committed}`,
  run: async (world, disk) => {
    const view = pickView(disk, which);
    if (view !== undefined) world.release(disk, view, committed);
  },
}));

const rollbackStep = fc.option(fc.nat(5)).map((number): Step => ({
  name: `rollback to ${number}`,
  run: async (_world, disk) => {
    disk.base = treeBase(number);
    disk.bytes = disk.baseBytes(disk.base);
    await disk.real.disk.rollback(disk.base.ref, ++disk.incarnation);
  },
}));

/** With the background work going on meanwhile. */
const rollbackToViewStep = fc.tuple(fc.nat(VIEW_LIMIT), fc.boolean()).map(([which, sweeps]): Step => ({
  name: `rollback to view ${which}`,
  run: async (_world, disk) => {
    const view = pickView(disk, which);
    if (view === undefined) return;
    disk.base = view.base;
    disk.bytes = Buffer.from(view.bytes);
    const { snapshotId } = view;
    const done = disk.real.disk.rollback({ snapshotId, viewOf: disk.diskId }, ++disk.incarnation);
    await setImmediate();
    if (sweeps) sweepSlice(disk);
    await disk.real.listView(snapshotId, -1);
    await done;
  },
}));

/** Clients write to what they know of meanwhile. */
const resizeStep = fc.tuple(fc.integer({ min: 1, max: 2 }), range).map(([moreChunks, asked]): Step => ({
  name: `grow by ${moreChunks}, writing ${asked.offset}+${asked.length}`,
  run: async (_world, disk) => {
    const chunkCount = Math.min(disk.spots.at(-1)! + 1, disk.chunkCount + moreChunks);
    const grown = disk.real.disk.resize(chunkCount * CHUNK_BYTES);
    await disk.write(asked, 0x5a);
    await grown;
  },
}));

function sweepSlice(disk: ModelDisk): void {
  let turns = 0;
  if (disk.real.disk.sweep.isDue) disk.real.disk.sweep.slice(() => ++turns > 3);
}

const cloneStep = fc.nat(VIEW_LIMIT).map((which): Step => ({
  name: `clone of view ${which}`,
  run: async (world) => {
    const view = pickView(world.first, which);
    if (view !== undefined && world.clone === null) await world.makeClone(view);
  },
}));

/** A slice of the base comes into the disk, or all of it and the disk leaves it; a client writes meanwhile. */
const fetchStep = fc.tuple(fc.integer({ min: 1, max: 12 }), range).map(([limit, asked]): Step => ({
  name: `fetch ${limit} chunks of the base, writing ${asked.offset}+${asked.length}`,
  run: async (_world, disk) => {
    const { baseFetch, store } = disk.real.disk;
    const { base } = store.map.head.live;
    const fetching = baseFetch.slice(limit);
    if (isViewBase(base)) {
      await assert.rejects(fetching, { code: 'InvalidSnapshotId.NotReady' });
      return;
    }
    await disk.write(asked, 0x77);
    if (!(await fetching).isOver || !(await baseFetch.leave())) return;
    const { live } = store.map.head;
    assert.equal(baseEnd(live), 0);
    const before = disk.real.source.readCount;
    await disk.real.readChunks(disk.spots);
    assert.equal(disk.real.source.readCount, before, 'a base is read that the disk has left');
  },
}));

const otherSteps = fc.constantFrom<Step>(
  { name: 'flush', run: (_world, { real }) => real.disk.device.flush() },
  { name: 'sweep', run: (_world, disk) => disk.sweepAll() },
  { name: 'slice', run: async (_world, disk) => sweepSlice(disk) },
  { name: 'maintain', run: (_world, { real }) => real.disk.store.maintain() },
  { name: 'checkpoint', run: (_world, { real }) => real.disk.store.checkpoint() },
  { name: 'give slack back', run: async (_world, { real }) => void (await real.disk.store.slots.giveSlackBack()) },
  { name: 'kill and restart', run: (_world, { real }) => real.restart() },
  { name: 'close and reopen', run: (_world, { real }) => real.reopen() },
  { name: 'close and reboot', run: (_world, { real }) => real.reopen({ anotherBoot: true }) },
  { name: 'read', run: (_world, disk) => disk.check() },
  { name: 'compare', run: (_world, disk) => disk.compare() },
);

const step = fc.oneof(
  { weight: 6, arbitrary: writeStep },
  { weight: 2, arbitrary: zeroStep },
  { weight: 2, arbitrary: trimStep },
  { weight: 1, arbitrary: wipeStep },
  { weight: 2, arbitrary: burstStep },
  { weight: 2, arbitrary: freezeInBurstStep },
  { weight: 2, arbitrary: readSlowlyStep },
  { weight: 2, arbitrary: freezeStep },
  { weight: 2, arbitrary: releaseStep },
  { weight: 1, arbitrary: rollbackStep },
  { weight: 1, arbitrary: rollbackToViewStep },
  { weight: 1, arbitrary: resizeStep },
  { weight: 2, arbitrary: fetchStep },
  { weight: 1, arbitrary: cloneStep },
  { weight: 1, arbitrary: fc.constant<Step>({ name: 'rebase', run: (world) => world.rebase() }) },
  { weight: 6, arbitrary: otherSteps },
);

export const steps = fc.array(fc.tuple(fc.nat(1), step).map(named), { maxLength: 40, size: 'max' });
