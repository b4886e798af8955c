/** Sizes of chains against a ledger that counts nothing but the chain: whatever else is needed makes no difference. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { imageOf, memoryLedger, memoryStores, seededRandom, storeImage } from '../../test/support/repositories.ts';
import type { MemoryStores } from '../../test/support/repositories.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { ChainSizes } from './chain-sizes.ts';
import type { Ledger, NamedTree } from './ledger.ts';
import { emptyTree } from './tree-ref.ts';
import type { TreeRef } from './tree-ref.ts';

const never = new AbortController().signal;

function named(name: string, tree: TreeRef, near: string[] = [], chain = 'd-1'): NamedTree {
  return { name: `snapshot ${name}`, tree, near: near.map((each) => `snapshot ${each}`), chain };
}

/** After what is needed for it was measured. */
async function sizeOf(ledger: Ledger, trees: readonly TreeRef[]): Promise<{ chunks: number; countedCount: number }> {
  const sizes = new ChainSizes(ledger);
  sizes.size(trees);
  await sizes.measure(never);
  const { bytes, countedCount } = sizes.size(trees);
  assert.equal(sizes.isWaiting, false);
  return { chunks: bytes / CHUNK_BYTES, countedCount };
}

/** Four snapshots: 6 chunks, 4 of them again, 2 of these again, and one over the first, to which the disk was rolled back. */
async function storeChain(stores: MemoryStores): Promise<[TreeRef, TreeRef, TreeRef, TreeRef]> {
  const store = (parent: TreeRef, count: number, seed: number) =>
    storeImage(stores, imageOf(0, count, seed), { parent, random: seededRandom(seed) });
  const first = await store(emptyTree, 6, 1);
  const second = await store(first, 4, 11);
  return [first, second, await store(second, 2, 21), await store(first, 1, 31)];
}

test('a chain takes what each of its snapshots recorded, at once', async () => {
  const stores = memoryStores();
  const ledger = memoryLedger(stores);
  const [first, second, third, fourth] = await storeChain(stores);
  await ledger.count([
    named('s-0', first),
    named('s-1', second, ['s-0']),
    named('s-2', third, ['s-1']),
    named('s-3', fourth, ['s-0']),
  ]);
  const sizes = new ChainSizes(ledger);
  const told = sizes.size([first, second, third, fourth, fourth, emptyTree]);
  assert.deepEqual([told, sizes.isWaiting], [{ bytes: 13 * CHUNK_BYTES, countedCount: 6 }, false]);
});

test('a snapshot that is deleted makes the chain smaller, whether its tree is forgotten yet, or needed by a disk', async () => {
  const stores = memoryStores();
  const ledger = memoryLedger(stores);
  const [first, second, third, fourth] = await storeChain(stores);
  const s0 = named('s-0', first);
  const others = [named('s-1', second, ['s-0']), named('s-2', third, ['s-1']), named('s-3', fourth, ['s-0'])];
  await ledger.count([s0, ...others]);
  const cases: [TreeRef[], number][] = [
    [[first, third, fourth], 6 + 4 + 1], // the third has what the second recorded and it needs
    [[second, third], 6 + 2],
    [[third], 6],
    [[second, fourth], 6 + 4], // the fourth differs from the second, which takes the first one's place, in four
    [[], 0],
  ];
  for (const [trees, chunks] of cases) {
    assert.deepEqual(await sizeOf(ledger, trees), { chunks, countedCount: trees.length });
  }
  await ledger.count([{ ...s0, name: 'disk d-9' }, ...others]);
  assert.deepEqual(await sizeOf(ledger, [second, third]), { chunks: 8, countedCount: 2 });
  await ledger.count([others[0]!, others[1]!]);
  assert.deepEqual(
    await sizeOf(ledger, [second, third]),
    { chunks: 8, countedCount: 2 },
    'and so it is when it is gone',
  );
});

test('what is not counted yet is not in it, and is told', async () => {
  const stores = memoryStores();
  const ledger = memoryLedger(stores);
  const [first, second] = await storeChain(stores);
  const sizes = new ChainSizes(ledger);
  assert.deepEqual(sizes.size([first, second]), { bytes: 0, countedCount: 0 });
  await ledger.count([named('s-0', first)]);
  assert.deepEqual(sizes.size([first, second]), { bytes: 6 * CHUNK_BYTES, countedCount: 1 });
});

test('a chain that begins as another ends has a full first snapshot', async () => {
  const stores = memoryStores();
  const ledger = memoryLedger(stores);
  const [first, second] = await storeChain(stores);
  await ledger.count([named('s-0', first), named('s-9', first, [], 'd-2'), named('s-1', second, ['s-9'], 'd-2')]);
  assert.deepEqual(await sizeOf(ledger, [first]), { chunks: 6, countedCount: 1 });
  assert.deepEqual(await sizeOf(ledger, [first, second]), { chunks: 10, countedCount: 2 });
  assert.deepEqual(await sizeOf(ledger, [second]), { chunks: 6, countedCount: 1 });
});

const stepArbitrary = fc.record({
  parent: fc.nat(20),
  changes: fc.array(fc.tuple(fc.nat(4), fc.option(fc.nat(3))), { minLength: 1, maxLength: 4 }),
  isMember: fc.boolean(),
});

test('whatever else is needed, a chain takes what a ledger that forgets that says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(stepArbitrary, { minLength: 2, maxLength: 8 }), async (steps) => {
      const stores = memoryStores();
      const ledger = memoryLedger(stores);
      const trees: (NamedTree & { isMember: boolean })[] = [];
      for (const [number, { parent, changes, isMember }] of steps.entries()) {
        const before = trees[parent % Math.max(trees.length, 1)];
        const random = seededRandom(number + 1);
        const tree = await storeImage(stores, new Map(changes), { parent: before?.tree ?? emptyTree, random });
        if (trees.some((other) => other.tree.root === tree.root)) continue;
        const near = before === undefined ? [] : [before.name.slice('snapshot '.length)];
        trees.push({ ...named(`s-${number}`, tree, near), isMember });
      }
      await ledger.count(trees);
      const members = trees.filter(({ isMember }) => isMember);
      const { chunks, countedCount } = await sizeOf(
        ledger,
        members.map(({ tree }) => tree),
      );
      await ledger.count(members);
      const expected = [...ledger.listSizes().values()].reduce((sum, { ownChunkCount }) => sum + ownChunkCount, 0);
      assert.deepEqual([chunks, countedCount], [expected, members.length]);
    }),
    { numRuns: Number(process.env['HUPO_RUNS'] ?? 40) },
  );
});
