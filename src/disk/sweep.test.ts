/** The background work on layers: what it takes out, what it merges and which way, and what it never touches. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { systemError } from '../../test/crash/recording-files.ts';
import { CHUNK_BYTES, DISK_ID, DiskHarness, ZERO_BASE, baseByte, baseRef } from '../../test/model/disk-harness.ts';
import { BLOCK_BYTES, FULL_MASK } from '../lib/geometry.ts';
import { FIRST_SLOT, ZERO } from './map-page.ts';

function layers(real: DiskHarness, chunk: number): { place: number; generation: number; mask: number }[] {
  const page = real.disk.store.map.pageOf(chunk);
  const found = [];
  if (page === undefined) return [];
  for (let row = chunk % 256; page.place(row) !== 0; row = page.next(row)) {
    found.push({ place: page.place(row), generation: page.generation(row), mask: page.mask(row) });
    if (page.next(row) === 0) break;
  }
  return found;
}

async function blocks(real: DiskHarness, chunk: number, first: number, count: number, byte: number): Promise<void> {
  await real.fill(chunk, byte, first * BLOCK_BYTES, count * BLOCK_BYTES);
}

/** Freezes and releases: from then on writes go to a new layer. */
async function nextGeneration(real: DiskHarness, snapshotId: string): Promise<void> {
  real.disk.freeze(snapshotId);
  await real.disk.awaitDurable(snapshotId);
  real.disk.releaseView(snapshotId, true);
}

async function sweepAll(real: DiskHarness): Promise<void> {
  await real.disk.store.maintain();
  while (real.disk.sweep.isDue) real.disk.sweep.slice(() => false);
  await real.disk.store.maintain();
}

for (const { name, older, newer, keeps } of [
  { name: 'few old blocks go up into the new slot', older: [0, 16], newer: [0, 12], keeps: 'upper' },
  { name: 'few new blocks go down into the old slot', older: [0, 16], newer: [5, 2], keeps: 'lower' },
  {
    name: 'as many one way as the other: the chunk stays where it began',
    older: [0, 3],
    newer: [8, 8],
    keeps: 'lower',
  },
] as const) {
  test(`two layers become one: ${name}`, async () => {
    const real = await DiskHarness.create();
    await blocks(real, 1, older[0], older[1], 7);
    await nextGeneration(real, 's-1');
    await blocks(real, 1, newer[0], newer[1], 8);
    const [upper, lower] = layers(real, 1);
    const before = await real.read(CHUNK_BYTES, CHUNK_BYTES);
    const used = real.disk.describe().mapping.usedSlotCount;
    await sweepAll(real);
    const [merged, ...others] = layers(real, 1);
    assert.deepEqual(others, []);
    assert.equal(merged!.place, (keeps === 'upper' ? upper! : lower!).place);
    assert.equal(merged!.generation, upper!.generation, 'a later snapshot would miss the change');
    assert.equal(merged!.mask, upper!.mask | lower!.mask);
    assert.equal(real.disk.describe().mapping.usedSlotCount, used - 1);
    assert.ok((await real.read(CHUNK_BYTES, CHUNK_BYTES)).equals(before));
    await real.restart();
    assert.ok((await real.read(CHUNK_BYTES, CHUNK_BYTES)).equals(before));
    await real.finish();
  });
}

test('a chunk that was written in part under several snapshots comes back to its first slot, beside its neighbours', async () => {
  const real = await DiskHarness.create();
  for (const chunk of [0, 1, 2]) await real.fill(chunk, 7);
  const places = [0, 1, 2].map((chunk) => layers(real, chunk)[0]!.place);
  for (const snapshotId of ['s-0', 's-1', 's-2']) {
    real.disk.freeze(snapshotId);
    await real.disk.awaitDurable(snapshotId);
    for (const chunk of [2, 0, 1]) await blocks(real, chunk, Number(snapshotId.slice(2)) * 4, 4, 9);
  }
  for (const snapshotId of ['s-0', 's-1', 's-2']) real.disk.releaseView(snapshotId, true);
  assert.equal(layers(real, 1).length, 4);
  await sweepAll(real);
  assert.deepEqual(
    [0, 1, 2].map((chunk) => layers(real, chunk).map(({ place }) => place)),
    places.map((place) => [place]),
  );
  await real.finish();
});

test('many layers become one, also over zeros and over a chunk of the base', async () => {
  const real = await DiskHarness.create({ base: baseRef(2) });
  await real.zero(0, CHUNK_BYTES);
  await real.read(CHUNK_BYTES, 4096);
  for (let round = 0; round < 6; round++) {
    await nextGeneration(real, `s-${round}`);
    for (const chunk of [0, 1]) await blocks(real, chunk, round * 2, 1, 100 + round);
  }
  const before = await real.read(0, 2 * CHUNK_BYTES);
  // The first write over zeros makes them its own.
  assert.deepEqual([layers(real, 0).length, layers(real, 1).length], [6, 7]);
  await sweepAll(real);
  assert.deepEqual(
    [0, 1].map((chunk) => layers(real, chunk).map(({ mask }) => mask)),
    [[FULL_MASK], [FULL_MASK]],
  );
  assert.deepEqual([before[0], before[4096], before[CHUNK_BYTES + 4096]], [100, 0, baseByte(2, 1)]);
  assert.ok((await real.read(0, 2 * CHUNK_BYTES)).equals(before));
  assert.equal(real.disk.describe().mapping.olderLayerCount, 0);
  await real.finish();
});

test('what a view sees is not touched; what only lies between views is merged', async () => {
  const real = await DiskHarness.create();
  await real.fill(0, 1);
  real.disk.freeze('s-1');
  await real.disk.awaitDurable('s-1');
  await blocks(real, 0, 0, 1, 2);
  await nextGeneration(real, 's-2');
  await blocks(real, 0, 1, 1, 3);
  const seen = await real.readView('s-1');
  const live = await real.readAll();
  const bottom = layers(real, 0).at(-1);
  await sweepAll(real);
  assert.deepEqual(
    layers(real, 0).map(({ mask }) => mask),
    [3, FULL_MASK],
  );
  assert.deepEqual(layers(real, 0).at(-1), bottom);
  assert.ok((await real.readView('s-1')).equals(seen));
  assert.ok((await real.readAll()).equals(live));
  real.disk.releaseView('s-1', true);
  await sweepAll(real);
  assert.equal(layers(real, 0).length, 1);
  assert.ok((await real.readAll()).equals(live));
  await real.finish();
});

test('what a rollback undid is free again, and what a view of it sees stays until that ends', async () => {
  const real = await DiskHarness.create();
  for (const chunk of [0, 1, 2]) await real.fill(chunk, 1);
  real.disk.freeze('s-1');
  await real.disk.awaitDurable('s-1');
  for (const chunk of [1, 2, 3, 4]) await real.fill(chunk, 2);
  real.disk.freeze('s-2');
  await real.disk.awaitDurable('s-2');
  await real.fill(5, 3);
  await real.disk.rollback({ snapshotId: 's-1', viewOf: DISK_ID }, 2);
  await sweepAll(real);
  assert.equal(real.disk.describe().mapping.usedSlotCount, 7);
  assert.equal(real.disk.store.map.head.hasUndone, true);
  real.disk.releaseView('s-2', false);
  await sweepAll(real);
  assert.equal(real.disk.describe().mapping.usedSlotCount, 3);
  assert.equal(real.disk.store.map.head.hasUndone, false);
  real.disk.releaseView('s-1', false);
  await real.disk.rollback(ZERO_BASE, 3);
  await sweepAll(real);
  assert.deepEqual([real.disk.describe().mapping.usedSlotCount, real.disk.describe().allocatedBytes], [0, 0]);
  assert.equal(
    (await real.readAll()).findIndex((byte) => byte !== 0),
    -1,
  );
  await real.finish();
});

test('slices go on where the last one ended, beside clients, and come to the same', async () => {
  const real = await DiskHarness.create({ chunkCount: 600 });
  const touched = Array.from({ length: 60 }, (_, i) => i * 10);
  for (const chunk of touched) await real.fill(chunk, 1);
  await nextGeneration(real, 's-1');
  for (const chunk of touched) await blocks(real, chunk, 0, 2, 2);
  await real.disk.store.maintain();
  let slices = 0;
  for (; real.disk.sweep.isDue; slices++) {
    let turns = 0;
    real.disk.sweep.slice(() => ++turns > 7);
    await blocks(real, touched[slices % touched.length]!, 3, 1, 9);
    if (slices % 10 === 0) await real.disk.store.maintain();
  }
  assert.ok(slices > 20);
  for (const chunk of touched) assert.equal(layers(real, chunk).length, 1, `chunk ${chunk}`);
  const image = await real.readAll();
  assert.deepEqual([image[0], image[8192], image[3 * BLOCK_BYTES]], [2, 1, 9]);
  await real.finish();
});

test('nothing is written over while the end of a view is not on the device', async () => {
  const real = await DiskHarness.create();
  await real.fill(0, 1);
  real.disk.freeze('s-1');
  await real.disk.awaitDurable('s-1');
  await blocks(real, 0, 0, 1, 2);
  real.disk.releaseView('s-1', true);
  assert.equal(real.disk.sweep.isDue, false);
  await real.disk.store.flush();
  assert.equal(real.disk.sweep.isDue, true);
  await real.restart();
  assert.equal(real.disk.sweep.isDue, false, 'the marker may be in the page cache only');
  await real.disk.store.flush();
  assert.equal(real.disk.sweep.isDue, true);
  await real.finish();
});

test('a merge that finds no room leaves the layers as they are, and is tried again when there may be some', async () => {
  let nowMs = 0;
  const clock = { nowMs: () => 1_800_000_000_000, monotonicMs: () => nowMs, sleep: async () => {} };
  const real = await DiskHarness.create({ clock, base: baseRef(2) });
  await blocks(real, 0, 0, 2, 1);
  await nextGeneration(real, 's-1');
  await blocks(real, 0, 4, 4, 2);
  await real.disk.store.maintain();
  const before = layers(real, 0);
  real.machine.fault = (call) =>
    call.name === 'write' && call.path.includes('.seg')
      ? { error: systemError('ENOSPC', call.path), writtenBytes: 1000 }
      : undefined;
  let slices = 0;
  for (; real.disk.sweep.isDue && slices < 100; slices++) real.disk.sweep.slice(() => false);
  real.machine.fault = undefined;
  assert.ok(slices < 100, 'it tries without end');
  assert.deepEqual(layers(real, 0), before);
  nowMs += 60_000;
  await sweepAll(real);
  assert.deepEqual([layers(real, 0).length, layers(real, 0)[0]!.mask], [1, 0xf3]);
  await real.finish();
});

test('zeros that nothing needs go with what they covered', async () => {
  const real = await DiskHarness.create();
  await real.fill(0, 1);
  real.disk.freeze('s-1');
  await real.disk.awaitDurable('s-1');
  await real.trim(0, CHUNK_BYTES);
  assert.deepEqual(
    layers(real, 0).map(({ place }) => place),
    [ZERO, FIRST_SLOT],
  );
  real.disk.releaseView('s-1', true);
  await sweepAll(real);
  assert.deepEqual(
    layers(real, 0).map(({ place }) => place),
    [ZERO],
  );
  assert.equal(real.disk.describe().mapping.usedSlotCount, 0);
  await real.finish();
});
