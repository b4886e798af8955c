/**
 * The ledger against counting everything anew: after any order of trees that come and go, the live bytes of every pack, what
 * each tree alone holds, and the number of chunks are what a full walk finds.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { CorruptionError } from '../lib/errors.ts';
import {
  anyFence,
  chunkBytes,
  imageOf,
  memoryLedger,
  memoryStores,
  seededRandom,
} from '../../test/support/repositories.ts';
import { FaultyStore } from '../../test/support/faulty-store.ts';
import type { Image, MemoryStores } from '../../test/support/repositories.ts';
import { digestOf } from './digest.ts';
import { EntryReader } from './entry-reader.ts';
import { Ledger } from './ledger.ts';
import type { NamedTree } from './ledger.ts';
import { LedgerStore } from './ledger-store.ts';
import { packName, storedShareOf } from './pack.ts';
import { PackWriter } from './pack-writer.ts';
import { PageReader } from './page-reader.ts';
import { updateTree } from './tree.ts';
import type { TreeChange } from './tree.ts';
import { emptyTree } from './tree-ref.ts';
import type { TreeRef } from './tree-ref.ts';

const asItIs = { compress: async (plain: Buffer) => ({ codec: 0, bytes: plain }), close: () => undefined };

/** Like `storeImage`, with chunks of a few bytes, so that hundreds of runs are quick. */
async function store(stores: MemoryStores, parent: TreeRef, changes: Image, seed: number): Promise<TreeRef> {
  const sizes = { groupBytes: 5000, packBytes: 4000, compressor: asItIs };
  const packs = new PackWriter({ ...stores, random: seededRandom(seed), fence: anyFence, ...sizes });
  const list = async function* (): AsyncGenerator<TreeChange> {
    for (const [chunk, content] of [...changes].sort(([a], [b]) => a - b)) {
      const bytes = content === null ? null : chunkBytes(content).subarray(0, 40);
      if (bytes !== null) await packs.put('chunk', digestOf(bytes), bytes);
      yield { chunk, digest: bytes === null ? null : digestOf(bytes) };
    }
  };
  const pages = new PageReader(new EntryReader(stores.store, stores.index));
  const tree = await updateTree(parent, list(), pages, packs);
  await packs.finish();
  return tree;
}

/** Everything that a tree reaches, in hex; and which of it are chunks. */
async function reach(stores: MemoryStores, tree: TreeRef): Promise<{ all: Set<string>; chunks: Set<string> }> {
  const pages = new PageReader(new EntryReader(stores.store, stores.index));
  const found = { all: new Set<string>(), chunks: new Set<string>() };
  const visit = async (digest: Buffer, level: number): Promise<void> => {
    found.all.add(digest.toString('hex'));
    if (level === 0) found.chunks.add(digest.toString('hex'));
    if (level === 0) return;
    for (const child of (await pages.read(digest, level)).children) if (child !== null) await visit(child, level - 1);
  };
  if (tree.root !== null) await visit(Buffer.from(tree.root, 'hex'), tree.levels);
  return found;
}

function bytesOf(stores: MemoryStores, digest: string): { packId: string; bytes: number } {
  const [location] = stores.index.locate(Buffer.from(digest, 'hex'));
  assert.ok(location);
  return { packId: location.packId, bytes: storedShareOf(location) };
}

async function assertCounted(stores: MemoryStores, ledger: Ledger, trees: readonly NamedTree[]): Promise<void> {
  const reached = new Map<string, Set<string>>();
  const chunks = new Set<string>();
  for (const { name, tree } of trees) {
    const found = await reach(stores, tree);
    reached.set(name, found.all);
    for (const chunk of found.chunks) chunks.add(chunk);
  }
  assert.equal(ledger.liveChunkCount, chunks.size);
  const live = new Map<string, number>();
  for (const digest of new Set([...reached.values()].flatMap((all) => [...all]))) {
    const { packId, bytes } = bytesOf(stores, digest);
    live.set(packId, (live.get(packId) ?? 0) + bytes);
  }
  const counted = new Map([...ledger.listLiveBytes()].filter(([, bytes]) => bytes !== 0));
  assert.deepEqual([...counted].sort(byName), [...live].sort(byName));
  await ledger.measure();
  for (const [name, { freedBytes }] of ledger.listSizes()) {
    const others = new Set([...reached].flatMap(([other, all]) => (other === name ? [] : [...all])));
    const own = [...(reached.get(name) ?? [])].filter((digest) => !others.has(digest));
    const expected = own.reduce((sum, digest) => sum + bytesOf(stores, digest).bytes, 0);
    assert.equal(freedBytes, expected, `${name} frees what only it holds`);
  }
}

function byName([first]: [string, number], [second]: [string, number]): number {
  return first < second ? -1 : 1;
}

const positions = [0, 1, 2, 3, 127, 128, 129, 16_383, 16_384, 2_097_152];

const stepArbitrary = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      parent: fc.nat(20),
      chain: fc.nat(2),
      changes: fc.array(fc.tuple(fc.constantFrom(...positions), fc.option(fc.nat(6))), { minLength: 1, maxLength: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);

test('whatever comes and goes, what is counted is what a full walk finds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(stepArbitrary, { minLength: 4, maxLength: 16 }), async (steps) => {
      const stores = memoryStores();
      const ledgerStore = LedgerStore.open(':memory:');
      let ledger = new Ledger(ledgerStore, stores.index, new EntryReader(stores.store, stores.index));
      const trees: NamedTree[] = [];
      for (const [number, step] of steps.entries()) {
        if (step.kind === 'reopen') {
          ledger = new Ledger(ledgerStore, stores.index, new EntryReader(stores.store, stores.index));
        } else if (step.kind === 'remove') {
          if (trees.length > 0) trees.splice(step.which % trees.length, 1);
        } else {
          const parent = trees.length === 0 ? undefined : trees[step.parent % trees.length];
          const tree = await store(stores, parent?.tree ?? emptyTree, new Map(step.changes), number + 1);
          if (tree.root === null) continue;
          const near = parent === undefined || number % 3 === 0 ? [] : [parent.name];
          trees.push({ name: `snapshot s-${number}`, tree, near, chain: `d-${step.chain}` });
        }
        await ledger.count(trees);
        await assertCounted(stores, ledger, trees);
      }
      stores.index.close();
      ledgerStore.close();
    }),
    { numRuns: Number(process.env['HUPO_RUNS'] ?? 60) },
  );
});

/** The documented example of a chain (`ecs-api.md` 4.8). */
test('blocks that a later snapshot needs go over to it when the snapshot that recorded them is deleted', async () => {
  const stores = memoryStores();
  const ledger = memoryLedger(stores);
  const first = await store(stores, emptyTree, imageOf(0, 6, 1), 1);
  const second = await store(stores, first, imageOf(0, 4, 11), 2);
  const third = await store(stores, second, imageOf(0, 2, 21), 3);
  const named = (name: string, tree: TreeRef) => ({ name: `snapshot ${name}`, tree, near: [], chain: 'd-1' });
  const own = () => Object.fromEntries([...ledger.listSizes()].map(([name, size]) => [name, size.ownChunkCount]));
  await ledger.count([named('s-0', first), named('s-1', second), named('s-2', third)]);
  assert.deepEqual(own(), { 'snapshot s-0': 6, 'snapshot s-1': 4, 'snapshot s-2': 2 });
  await ledger.count([named('s-0', first), named('s-2', third)]);
  assert.deepEqual(own(), { 'snapshot s-0': 6, 'snapshot s-2': 4 });
  await ledger.count([named('s-2', third)]);
  assert.deepEqual(own(), { 'snapshot s-2': 6 });
});

test('of trees that several names need none frees anything alone, and one has recorded it', async () => {
  const stores = memoryStores();
  const ledger = memoryLedger(stores);
  const tree = await store(stores, emptyTree, imageOf(0, 3, 1), 1);
  const trees = ['snapshot s-1', 'disk d-1'].map((name) => ({ name, tree, near: [], chain: '' }));
  await ledger.count(trees);
  await ledger.measure();
  assert.deepEqual(
    [...ledger.listSizes().values()].map(({ freedBytes }) => freedBytes),
    [0, 0],
  );
  await ledger.count(trees.slice(0, 1));
  await ledger.measure();
  assert.ok((ledger.listSizes().get('snapshot s-1')?.freedBytes ?? 0) > 0);
});

test('a ledger that cannot be right is counted anew', async () => {
  const stores = memoryStores();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-ledger-'));
  try {
    const file = path.join(folder, 'ledger.db');
    const trees: NamedTree[] = [];
    let parent = emptyTree;
    for (const [number, image] of [imageOf(0, 9, 1), imageOf(3, 2, 50), imageOf(1, 1, 70)].entries()) {
      parent = await store(stores, parent, image, number + 1);
      trees.push({ name: `snapshot s-${number}`, tree: parent, near: [], chain: 'd-1' });
    }
    const open = () => {
      const ledgerStore = LedgerStore.open(file);
      return new Ledger(ledgerStore, stores.index, new EntryReader(stores.store, stores.index));
    };
    const first = open();
    await first.count(trees);
    first.close();
    fs.writeFileSync(file, 'no database at all, but long enough to be taken for one'.repeat(100));
    for (const name of ['-wal', '-shm']) fs.rmSync(`${file}${name}`, { force: true });
    const again = open();
    await again.count(trees);
    await assertCounted(stores, again, trees);
    again.close();
    const other = LedgerStore.open(file);
    other.transaction(() => other.dropRef(Buffer.from(trees[0]?.tree.root ?? '', 'hex'), 1, false));
    const wrong = new Ledger(other, stores.index, new EntryReader(stores.store, stores.index));
    assert.equal(await wrong.count(trees.slice(1)), false, 'it is forgotten');
    assert.equal(await wrong.count(trees.slice(1)), true);
    await assertCounted(stores, wrong, trees.slice(1));
    wrong.close();
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('what lost its pack has no home until it is found elsewhere; a page that is lost stops the count', async () => {
  const stores = memoryStores();
  const ledger = memoryLedger(stores);
  const tree = await store(stores, emptyTree, imageOf(0, 4, 1), 1);
  const trees = [{ name: 'snapshot s-1', tree, near: [], chain: '' }];
  await ledger.count(trees);
  for (const { packId } of stores.index.listPacks()) {
    await stores.store.delete(packName(packId));
    ledger.forgetPack(packId);
  }
  await stores.index.reconcile(stores.store);
  assert.equal(ledger.hasHomeless(), true);
  assert.deepEqual(
    [...ledger.listLiveBytes().values()].filter((bytes) => bytes > 0),
    [],
  );
  await store(stores, emptyTree, imageOf(0, 4, 1), 2);
  await ledger.count(trees);
  assert.equal(ledger.hasHomeless(), false);
  await assertCounted(stores, ledger, trees);
  for (const { packId } of stores.index.listPacks()) await stores.store.delete(packName(packId));
  await stores.index.reconcile(stores.store);
  const fresh = memoryLedger(stores);
  await assert.rejects(fresh.count(trees), CorruptionError);
});

test('while a page of what is needed stays damaged, what is counted already is not counted again', async () => {
  const stores = memoryStores();
  const whole = await store(stores, emptyTree, imageOf(0, 40, 1), 1);
  const damaged = await store(stores, emptyTree, imageOf(0, 40, 100), 2);
  const [kept = '', gone = ''] = stores.index.listPacks().map(({ packId }) => packId);
  await stores.store.delete(packName(gone));
  const ledgerStore = LedgerStore.open(':memory:');
  /** What is looked for meanwhile. */
  const count = async (): Promise<string[]> => {
    const names: string[] = [];
    const watched = new FaultyStore(stores.store, ({ name }) => void names.push(name));
    const ledger = new Ledger(ledgerStore, stores.index, new EntryReader(watched, stores.index));
    const trees = Object.entries({ whole, damaged }).map(([name, tree]) => ({ name, tree, near: [], chain: name }));
    await assert.rejects(ledger.count(trees), CorruptionError);
    assert.ok((ledger.listLiveBytes().get(kept) ?? 0) > 0);
    return names;
  };
  assert.ok((await count()).includes(packName(kept)));
  assert.ok(!(await count()).includes(packName(kept)));
});
