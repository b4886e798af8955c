/** Repositories for tests: images as maps of chunks, stored and read back through the real code. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import type { Random } from '../../src/lib/random.ts';
import { checkRepository } from '../../src/repository/check.ts';
import { collectGarbage } from '../../src/repository/collect.ts';
import type { CollectResult } from '../../src/repository/collect.ts';
import type { CollectorBook } from '../../src/repository/collector-book.ts';
import { digestOf } from '../../src/repository/digest.ts';
import { EntryReader } from '../../src/repository/entry-reader.ts';
import { Ledger } from '../../src/repository/ledger.ts';
import { LedgerStore } from '../../src/repository/ledger-store.ts';
import type { Manifest } from '../../src/repository/manifest.ts';
import { MemoryStore } from '../../src/repository/object-store/memory-store.ts';
import { PackIndex } from '../../src/repository/pack-index.ts';
import { PackWriter } from '../../src/repository/pack-writer.ts';
import { rewritePacks } from '../../src/repository/rewrite.ts';
import { PageReader } from '../../src/repository/page-reader.ts';
import { repositoryIn } from '../../src/repository/stores.ts';
import type { RepositoryPlace, Stores } from '../../src/repository/stores.ts';
import { updateTree, walkTree } from '../../src/repository/tree.ts';
import { emptyTree } from '../../src/repository/tree-ref.ts';
import type { TreeRef } from '../../src/repository/tree-ref.ts';

import { bookOf } from './memory-book.ts';

/** Chunk index → the seed of its bytes; null: zeros. */
export type Image = Map<number, number | null>;

export interface MemoryStores extends Stores {
  store: MemoryStore;
}

export function memoryStores(): MemoryStores {
  return { store: new MemoryStore(), index: PackIndex.open(':memory:') };
}

/** Of a session that nobody asks about. */
export const anyFence = { ownerEpoch: 1, session: 1 };
export const anySession = {
  fence: anyFence,
  condemned: { epoch: 0, packs: [], dying: [], deleted: [], deletedSince: 0 },
};

/** A repository in `folder`, empty. */
export function newPlace(folder: string): RepositoryPlace {
  const place = repositoryIn(folder);
  fs.mkdirSync(place.storeFolder, { recursive: true });
  return place;
}

/** A new ledger in memory. */
export function memoryLedger({ store, index }: Stores): Ledger {
  return new Ledger(LedgerStore.open(':memory:'), index, new EntryReader(store, index));
}

/** Collects as a server does that has just started and is the only one. */
export async function collectAlone(
  stores: Stores,
  {
    roots = [],
    random = seededRandom(9),
    book = bookOf(roots),
    ledger = memoryLedger(stores),
  }: { roots?: readonly TreeRef[]; random?: Random; book?: CollectorBook; ledger?: Ledger } = {},
): Promise<CollectResult> {
  return collectGarbage({
    ...{ stores, ledger, book, ownerEpoch: 1, listsStore: true },
    rewrite: (job) => rewritePacks(stores, job, { random }),
  });
}

/** Repeatable chance: a xorshift from `seed`. */
export function seededRandom(seed: number): Random {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) & 255;
  };
  return { bytes: (byteCount) => Buffer.from(Array.from({ length: byteCount }, next)) };
}

/** 64 KiB that only `seed` makes: a quarter is noise, the rest compresses. */
export function chunkBytes(seed: number): Buffer {
  const bytes = Buffer.alloc(CHUNK_BYTES, `chunk ${seed} `);
  let state = (seed * 2_654_435_761 + 12_345) >>> 0 || 1;
  for (let at = 0; at < CHUNK_BYTES / 4; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeUInt32LE(state >>> 0, at);
  }
  return bytes;
}

/** Stores `changes` over `parent`, durably, as an upload does. */
export async function storeImage(
  stores: Stores,
  changes: Image,
  { parent = emptyTree, random = seededRandom(changes.size + 1) }: { parent?: TreeRef; random?: Random } = {},
): Promise<TreeRef> {
  const packs = new PackWriter({ ...stores, random, fence: anyFence });
  const pages = new PageReader(new EntryReader(stores.store, stores.index));
  const sorted = [...changes].sort(([a], [b]) => a - b);
  async function* changeList(): AsyncGenerator<{ chunk: number; digest: Buffer | null }> {
    for (const [chunk, seed] of sorted) {
      const bytes = seed === null ? null : chunkBytes(seed);
      const digest = bytes === null ? null : digestOf(bytes);
      if (bytes !== null && digest !== null) await packs.put('chunk', digest, bytes);
      yield { chunk, digest };
    }
  }
  const tree = await updateTree(parent, changeList(), pages, packs);
  await packs.finish();
  return tree;
}

/** Asserts that the tree reads back as exactly `image` (absent and null chunks are zeros). */
export async function assertImage(stores: Stores, tree: TreeRef, image: Image): Promise<void> {
  const entries = new EntryReader(stores.store, stores.index);
  const expected = new Map([...image].filter(([, seed]) => seed !== null));
  assert.equal(tree.dataChunkCount, expected.size);
  let last = -1;
  for await (const { chunk, digest } of walkTree(tree, new PageReader(entries))) {
    assert.ok(chunk > last, 'chunks come in order');
    last = chunk;
    const seed = expected.get(chunk);
    expected.delete(chunk);
    assert.ok(seed !== undefined && seed !== null, `chunk ${chunk} should be zeros`);
    assert.ok((await entries.read(digest, 'chunk')).equals(chunkBytes(seed)), `chunk ${chunk} reads back`);
  }
  assert.deepEqual([...expected.keys()], [], 'no chunk is missing');
}

export function manifestOf(snapshotId: string, tree: TreeRef, sizeBytes = 1024 * CHUNK_BYTES): Manifest {
  return {
    snapshotId,
    diskId: 'd-bp1000000000000000000',
    diskType: 'data',
    sizeBytes,
    tree,
    generation: 1,
    incarnation: 1,
    createdAtMs: 1_790_000_000_000,
    parentSnapshotId: null,
    name: 'a name',
    description: '',
    statistics: { changedChunkCount: 1, newChunkCount: 1, readBytes: CHUNK_BYTES, storedBytes: 1000 },
    ownerEpoch: 1,
  };
}

/** How every test of a repository ends. */
export async function assertChecksClean(stores: Stores): Promise<void> {
  assert.deepEqual(await checkRepository(stores, { readData: true, listRoots: async () => [] }), []);
}

/** `count` chunks from `from` with seeds from `seed`. */
export function imageOf(from: number, count: number, seed: number): Image {
  return new Map(Array.from({ length: count }, (_, i) => [from + i, seed + i]));
}
