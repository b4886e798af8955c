/** What people ask about a repository: the same after its caches were lost, and every byte read when that is asked for. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { NamedTree } from './ledger.ts';
import { LedgerStore } from './ledger-store.ts';
import { takeRepository } from './owner.ts';
import { packName } from './pack.ts';
import { openRepository } from './repository.ts';
import type { Repository } from './repository.ts';
import { openStores } from './stores.ts';
import type { RepositoryPlace } from './stores.ts';
import { emptyTree } from './tree-ref.ts';
import type { TreeRef } from './tree-ref.ts';
import { MemoryBook } from '../../test/support/memory-book.ts';
import { imageOf, manifestOf, newPlace, seededRandom, storeImage } from '../../test/support/repositories.ts';

async function withPlace(body: (place: RepositoryPlace) => Promise<void>): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-sizes-'));
  try {
    await body(newPlace(folder));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

async function openOwn(place: RepositoryPlace): Promise<Repository> {
  const repository = await openRepository(place, seededRandom(3));
  await repository.changeOwner(async (store) => {
    const owner = { ownerEpoch: 1, catalogId: 'a catalog', mark: 'its mark', takenAtMs: 1 };
    await takeRepository(store, owner, null);
    return owner;
  });
  return repository;
}

test('what snapshots recorded is told in the order in which they were taken, whatever else stands on them', async () => {
  await withPlace(async (place) => {
    let repository = await openOwn(place);
    const trees: NamedTree[] = [];
    const book = new MemoryBook(() => trees);
    const stores = await openStores(place);
    let tree: TreeRef = emptyTree;
    // Ids in another order than times.
    for (const [number, snapshotId] of ['s-5', 's-3', 's-4', 's-1'].entries()) {
      tree = await storeImage(stores, imageOf(number * 10, 4, number * 10 + 1), {
        parent: tree,
        random: seededRandom(number + 7),
      });
      const times = { generation: number + 1, createdAtMs: number };
      await repository.commitManifest({ ...manifestOf(snapshotId, tree), diskId: 'd-1', ...times });
      await repository.count(book);
    }
    // The last one again, of a disk that did not change.
    await repository.commitManifest({ ...manifestOf('s-0', tree), diskId: 'd-1', generation: 5, createdAtMs: 5 });
    await repository.count(book);
    const nothing = { generation: 1, createdAtMs: 9, diskId: 'd-2' };
    await repository.commitManifest({ ...manifestOf('s-2', emptyTree), ...nothing });
    trees.push({ name: 'disk d-3', tree, near: [], chain: '' });
    stores.index.close();
    const ask = async () => {
      await repository.count(book);
      const { snapshots, chains, uncountedCount } = await repository.describe();
      const told = snapshots.map(({ snapshotId, diskId, ownBytes }) => [snapshotId, diskId, ownBytes / CHUNK_BYTES]);
      return {
        told: told.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
        chains: chains.toSorted((a, b) => (a.diskId < b.diskId ? -1 : 1)),
        uncountedCount,
      };
    };
    const expected = {
      told: [
        ['s-0', 'd-1', 0],
        ['s-1', 'd-1', 4],
        ['s-2', 'd-2', 0],
        ['s-3', 'd-1', 4],
        ['s-4', 'd-1', 4],
        ['s-5', 'd-1', 4],
      ],
      chains: [
        { diskId: 'd-1', snapshotCount: 5, ownBytes: 16 * CHUNK_BYTES },
        { diskId: 'd-2', snapshotCount: 1, ownBytes: 0 },
      ],
      uncountedCount: 0,
    };
    assert.deepEqual(await ask(), expected);
    repository.close();
    fs.rmSync(place.cacheFolder, { recursive: true });
    repository = await openOwn(place);
    assert.deepEqual(await ask(), expected);
    repository.close();
    // A snapshot was half counted by a process that was killed, and is deleted by now: all is counted anew.
    const ledger = LedgerStore.open(path.join(place.cacheFolder, 'ledger.db'));
    ledger.transaction(() => ledger.insertTree({ root: 'ab'.repeat(32), levels: 1, dataChunkCount: 1 }, 'd-1', 1));
    ledger.close();
    repository = await openOwn(place);
    assert.deepEqual(await ask(), expected);
    repository.close();
  });
});

test('what a chain takes is told at once, and what that needs besides is measured soon after', async () => {
  await withPlace(async (place) => {
    const repository = await openOwn(place);
    const stores = await openStores(place);
    const trees: TreeRef[] = [];
    for (const number of [0, 1, 2]) {
      const parent = trees.at(-1) ?? emptyTree;
      trees.push(await storeImage(stores, imageOf(0, 3, 10 * number), { parent, random: seededRandom(number + 1) }));
      const times = { generation: number + 1, createdAtMs: number };
      await repository.commitManifest({ ...manifestOf(`s-${number}`, trees[number]!), ...times });
    }
    stores.index.close();
    assert.deepEqual(repository.sizeChain(trees), { bytes: 0, countedCount: 0 });
    await repository.count(new MemoryBook());
    assert.deepEqual(repository.sizeChain(trees), { bytes: 9 * CHUNK_BYTES, countedCount: 3 });
    // The middle one was deleted, and nobody has counted since.
    const left = [trees[0]!, trees[2]!];
    assert.deepEqual(repository.sizeChain(left), { bytes: 3 * CHUNK_BYTES, countedCount: 1 });
    while (repository.sizeChain(left).countedCount < 2) await setImmediate();
    assert.deepEqual(repository.sizeChain(left), { bytes: 6 * CHUNK_BYTES, countedCount: 2 });
    repository.close();
  });
});

test('a pass that is asked for reads every pack from then on, also those that one before it has read', async () => {
  await withPlace(async (place) => {
    const repository = await openOwn(place);
    const stores = await openStores(place);
    for (const number of [1, 2, 3]) {
      const tree = await storeImage(stores, imageOf(0, 3, 10 * number), { random: seededRandom(number) });
      await repository.commitManifest(manifestOf(`s-${number}`, tree));
    }
    const book = new MemoryBook();
    await repository.count(book);
    const packs = stores.index.listPacks();
    const listRoots = async () => [];
    const half = await repository.verifyNext(1000, listRoots);
    assert.ok(half.readBytes > 0 && half.leftBytes > 0 && half.findings.length === 0);
    for (const { packId } of packs) {
      const file = path.join(place.storeFolder, packName(packId));
      const bytes = fs.readFileSync(file);
      bytes[100] = bytes.readUInt8(100) ^ 1;
      fs.writeFileSync(file, bytes);
    }
    const findings: string[] = [];
    let readBytes = 0;
    for (let ended = false; !ended;) {
      const step = await repository.verifyNext(3000, listRoots, 2000);
      readBytes += step.readBytes;
      findings.push(...step.findings);
      ended = step.ended !== null;
    }
    assert.equal(
      readBytes,
      packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    );
    for (const { packId } of packs) assert.ok(findings.some((finding) => finding.startsWith(packName(packId))));
    // Another who asked for the same pass.
    assert.deepEqual(await repository.verifyNext(3500, listRoots, 2500), {
      ...{ readBytes: 0, findings: [], ended: [], leftBytes: 0 },
    });
    assert.ok((await repository.verifyNext(5000, listRoots, 4000)).readBytes > 0);
    stores.index.close();
    repository.close();
  });
});
