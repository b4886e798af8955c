/** Disks against what their snapshots hold (D8): what was damaged below is found, named, and written anew where asked. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { CHUNK_BYTES, DISK_ID, DiskHarness, FOLDER, baseByte, baseRef } from '../../test/model/disk-harness.ts';
import { digestOf } from '../repository/digest.ts';
import type { TreeSource } from './disk-host.ts';
import type { ComparisonRequest } from './tree-comparison.ts';
import { compareWithTree } from './tree-comparison.ts';
import { FIRST_SLOT } from './map-page.ts';
import type { Comparison } from './protocol.ts';

const tree = { root: 'tree', levels: 1, dataChunkCount: 8 };

/** A tree that holds a copy of a disk. */
function treeOf(image: Buffer): TreeSource {
  const chunkAt = (chunk: number) => {
    const bytes = image.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES);
    return bytes.every((byte) => byte === 0) ? null : bytes;
  };
  return {
    readChunk: async (_tree, chunk) => chunkAt(chunk),
    listChunks: async () => [],
    findDigest: async (_tree, chunk) => {
      const bytes = chunkAt(chunk);
      return bytes === null ? null : digestOf(bytes);
    },
  };
}

/** Eight chunks, some of them a base's, one made zeros; frozen as generation 1, and what the snapshot of that holds. */
async function begin() {
  const real = await DiskHarness.create({ base: baseRef(1) });
  for (const chunk of [0, 4, 5]) await real.fill(chunk, 0x40 + chunk);
  await real.zero(6 * CHUNK_BYTES, CHUNK_BYTES);
  const { generation } = real.disk.freeze('s-one');
  const image = await real.readAll();
  await real.disk.device.flush();
  const compare = (change: Partial<ComparisonRequest> = {}, trees = treeOf(image)) =>
    compareWithTree(real.disk.store, real.disk.device, trees, {
      ...{ incarnation: 1, tree, generation, fromChunk: 0, limit: 100, heal: false },
      ...change,
    });
  return { real, image, compare };
}

/** What the device below does to a chunk. */
function damage(real: DiskHarness, chunk: number): void {
  const page = real.disk.store.map.pageOf(chunk);
  assert.ok(page !== undefined && page.place(chunk) >= FIRST_SLOT);
  const fd = real.process.open(`${FOLDER}/data-1/000000.seg`, 'read-write');
  const at = (page.place(chunk) - FIRST_SLOT) * CHUNK_BYTES + 777;
  real.process.write(fd, Buffer.from([0xbd]), 0, 1, at);
  real.process.close(fd);
}

test('what was not written since is the same, and what was is left out', async () => {
  const { real, compare } = await begin();
  const all = await compare();
  assert.deepEqual(all, { isComparable: true, comparedCount: 8, differing: [], next: null });
  await real.fill(4, 0x99, 4096, 4096);
  assert.equal((await compare()).comparedCount, 7);
  const first = await compare({ limit: 2 });
  assert.deepEqual([first.comparedCount, first.next], [2, 2]);
  const rest = await compare({ fromChunk: 2 });
  assert.equal(rest.comparedCount, 5);
  await real.finish();
});

test('a damaged chunk is found, and written anew when asked; its frozen views are as the device left them', async () => {
  const { real, image, compare } = await begin();
  damage(real, 5);
  assert.deepEqual((await compare()).differing, [{ chunk: 5, isHealed: false, failure: null }]);
  assert.ok(!(await real.readAll()).equals(image), 'a look changes nothing');
  assert.deepEqual((await compare({ heal: true })).differing, [{ chunk: 5, isHealed: true, failure: null }]);
  assert.ok((await real.readAll()).equals(image));
  assert.deepEqual((await compare()).differing, [], 'it is a write like any other');
  await real.finish();
});

test('nothing is written anew while the head is changed, or where the tree cannot be read; and that is told', async () => {
  const { real, image, compare } = await begin();
  damage(real, 5);
  const trees = treeOf(image);
  const unreadable = { ...trees, readChunk: async () => assert.fail('no pack holds it') };
  const [failed] = (await compare({ heal: true }, unreadable)).differing;
  assert.match(failed?.failure ?? '', /no pack holds it/);
  Object.defineProperty(real.disk.store, 'isHeadChanging', { value: true, configurable: true });
  const [refused] = (await compare({ heal: true })).differing;
  assert.match(refused?.failure ?? '', /being changed/);
  Reflect.deleteProperty(real.disk.store, 'isHeadChanging');
  assert.ok(!(await real.readAll()).equals(image), 'nothing was written');
  await real.finish();
});

test('a disk of many pages is compared in calls of some pages each', async () => {
  const real = await DiskHarness.create({ chunkCount: 256 * 200 });
  for (let index = 0; index < 200; index++) await real.fill(index * 256, 7);
  const { generation } = real.disk.freeze('s-one');
  const trees = { ...treeOf(Buffer.alloc(0)), findDigest: async () => digestOf(Buffer.alloc(CHUNK_BYTES, 7)) };
  const counts = [];
  for (let fromChunk: number | null = 0; fromChunk !== null;) {
    const request = { incarnation: 1, tree, generation, fromChunk, limit: 100, heal: false };
    const slice: Comparison = await compareWithTree(real.disk.store, real.disk.device, trees, request);
    counts.push(slice.comparedCount);
    fromChunk = slice.next;
  }
  assert.deepEqual(counts, [64, 64, 64, 8]);
});

test('zeros that the disk has and the tree does not, and the other way round, differ', async () => {
  const { image, compare } = await begin();
  const other = Buffer.from(image);
  other.fill(0, 0, CHUNK_BYTES);
  other.fill(1, 6 * CHUNK_BYTES, 7 * CHUNK_BYTES);
  const { differing } = await compare({}, treeOf(other));
  assert.deepEqual(
    differing.map(({ chunk }) => chunk),
    [0, 6],
  );
});

test('of snapshots that the disk is not made of any more, and of another incarnation, nothing is said', async () => {
  const { real, image, compare } = await begin();
  assert.equal((await compare({ incarnation: 2 })).isComparable, false);
  assert.equal((await compare({ generation: 2 })).isComparable, false, 'it is being written');
  await real.disk.rollback(baseRef(2), 2);
  assert.equal((await compare({ incarnation: 2 })).isComparable, false);
  await real.read(0, 4096);
  real.disk.device.commit();
  const { baseGeneration } = real.disk.store.map.head.live;
  image.fill(baseByte(2, 0), 0, CHUNK_BYTES);
  const base = await compare({ incarnation: 2, generation: baseGeneration - 1 });
  assert.deepEqual([base.isComparable, base.comparedCount, base.differing], [true, 1, []]);
  await real.finish();
});

test('a rollback, or a write, while a tree is asked is not taken for damage, and nothing is healed over it', async () => {
  const { real, image, compare } = await begin();
  damage(real, 0);
  const trees = treeOf(image);
  const slow: TreeSource = {
    ...trees,
    findDigest: async (asked, chunk) => {
      if (chunk === 0) await real.fill(0, 0x77);
      return await trees.findDigest(asked, chunk);
    },
  };
  assert.deepEqual((await compare({ heal: true }, slow)).differing, []);
  assert.equal((await real.read(0, 1))[0], 0x77);
  damage(real, 5);
  const late: TreeSource = {
    ...trees,
    readChunk: async (asked, chunk) => {
      await real.disk.rollback(baseRef(2), 2);
      return await trees.readChunk(asked, chunk);
    },
  };
  assert.equal((await compare({ heal: true }, late)).isComparable, false);
  assert.equal((await real.read(5 * CHUNK_BYTES, 1))[0], 0, `${DISK_ID} is as it was rolled back to`);
  await real.finish();
});
