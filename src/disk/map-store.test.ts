/** The map file under checkpoints: what was stored is read back, and what the last one names stays until the next. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { CorruptionError } from '../lib/errors.ts';
import { RecordingFiles, systemError } from '../../test/crash/recording-files.ts';
import { UNIT_BYTES } from './map-file.ts';
import type { PageCapture } from './map-page.ts';
import { MapPage, capturePage, encodePage } from './map-page.ts';
import type { MapGroups } from './map-store.ts';
import { MapStore } from './map-store.ts';
import type { SegmentCapture } from './slot-allocator.ts';
import { BITMAP_WORDS } from './slot-allocator.ts';

const NO_GROUPS: MapGroups = { pages: [], bitmaps: [] };

function page(index: number, place: number, olderCount = 0): PageCapture {
  const made = new MapPage();
  for (let older = 0; older <= olderCount; older++) made.insert(index % 256, place + older, older + 1, 1);
  return capturePage(index, made);
}

function emptyPage(index: number): PageCapture {
  return capturePage(index, new MapPage());
}

function bitmap(segment: number, word: number): SegmentCapture {
  const taken = new Uint32Array(BITMAP_WORDS);
  taken[0] = word;
  return { segment, takenCount: word === 0 ? 0 : 1, taken };
}

/** What page `index` holds, by its newest layer's place; 0 when nothing does. */
function placeIn(store: MapStore, index: number): number {
  return store.load(index)?.place(index % 256) ?? 0;
}

function newStore() {
  const machine = new RecordingFiles({ record: false });
  const files = machine.startProcess();
  return { machine, files, store: MapStore.create(files, '/') };
}

test('pages and bitmaps are read back, and tell what they are known by without being read', async () => {
  const { files, store } = newStore();
  const stored = await store.store([page(3, 10), page(700, 20, 2)], [bitmap(0, 1), bitmap(300, 5)]);
  store.commit(stored);
  assert.deepEqual([placeIn(store, 3), placeIn(store, 700), placeIn(store, 4)], [10, 22, 0]);
  assert.deepEqual(store.facts(700), { olderCount: 2, maxGeneration: 3 });
  store.close();
  const read = MapStore.open(files, '/', stored.groups);
  assert.deepEqual([placeIn(read, 3), placeIn(read, 700)], [10, 22]);
  assert.deepEqual(read.facts(700), { olderCount: 2, maxGeneration: 3 });
  assert.deepEqual(
    [...read.bitmaps.list()],
    [
      [0, 1],
      [300, 1],
    ],
  );
  assert.equal(read.bitmaps.load(300)[0], 5);
  assert.equal(read.bitmaps.load(1)[0], 0);
  assert.deepEqual([read.hasGroup(0), read.hasGroup(1), read.hasGroup(2), read.groupCount], [true, false, true, 3]);
  read.close();
  assert.equal(files.openCount, 0);
});

test('what the last checkpoint names can be read until the next one is committed, whatever is stored', async () => {
  const { files, store } = newStore();
  let named = NO_GROUPS;
  for (let round = 1; round <= 30; round++) {
    const stored = await store.store([page(1, round * 10), page(round + 1, 7)], [bitmap(0, round)]);
    if (named !== NO_GROUPS) {
      const old = MapStore.open(files, '/', named, 'read');
      assert.equal(placeIn(old, 1), (round - 1) * 10);
      assert.equal(old.bitmaps.load(0)[0], round - 1);
      old.close();
    }
    store.commit(stored);
    named = stored.groups;
  }
  // 30 pages, a bitmap and two groups, twice at most, whatever was written before.
  assert.ok(files.find('/map')!.sizeBytes <= 2 * 33 * UNIT_BYTES, 'units of old blocks are not used again');
  store.close();
});

test('blocks that no checkpoint came to name leave no trace', async () => {
  const { files, store } = newStore();
  const first = await store.store([page(1, 10)], []);
  store.commit(first);
  const size = files.find('/map')!.sizeBytes;
  for (let tries = 0; tries < 50; tries++) store.abandon(await store.store([page(1, 11), page(2, 12)], [bitmap(0, 1)]));
  assert.ok(files.find('/map')!.sizeBytes <= size + 5 * UNIT_BYTES);
  assert.deepEqual([placeIn(store, 1), placeIn(store, 2), [...store.bitmaps.list()].length], [10, 0, 0]);
  store.close();
});

test('a write or a sync that fails leaves the store as it was', async () => {
  const { machine, store } = newStore();
  store.commit(await store.store([page(1, 10)], []));
  for (const name of ['write', 'syncData']) {
    machine.fault = (call) => (call.name === name ? { error: systemError('ENOSPC', call.path) } : undefined);
    await assert.rejects(store.store([page(1, 11)], []), { code: 'ENOSPC' });
    machine.fault = undefined;
    assert.equal(placeIn(store, 1), 10);
  }
  store.commit(await store.store([page(1, 12)], []));
  assert.equal(placeIn(store, 1), 12);
  store.close();
});

test('pages and groups without entries are in no table any more', async () => {
  const { store } = newStore();
  store.commit(await store.store([page(1, 10), page(300, 11)], [bitmap(0, 1)]));
  const stored = await store.store([emptyPage(300)], [bitmap(0, 0)]);
  assert.deepEqual([stored.groups.pages.length, stored.groups.bitmaps.length], [1, 0]);
  store.commit(stored);
  assert.equal(store.facts(300), undefined);
  assert.deepEqual([store.hasGroup(1), [...store.bitmaps.list()].length], [false, 0]);
  store.close();
});

test('a damaged page, bitmap or group is told by its name, and hurts no other', async () => {
  const { files, store } = newStore();
  const stored = await store.store([page(1, 10), page(2, 20)], [bitmap(0, 1)]);
  store.commit(stored);
  store.close();
  const flip = (unit: number): void => {
    const fd = files.open('/map', 'read-write');
    const byte = Buffer.alloc(1);
    files.read(fd, byte, 0, 1, unit * UNIT_BYTES + 9);
    byte[0]! ^= 4;
    files.write(fd, byte, 0, 1, unit * UNIT_BYTES + 9);
    files.close(fd);
  };
  flip(0); // page 1
  flip(2); // the bitmap
  const read = MapStore.open(files, '/', stored.groups);
  assert.throws(
    () => read.load(1),
    (error) => error instanceof CorruptionError && /page 1 of/.test(error.where),
  );
  assert.equal(placeIn(read, 2), 20);
  assert.throws(() => read.bitmaps.load(0), /the bitmap of segment 0/);
  read.close();
  flip(stored.groups.pages[0]!.unit);
  const damaged = MapStore.open(files, '/', stored.groups);
  assert.throws(() => damaged.load(2), /group 0 of the pages/);
  assert.deepEqual([damaged.facts(200)?.olderCount, damaged.facts(256)], [0, undefined], 'a page may be there');
  damaged.close();
  flip(stored.groups.bitmaps[0]!.unit);
  assert.throws(() => MapStore.open(files, '/', stored.groups), /group 0 of the bitmaps/);
  assert.equal(files.openCount, 0);
});

test('a page is as large as its layers ask for', async () => {
  const { files, store } = newStore();
  const made = new MapPage();
  for (let i = 0; i < 256; i++)
    for (let generation = 1; generation <= 40; generation++) made.insert(i, 2, generation, 1);
  const capture = capturePage(9, made);
  const stored = await store.store([capture], []);
  store.commit(stored);
  store.close();
  const read = MapStore.open(files, '/', stored.groups);
  assert.ok(encodePage(capturePage(9, read.load(9)!)).equals(encodePage(capture)));
  assert.equal(read.facts(9)!.olderCount, 256 * 39);
  read.close();
});
