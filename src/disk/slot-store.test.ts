/** Slots in their files: what is free goes back, what is read or being synced is not taken away, and damage stays to be seen. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { FileCall } from '../../test/crash/recording-files.ts';
import { RecordingFiles, systemError } from '../../test/crash/recording-files.ts';
import { testClock } from '../../test/model/disk-harness.ts';
import type { ByteRange } from '../lib/fallocate.ts';
import type { Files } from '../lib/files.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { SEGMENT_SLOTS } from './slot-address.ts';
import { BITMAP_WORDS, SlotAllocator } from './slot-allocator.ts';
import { SlotStore } from './slot-store.ts';

const NO_BITMAPS = { list: () => [], load: () => new Uint32Array(BITMAP_WORDS) };

function newStore(options: { files?: Files; slackSlots?: number; takeSpace?: (bytes: number) => void } = {}) {
  const machine = new RecordingFiles({ record: false });
  const process = machine.startProcess();
  process.ensureFolder('/data');
  const { files = process, ...others } = options;
  const allocator = new SlotAllocator(NO_BITMAPS);
  const store = new SlotStore({ files, folder: '/data', clock: testClock, ...others }, allocator);
  return { machine, process, allocator, store };
}

function fill(store: SlotStore, byte: number): number {
  const slot = store.allocate();
  store.write(slot, 0, Buffer.alloc(CHUNK_BYTES, byte), 0, CHUNK_BYTES);
  return slot;
}

function firstByte(store: SlotStore, slot: number): number {
  const target = Buffer.alloc(1);
  store.readNow(slot, 0, target, 0, 1);
  return target[0]!;
}

test('a segment whose slots are all free is removed, and its number may be had again', async () => {
  const { process, store } = newStore();
  const slots = [fill(store, 1), fill(store, 2)];
  assert.deepEqual(process.list('/data'), ['000000.seg']);
  await store.sync();
  store.free(slots);
  assert.deepEqual(process.list('/data'), []);
  assert.equal(fill(store, 3), 0);
  assert.equal(firstByte(store, 0), 3);
  assert.equal(store.allocatedIsVirgin, true);
  store.close();
  assert.equal(process.openCount, 0);
});

test('a file is not closed while it is being synced', async () => {
  const { machine, process, store } = newStore();
  const gate = Promise.withResolvers<void>();
  const slot = fill(store, 1);
  machine.syncGate = () => gate.promise;
  const synced = store.sync();
  store.free([slot]);
  assert.equal(process.openCount, 1, 'its number may be another file’s by the time it is synced');
  gate.resolve();
  await synced;
  assert.equal(process.openCount, 0);
  store.close();
});

test('a sync that fails ends when every file was tried', async () => {
  const { machine, store, allocator } = newStore();
  fill(store, 1);
  for (let slot = 1; slot < SEGMENT_SLOTS; slot++) allocator.take(slot);
  fill(store, 2);
  const gate = Promise.withResolvers<void>();
  machine.fault = (call) => {
    if (call.name !== 'syncData') return undefined;
    machine.syncGate = () => gate.promise; // holds the later ones only
    machine.fault = undefined;
    return { error: systemError('EIO', call.path) };
  };
  let isOver = false;
  const synced = store.sync().finally(() => (isOver = true));
  synced.catch(() => {});
  for (let i = 0; i < 5; i++) await setImmediate();
  assert.equal(isOver, false);
  gate.resolve();
  await assert.rejects(synced, { code: 'EIO' });
  store.close();
});

test('a slot that is being read from the device is freed when that has ended; after closing, nothing is', async () => {
  const { process, store, allocator } = newStore();
  // Every read is a slow one, so that the next ones go to the pool.
  let nowMs = 0;
  const slow = new SlotStore(
    {
      files: process,
      folder: '/data',
      clock: { nowMs: () => 0, monotonicMs: () => (nowMs += 10), sleep: async () => {} },
    },
    allocator,
  );
  const slot = fill(slow, 7);
  fill(slow, 8);
  void slow.read(slot, 0, Buffer.alloc(512));
  const target = Buffer.alloc(512);
  const reading = slow.read(slot, 0, target);
  assert.ok(reading !== undefined, 'it is not read on the pool');
  slow.free([slot]);
  assert.equal(allocator.isTaken(slot), true);
  await reading;
  await setImmediate();
  assert.deepEqual([target[0], allocator.isTaken(slot)], [7, false]);
  const last = slow.read(1, 0, Buffer.alloc(512));
  slow.free([1]);
  slow.close();
  await last;
  for (let i = 0; i < 5; i++) await setImmediate();
  store.close();
  assert.equal(process.openCount, 0);
});

test('when no file can be made no slot is taken, and none is lost', () => {
  const { machine, store, process } = newStore();
  const failing = (name: string) => (call: FileCall) =>
    call.name === name && call.path.includes('.seg') ? { error: systemError('ENOSPC', call.path) } : undefined;
  for (const name of ['open', 'truncate']) {
    machine.fault = failing(name);
    assert.throws(() => store.allocate(), { code: 'ENOSPC' });
    machine.fault = undefined;
    assert.equal(store.allocator.takenCount, 0);
  }
  assert.equal(store.allocate(), 0);
  store.close();
  assert.equal(process.openCount, 0);
});

/** Files that take room for all of their length but where holes were punched. */
function roomyFiles(process: ReturnType<RecordingFiles['startProcess']>) {
  const holes = new Map<string, Set<number>>();
  const names = new Map<number, string>();
  const files: Files = {
    ...{ close: (fd) => process.close(fd), read: (...call) => process.read(...call) },
    ...{ readLater: (...call) => process.readLater(...call), write: (...call) => process.write(...call) },
    ...{ truncate: (fd, size) => process.truncate(fd, size), syncData: (fd) => process.syncData(fd) },
    ...{ syncFolder: (name) => process.syncFolder(name), rename: (from, to) => process.rename(from, to) },
    link: (from, to) => process.link(from, to),
    ...{ unlink: (name) => process.unlink(name), unlinkLarge: (name) => process.unlinkLarge(name) },
    ...{ ensureFolder: (name) => process.ensureFolder(name), removeFolder: (name) => process.removeFolder(name) },
    list: (name) => process.list(name),
    open: (name, mode) => {
      const fd = process.open(name, mode);
      names.set(fd, name);
      return fd;
    },
    find: (name) => {
      const info = process.find(name);
      return info && { ...info, allocatedBytes: info.sizeBytes - (holes.get(name)?.size ?? 0) * CHUNK_BYTES };
    },
    punch: async (fd, ranges) => {
      const name = names.get(fd)!;
      const punched = holes.get(name) ?? new Set();
      holes.set(name, punched);
      for (const [position, length] of ranges) {
        for (let at = position; at < position + length; at += CHUNK_BYTES) punched.add(at);
      }
    },
  };
  return { files, holes };
}

test('the room of free slots goes back in every segment until little is left, and then it is quiet', async () => {
  const machine = new RecordingFiles({ record: false });
  const process = machine.startProcess();
  process.ensureFolder('/data');
  const { files, holes } = roomyFiles(process);
  const { store, allocator } = newStore({ files, slackSlots: 100 });
  const count = 2 * SEGMENT_SLOTS;
  const slots = Array.from({ length: count }, () => store.allocate());
  store.free(slots.filter((slot) => slot % 8 < 6));
  let calls = 0;
  while ((await store.giveSlackBack()) && calls < 1000) calls++;
  assert.ok(calls < 1000, 'it tries without end');
  const heldCount = count - [...holes.values()].reduce((sum, { size }) => sum + size, 0);
  assert.equal(allocator.takenCount, count / 4);
  assert.ok(heldCount <= (count / 4) * 1.125, `${heldCount} slots take room, ${count / 4} are used`);
  assert.equal(await store.giveSlackBack(), false);
  store.free(slots.filter((slot) => slot % 8 === 6));
  assert.equal(await store.giveSlackBack(), true, 'more was freed since');
  store.close();
});

/** Notes what is laid out, until there is no more room. */
function noteRoom(machine: RecordingFiles, roomSlots: number): ByteRange[] {
  const ranges: ByteRange[] = [];
  machine.fault = ({ name, path, position = 0, lengthBytes = 0 }) => {
    if (name !== 'layOut') return undefined;
    ranges.push([position, lengthBytes]);
    const bytes = ranges.reduce((sum, [, length]) => sum + length, 0);
    return bytes <= roomSlots * CHUNK_BYTES ? undefined : { error: systemError('ENOSPC', path) };
  };
  return ranges;
}

test('slots get their room some ahead, never over taken ones, and are had without it when there is none', () => {
  const { machine, store } = newStore();
  const ranges = noteRoom(machine, 40);
  for (let i = 0; i < 16; i++) assert.equal(store.allocate(), i);
  assert.deepEqual(ranges, [[0, 16 * CHUNK_BYTES]]);
  store.giveBack(3);
  assert.equal(store.allocate(), 3);
  assert.deepEqual(ranges.at(-1), [3 * CHUNK_BYTES, CHUNK_BYTES], 'its neighbours are taken');
  for (let i = 16; i < 1050; i++) assert.equal(store.allocate(), i);
  assert.deepEqual(
    ranges.slice(2).map(([position]) => position / CHUNK_BYTES),
    [16, 32],
    'after one that was refused no more is asked for',
  );
  for (let i = 1050; i < 1100; i++) assert.equal(store.allocate(), i);
  assert.equal(ranges.at(-1)![0] / CHUNK_BYTES, 1057, 'until many were had without');
  store.close();
});

test('what is cut off has no room any more', () => {
  const { machine, store } = newStore();
  const ranges = noteRoom(machine, Infinity);
  const slots = Array.from({ length: 100 }, () => store.allocate());
  const count = ranges.length;
  store.free(slots.slice(1));
  assert.equal(store.allocate(), 1);
  assert.equal(ranges.length, count + 1);
  assert.deepEqual(ranges.at(-1), [CHUNK_BYTES, 16 * CHUNK_BYTES]);
  store.close();
});

test('the last room above the reserve is had slot by slot, and what has room is not asked for again', () => {
  let left = 20;
  const takeSpace = (bytes: number): void => {
    if (bytes > left * CHUNK_BYTES) throw systemError('ENOSPC', '/data');
    left -= bytes / CHUNK_BYTES;
  };
  const { store } = newStore({ takeSpace });
  const slots = Array.from({ length: 20 }, () => store.allocate());
  assert.throws(() => store.allocate(), { code: 'ENOSPC' });
  store.free(slots.slice(2, 6));
  left = 1;
  for (let i = 2; i < 6; i++) assert.equal(store.allocate(), i);
  assert.equal(left, 1, 'freed slots have their room');
  store.close();
});
