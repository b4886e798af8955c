/** The life of snapshots in a repository: stored once, read back, deleted in any order, collected. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { CorruptionError, OperationalError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { digestOf } from './digest.ts';
import {
  commitManifest,
  deleteManifest,
  findManifest,
  listManifests,
  manifestName,
  readManifest,
  readManifests,
} from './manifest.ts';
import { checkRepository } from './check.ts';
import { takeRepository } from './owner.ts';
import { PackIndex } from './pack-index.ts';
import { packName } from './pack.ts';
import { PackWriter } from './pack-writer.ts';
import { openRepositoryReader } from './reader.ts';
import { openRepository } from './repository.ts';
import { openStores, takeCondemned } from './stores.ts';
import { openRepositoryWriter } from './writer.ts';
import type { Stores } from './stores.ts';
import { emptyTree } from './tree-ref.ts';
import type { TreeRef } from './tree-ref.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { DelayedStore } from '../../test/support/delayed-store.ts';
import {
  anyFence,
  anySession,
  assertChecksClean,
  assertImage,
  chunkBytes,
  collectAlone,
  imageOf,
  manifestOf,
  memoryLedger,
  memoryStores,
  newPlace,
  seededRandom,
  storeImage,
} from '../../test/support/repositories.ts';
import { MemoryBook } from '../../test/support/memory-book.ts';
import type { Image } from '../../test/support/repositories.ts';

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-repository-'));
  try {
    await body(folder);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

async function storedBytes({ store }: Stores): Promise<number> {
  const packs = await Array.fromAsync(store.list('packs/'));
  return packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

const collect = async (stores: Stores, roots: TreeRef[] = []) =>
  collectAlone(stores, { random: seededRandom(99), roots });

test('an image reads back, chunk for chunk', async () => {
  const stores = memoryStores();
  const image: Image = new Map([...imageOf(0, 40, 1), ...imageOf(20_000, 9, 100), [70_000, null]]);
  const tree = await storeImage(stores, image);
  await assertImage(stores, tree, image);
  await commitManifest(stores.store, manifestOf('s-1', tree, 80_000 * CHUNK_BYTES));
  await assertChecksClean(stores);
});

test('what is stored already costs nothing again, from whatever disk it comes', async () => {
  const stores = memoryStores();
  const tree = await storeImage(stores, imageOf(0, 50, 1));
  const before = await storedBytes(stores);
  assert.deepEqual(await storeImage(stores, imageOf(0, 50, 1)), tree);
  assert.equal(await storedBytes(stores), before);
  await storeImage(stores, imageOf(1000, 50, 1), { random: seededRandom(8) });
  assert.ok((await storedBytes(stores)) - before < 8192, 'elsewhere, only pages are new');
});

test('one changed chunk in many costs one chunk and its pages', async () => {
  const stores = memoryStores();
  const parent = await storeImage(stores, imageOf(0, 300, 1));
  const before = await storedBytes(stores);
  const tree = await storeImage(stores, new Map([[7, 9999]]), { parent, random: seededRandom(5) });
  assert.ok((await storedBytes(stores)) - before < CHUNK_BYTES);
  await assertImage(stores, tree, new Map([...imageOf(0, 300, 1), [7, 9999]]));
  await assertImage(stores, parent, imageOf(0, 300, 1));
});

test('a disk of zeros stores nothing', async () => {
  const stores = memoryStores();
  assert.deepEqual(await storeImage(stores, new Map([[3, null]])), emptyTree);
  assert.equal(stores.store.objects.size, 0);
});

test('bytes that do not compress are stored as they are', async () => {
  const stores = memoryStores();
  const noise = seededRandom(4).bytes(CHUNK_BYTES);
  const writer = new PackWriter({ ...stores, random: seededRandom(1), fence: anyFence });
  assert.equal(await writer.put('chunk', digestOf(noise), noise), true);
  assert.equal(await writer.put('chunk', digestOf(noise), noise), false);
  await writer.finish();
  assert.ok((await storedBytes(stores)) - CHUNK_BYTES < 300);
  await assertChecksClean(stores);
});

test('a manifest is committed once: the same again is nothing, another is refused', async () => {
  const { store } = memoryStores();
  const manifest = manifestOf('s-1', emptyTree);
  await commitManifest(store, manifest);
  await commitManifest(store, manifest);
  await assert.rejects(commitManifest(store, { ...manifest, generation: 2 }), /another content/);
  assert.deepEqual(await findManifest(store, 's-1'), manifest);
  assert.deepEqual(await Array.fromAsync(listManifests(store)), [manifest]);
});

test('a damaged manifest hides no other', async () => {
  const { store } = memoryStores();
  const manifest = manifestOf('s-1', emptyTree);
  await commitManifest(store, manifest);
  await store.put(manifestName('s-2'), [Buffer.from('no manifest')]);
  assert.deepEqual(await readManifests(store), { manifests: [manifest], damagedIds: ['s-2'] });
});

test('a deleted snapshot does not come back', async () => {
  const { store } = memoryStores();
  await commitManifest(store, manifestOf('s-1', emptyTree));
  await deleteManifest(store, 's-1');
  await deleteManifest(store, 's-1');
  await deleteManifest(store, 's-never-there');
  assert.equal(await findManifest(store, 's-1'), undefined);
  await assert.rejects(commitManifest(store, manifestOf('s-1', emptyTree)), /was deleted/);
});

test('any snapshots of several disks survive deletions and collections in any order, and space returns', async () => {
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('store' as const),
        disk: fc.nat(1),
        seed: fc.nat(1000),
        chunk: fc.nat(400),
        count: fc.integer({ min: 1, max: 60 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), which: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('collect' as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      const stores = memoryStores();
      const random = seededRandom(1); // one for the whole run: names of packs come from it, and must differ
      const disks: { image: Image; tree: TreeRef }[] = [0, 1].map(() => ({ image: new Map(), tree: emptyTree }));
      const snapshots = new Map<string, { image: Image; tree: TreeRef }>();
      const collectAll = async (): Promise<void> => {
        await collectAlone(stores, { random, roots: disks.map((disk) => disk.tree) });
        for (const { image, tree } of [...snapshots.values(), ...disks]) await assertImage(stores, tree, image);
        await assertChecksClean(stores);
      };
      for (const [number, todo] of steps.entries()) {
        if (todo.kind === 'collect') await collectAll();
        if (todo.kind === 'delete') {
          const snapshotId = [...snapshots.keys()][todo.which];
          if (snapshotId === undefined) continue;
          snapshots.delete(snapshotId);
          await deleteManifest(stores.store, snapshotId);
        }
        if (todo.kind === 'store') {
          const disk = disks[todo.disk];
          assert.ok(disk);
          const changes = imageOf(todo.chunk, todo.count, todo.seed);
          disk.tree = await storeImage(stores, changes, { parent: disk.tree, random });
          disk.image = new Map([...disk.image, ...changes]);
          snapshots.set(`s-${number}`, { ...disk });
          await commitManifest(stores.store, manifestOf(`s-${number}`, disk.tree));
        }
      }
      for (const snapshotId of snapshots.keys()) await deleteManifest(stores.store, snapshotId);
      snapshots.clear();
      for (const disk of disks) Object.assign(disk, { image: new Map(), tree: emptyTree });
      await collectAll();
      assert.equal(await storedBytes(stores), 0, 'with nothing left, nothing is stored');
    }),
    { numRuns: 15 },
  );
});

test('deleting a snapshot returns what only it held, though packs are mixed', async () => {
  const stores = memoryStores();
  const whole = await storeImage(stores, imageOf(0, 400, 1));
  const kept = await storeImage(stores, new Map([...imageOf(0, 400, 1)].filter(([chunk]) => chunk % 4 === 0)));
  await commitManifest(stores.store, manifestOf('s-whole', whole));
  await commitManifest(stores.store, manifestOf('s-kept', kept));
  const before = await storedBytes(stores);
  await deleteManifest(stores.store, 's-whole');
  const result = await collect(stores);
  const after = await storedBytes(stores);
  assert.equal(result.freedBytes, before - after);
  assert.ok(before - after >= 0.8 * 0.75 * before, `${before} → ${after}`);
  await assertImage(stores, kept, new Map([...imageOf(0, 400, 1)].filter(([chunk]) => chunk % 4 === 0)));
  await assertChecksClean(stores);
  const again = await collect(stores);
  assert.deepEqual([again.deletedPacks, again.rewrittenPacks, again.freedBytes], [0, 0, 0]);
});

test('what damage had written anew does not count as left dead: the next deletion returns its space', async () => {
  const freed: number[] = [];
  for (const isDamaged of [false, true]) {
    const stores = memoryStores();
    const [random, ledger] = [seededRandom(5), memoryLedger(stores)];
    /** A snapshot, and one after it that replaces some of its chunks. */
    const storePair = async (
      names: [string, string],
      from: number,
      count: number,
      replaced: number,
    ): Promise<string> => {
      const first = await storeImage(stores, imageOf(from, count, from + 1), { random });
      const packId = stores.index.listPacks().at(-1)?.packId ?? '';
      const second = await storeImage(stores, imageOf(from, replaced, from + 9000), { parent: first, random });
      await commitManifest(stores.store, manifestOf(names[0], first));
      await commitManifest(stores.store, manifestOf(names[1], second));
      return packId;
    };
    const hurt = await storePair(['s-1', 's-2'], 0, 12, 2);
    await storePair(['s-3', 's-4'], 200, 40, 30);
    for (const snapshotId of ['s-1', 's-3']) await deleteManifest(stores.store, snapshotId);
    assert.ok((await collectAlone(stores, { random, ledger })).leftDeadBytes > 0);
    if (isDamaged) {
      const bytes = stores.store.objects.get(packName(hurt)) ?? Buffer.alloc(1);
      bytes[bytes.length - 1] = bytes.readUInt8(bytes.length - 1) ^ 1;
      await checkRepository(stores, { readData: false, listRoots: async () => [] });
      assert.equal((await collectAlone(stores, { random, ledger })).rewrittenPacks, 1);
    }
    await storePair(['s-5', 's-6'], 600, 12, 1);
    await deleteManifest(stores.store, 's-5');
    freed.push((await collectAlone(stores, { random, ledger })).freedBytes);
  }
  assert.ok(
    freed.every((bytes) => bytes > 0),
    freed.join(),
  );
});

test('where nothing is dead nothing is rewritten, however its bytes divide among entries', async () => {
  const stores = memoryStores();
  for (let number = 0; number < 30; number++) {
    const first = number * 100;
    const tree = await storeImage(stores, imageOf(first, 4 + (number % 5), first + 1), {
      random: seededRandom(number),
    });
    await commitManifest(stores.store, manifestOf(`s-${number}`, tree));
  }
  const { deletedPacks, rewrittenPacks, leftDeadBytes } = await collect(stores);
  assert.deepEqual([deletedPacks, rewrittenPacks, leftDeadBytes], [0, 0, 0]);
});

test('packs of an upload that was killed go with the next collection, unless it is a root', async () => {
  const stores = memoryStores();
  const tree = await storeImage(stores, imageOf(0, 20, 1));
  await collect(stores, [tree]);
  await assertImage(stores, tree, imageOf(0, 20, 1));
  await collect(stores);
  assert.equal(await storedBytes(stores), 0);
});

test('with a manifest that cannot be read nothing is collected', async () => {
  const stores = memoryStores();
  await commitManifest(stores.store, manifestOf('s-1', await storeImage(stores, imageOf(0, 20, 1))));
  await storeImage(stores, imageOf(500, 20, 500), { random: seededRandom(3) });
  const manifest = stores.store.objects.get(manifestName('s-1'));
  assert.ok(manifest);
  manifest[40] = manifest.readUInt8(40) ^ 1;
  const before = await storedBytes(stores);
  await assert.rejects(collect(stores), CorruptionError);
  assert.equal(await storedBytes(stores), before);
});

test('a deletion cut short between tombstone and manifest is finished by the collector', async () => {
  const stores = memoryStores();
  await commitManifest(stores.store, manifestOf('s-1', await storeImage(stores, imageOf(0, 20, 1))));
  const manifest = stores.store.objects.get(manifestName('s-1'));
  assert.ok(manifest);
  await deleteManifest(stores.store, 's-1');
  stores.store.objects.set(manifestName('s-1'), manifest);
  assert.deepEqual(await Array.fromAsync(listManifests(stores.store)), []);
  await collect(stores);
  assert.equal(stores.store.objects.has(manifestName('s-1')), false);
  assert.equal(await storedBytes(stores), 0);
});

test('of two copies the one that reads well is kept', async () => {
  const stores = memoryStores();
  const tree = await storeImage(stores, imageOf(0, 8, 1));
  const other: Stores = { store: stores.store, index: PackIndex.open(':memory:') };
  await storeImage(other, imageOf(0, 8, 1), { random: seededRandom(77) });
  const [first] = stores.index.listPacks();
  assert.ok(first);
  const bytes = stores.store.objects.get(packName(first.packId));
  assert.ok(bytes);
  bytes.fill(0, 40, 60_000);
  await collect(stores, [tree]);
  await assertImage(stores, tree, imageOf(0, 8, 1));
  await assertChecksClean(stores);
});

test('a lost or unusable index is made again from the packs', async () => {
  await withFolder(async (folder) => {
    const place = newPlace(folder);
    const stores = await openStores(place);
    const tree = await storeImage(stores, imageOf(0, 20, 1));
    stores.index.close();
    for (const spoil of [
      () => fs.rmSync(path.join(place.cacheFolder, 'index.db')),
      () => fs.writeFileSync(path.join(place.cacheFolder, 'index.db'), 'x'.repeat(9000)),
    ]) {
      spoil();
      const again = await openStores(place);
      await assertImage(again, tree, imageOf(0, 20, 1));
      await assertChecksClean(again);
      again.index.close();
    }
  });
});

test('a reader goes on while packs are rewritten and deleted under it', async () => {
  await withFolder(async (folder) => {
    const place = newPlace(folder);
    const repository = await openRepository(place, seededRandom(3));
    await repository.changeOwner(async (store) => {
      const owner = { ownerEpoch: 1, catalogId: 'a catalog', mark: 'its mark', takenAtMs: 1 };
      assert.equal(await takeRepository(store, owner, null), true);
      return owner;
    });
    const stores = await openStores(place);
    const image = new Map([...imageOf(0, 100, 1)].filter(([chunk]) => chunk % 3 === 0));
    const whole = await storeImage(stores, imageOf(0, 100, 1));
    const kept = await storeImage(stores, image);
    const reader = await openRepositoryReader(place);
    assert.ok((await reader.readChunk(whole, 1))?.equals(chunkBytes(2)));
    await repository.commitManifest(manifestOf('s-1', kept));
    const { rewrittenPacks } = await repository.collect(new MemoryBook());
    assert.ok(rewrittenPacks > 0);
    for (const [chunk, seed] of image) {
      assert.ok((await reader.readChunk(kept, chunk))?.equals(chunkBytes(seed ?? 0)), `chunk ${chunk}`);
    }
    assert.equal(await reader.readChunk(kept, 1), null);
    assert.equal(await reader.readChunk(kept, 1e9), null);
    assert.deepEqual(await repository.check({ readData: true, listRoots: async () => [] }), []);
    assert.deepEqual(await readManifest(place, 's-1'), manifestOf('s-1', kept));
    await assert.rejects(readManifest(place, 's-2'), OperationalError);
    assert.ok((await repository.measureStoredBytes()) > 0);
    reader.close();
    stores.index.close();
    repository.close();
  });
});

test('a process that was killed before it indexed a pack does not make the next one store it again', async () => {
  await withFolder(async (folder) => {
    const place = newPlace(folder);
    const killed = await openStores(place);
    await storeImage(killed, imageOf(0, 20, 1));
    killed.index.close();
    fs.rmSync(place.cacheFolder, { recursive: true });
    const stores = await openStores(place);
    const before = await storedBytes(stores);
    await storeImage(stores, imageOf(0, 20, 1), { random: seededRandom(50) });
    assert.equal(await storedBytes(stores), before);
    stores.index.close();
  });
});

test('rows that a power cut brought back of a pack that is gone are not relied on', async () => {
  await withFolder(async (folder) => {
    const place = newPlace(folder);
    const stores = await openStores(place);
    await storeImage(stores, imageOf(0, 4, 1));
    for (const { packId } of stores.index.listPacks()) await stores.store.delete(packName(packId));
    assert.equal(stores.index.has(digestOf(chunkBytes(1))), true);
    stores.index.setFact('bootId', 'an earlier one');
    const writer = await openRepositoryWriter(place, anySession, seededRandom(6));
    assert.equal(await writer.packs.put('chunk', digestOf(chunkBytes(1)), chunkBytes(1)), true);
    await writer.packs.finish();
    writer.close();
    await assertChecksClean(stores);
    stores.index.close();
  });
});

/** Its calls of `operation` take effect, and answer when they are let. */
class HeldStore extends DelayedStore {
  readonly reached = Promise.withResolvers<void>();
  readonly held = Promise.withResolvers<void>();
  readonly #operation: 'put' | 'persist';

  constructor(inner: ObjectStore, operation: 'put' | 'persist') {
    super(inner, async () => undefined);
    this.#operation = operation;
  }

  async #answer(operation: 'put' | 'persist'): Promise<void> {
    if (operation !== this.#operation) return;
    this.reached.resolve();
    await this.held.promise;
  }

  override async put(name: string, parts: readonly Uint8Array[]): Promise<boolean> {
    const created = await super.put(name, parts);
    await this.#answer('put');
    return created;
  }

  override async persist(name: string): Promise<void> {
    await super.persist(name);
    await this.#answer('persist');
  }
}

/** Other servers have deleted all packs, and more since than anybody remembers. */
async function deleteUnheard({ store, index }: Stores): Promise<void> {
  for await (const { name } of store.list('packs/')) await store.delete(name);
  await takeCondemned({ store, index }, { epoch: 7, packs: [], dying: [], deleted: [], deletedSince: 7 });
}

test('who has read a pack, and comes with it after deletions that nobody remembers, is not believed', async () => {
  const { store, index } = memoryStores();
  await storeImage({ store, index: PackIndex.open(':memory:') }, imageOf(0, 4, 1));
  const slow = new HeldStore(store, 'persist');
  const reconciling = index.reconcile(slow);
  await slow.reached.promise;
  await deleteUnheard({ store, index });
  slow.held.resolve();
  await reconciling;
  assert.deepEqual(index.listPacks(), []);
  assert.equal(index.has(digestOf(chunkBytes(1))), false);
});

test('who has written a pack, and hears of it after deletions that nobody remembers, is told', async () => {
  const { store, index } = memoryStores();
  const slow = new HeldStore(store, 'put');
  const writing = storeImage({ store: slow, index }, imageOf(0, 4, 1));
  await slow.reached.promise;
  await deleteUnheard({ store, index });
  slow.held.resolve();
  await assert.rejects(writing, /was taken for garbage/);
  assert.equal(index.has(digestOf(chunkBytes(1))), false);
});

test('who has written a pack that is still there is believed, whatever was missed meanwhile', async () => {
  const { store, index } = memoryStores();
  const slow = new HeldStore(store, 'put');
  const writing = storeImage({ store: slow, index }, imageOf(0, 4, 1));
  await slow.reached.promise;
  await takeCondemned({ store, index }, { epoch: 7, packs: [], dying: [], deleted: [], deletedSince: 7 });
  slow.held.resolve();
  await assertImage({ store, index }, await writing, imageOf(0, 4, 1));
  assert.equal(index.has(digestOf(chunkBytes(1))), true);
});
