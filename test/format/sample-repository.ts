/** A small repository with whatever the format knows, for those who read it by other means than it was written with. */
import fs from 'node:fs';
import path from 'node:path';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { putCopy, storeFile } from '../../src/repository/catalog-copy.ts';
import { digestOf } from '../../src/repository/digest.ts';
import { EntryReader } from '../../src/repository/entry-reader.ts';
import { commitManifest, deleteManifest } from '../../src/repository/manifest.ts';
import type { Manifest } from '../../src/repository/manifest.ts';
import { takeRepository } from '../../src/repository/owner.ts';
import type { PackContents } from '../../src/repository/pack.ts';
import { locationsOf, packName } from '../../src/repository/pack.ts';
import { PackWriter } from '../../src/repository/pack-writer.ts';
import { PageReader } from '../../src/repository/page-reader.ts';
import { encodeKept, rewritePacks } from '../../src/repository/rewrite.ts';
import { openStores } from '../../src/repository/stores.ts';
import type { RepositoryPlace, Stores } from '../../src/repository/stores.ts';
import { updateTree } from '../../src/repository/tree.ts';
import type { TreeChange } from '../../src/repository/tree.ts';
import { emptyTree } from '../../src/repository/tree-ref.ts';
import type { TreeRef } from '../../src/repository/tree-ref.ts';
import { chunkBytes, manifestOf, newPlace, seededRandom } from '../support/repositories.ts';

/** Chunk index → its bytes; null or absent: zeros. */
export type Chunks = Map<number, Buffer | null>;

export interface SampleSnapshot {
  snapshotId: string;
  diskId: string;
  sizeBytes: number;
  createdAtMs: number;
  chunks: Chunks;
  tree: TreeRef;
}

export interface Sample {
  place: RepositoryPlace;
  /** In the order of their ids. */
  snapshots: [SampleSnapshot, SampleSnapshot, SampleSnapshot, SampleSnapshot];
  deletedId: string;
  ownerEpoch: number;
  /** What the latest copy of the catalog holds: not a whole number of chunks. */
  catalog: Buffer;
  /** Is in one pack only, stored as it is. */
  noise: Buffer;
}

const ownerEpoch = 2;
const owner = { ownerEpoch: 1, catalogId: '5f0c2c1e-6d0b-4d9c-8a51-1f5b7c3e9d20', takenAtMs: 1_790_000_000_000 };

/** In `folder`, which is empty. Always the same repository, but for what zstd makes of it. */
export async function writeSample(folder: string): Promise<Sample> {
  const place = newPlace(folder);
  const stores = await openStores(place);
  try {
    const first = { ...owner, mark: '0d3c8f1a-2b74-4f0e-9c35-6f1e2a7b8c90' };
    const second = { ...owner, ownerEpoch, mark: '7b1d4e6f-3a95-4c2b-8e07-9d0c5f6a1b23' };
    await takeRepository(stores.store, first, null);
    await takeRepository(stores.store, second, first);
    const snapshots = await storeSnapshots(stores);
    return { place, ownerEpoch, ...snapshots, catalog: await storeCatalog(stores, folder) };
  } finally {
    stores.index.close();
  }
}

/** A disk and its next snapshot, one of 1 GiB and a little that shares chunks with them, one of zeros, a deleted one. */
async function storeSnapshots(stores: Stores): Promise<Pick<Sample, 'snapshots' | 'deletedId' | 'noise'>> {
  const noise = seededRandom(31).bytes(CHUNK_BYTES);
  const begin = Array.from({ length: 20 }, (_, chunk): [number, Buffer] => [chunk, text(chunk)]);
  const full: Chunks = new Map([...begin, [127, text(3)], [128, chunkBytes(21)], [1023, text(22)]]);
  const [first, firstPacks] = await storeSnapshot(stores, { number: 1, chunks: full, chunkCount: 1024 });
  const changes: Chunks = new Map([
    [0, text(1)],
    [5, null],
    [200, noise],
  ]);
  const [second] = await storeSnapshot(stores, { number: 2, chunks: changes, chunkCount: 1024, parent: first });
  const sharing: Chunks = new Map([
    [7, text(1)],
    [300, noise],
    [16_399, text(40)],
  ]);
  const [third, thirdPacks] = await storeSnapshot(stores, { number: 3, chunks: sharing, chunkCount: 16_400 });
  const [fourth] = await storeSnapshot(stores, { number: 4, chunks: new Map(), chunkCount: 16 });
  const [deleted] = await storeSnapshot(stores, { number: 5, chunks: new Map([[0, text(50)]]), chunkCount: 16 });
  await deleteManifest(stores.store, deleted.snapshotId);
  await rewritePacksOf(stores, { gone: firstPacks, kept: thirdPacks });
  return { snapshots: [first, second, third, fourth], deletedId: deleted.snapshotId, noise };
}

/** 64 KiB that only `seed` makes and that take some twenty bytes. */
function text(seed: number): Buffer {
  return Buffer.alloc(CHUNK_BYTES, `text ${seed} `);
}

interface Upload {
  number: number;
  chunks: Chunks;
  chunkCount: number;
  parent?: SampleSnapshot;
}

async function storeSnapshot(
  stores: Stores,
  { number, chunks, chunkCount, parent }: Upload,
): Promise<[SampleSnapshot, PackContents[]]> {
  const packs: PackContents[] = [];
  const fence = { ownerEpoch, session: number };
  const onIndexed = (contents: PackContents) => void packs.push(contents);
  const writer = new PackWriter({ ...stores, random: seededRandom(number), fence, onIndexed });
  const pages = new PageReader(new EntryReader(stores.store, stores.index));
  const tree = await updateTree(parent?.tree ?? emptyTree, putChunks(chunks, writer), pages, writer);
  await writer.finish();
  const snapshot: SampleSnapshot = {
    snapshotId: `s-bp1format${number}`,
    diskId: parent?.diskId ?? `d-bp1format${number}`,
    sizeBytes: chunkCount * CHUNK_BYTES,
    createdAtMs: 1_790_000_000_000 + 3_600_123 * number,
    chunks: new Map([...(parent?.chunks ?? []), ...chunks]),
    tree,
  };
  await commitManifest(stores.store, manifestOfSample(snapshot, parent));
  return [snapshot, packs];
}

function manifestOfSample(snapshot: SampleSnapshot, parent: SampleSnapshot | undefined): Manifest {
  const { snapshotId, diskId, sizeBytes, createdAtMs, tree } = snapshot;
  return {
    ...manifestOf(snapshotId, tree, sizeBytes),
    diskId,
    diskType: tree.levels === 3 ? 'system' : 'data',
    createdAtMs,
    parentSnapshotId: parent?.snapshotId ?? null,
    name: parent === undefined ? null : '琥珀',
    description: 'a "sample"\n',
    ownerEpoch,
  };
}

async function* putChunks(chunks: Chunks, writer: PackWriter): AsyncGenerator<TreeChange> {
  for (const [chunk, bytes] of [...chunks].sort(([a], [b]) => a - b)) {
    const digest = bytes === null ? null : digestOf(bytes);
    if (bytes !== null && digest !== null) await writer.put('chunk', digest, bytes);
    yield { chunk, digest };
  }
}

/** As background rewriting does: `gone` are there no more afterwards, `kept` are second copies. */
async function rewritePacksOf(
  stores: Stores,
  { gone, kept }: { gone: PackContents[]; kept: PackContents[] },
): Promise<void> {
  const packs = [...gone, ...kept].map((contents) => ({
    packId: contents.packId,
    sizeBytes: contents.sizeBytes,
    kept: encodeKept([...locationsOf(contents)].map(() => true)),
  }));
  await rewritePacks(stores, { packs, isDense: true, ownerEpoch }, { random: seededRandom(100) });
  for (const contents of gone) {
    stores.index.remove(contents.packId, locationsOf(contents));
    await stores.store.delete(packName(contents.packId));
  }
}

/** Two copies, of which the later counts. */
async function storeCatalog(stores: Stores, folder: string): Promise<Buffer> {
  const file = path.join(folder, 'catalog-copy');
  const pages = new PageReader(new EntryReader(stores.store, stores.index));
  const catalog = Buffer.alloc(150_001, 'a row of a table ');
  let parent = emptyTree;
  for (const number of [1, 2]) {
    catalog[140_000] = number;
    fs.writeFileSync(file, catalog);
    const fence = { ownerEpoch, session: 10 + number };
    const packs = new PackWriter({ ...stores, random: seededRandom(10 + number), fence });
    const { tree, sizeBytes } = await storeFile(file, parent, { pages, packs });
    await packs.finish();
    await putCopy(stores.store, { ...owner, ownerEpoch, number, sizeBytes, tree }, 5);
    parent = tree;
  }
  fs.rmSync(file);
  return catalog;
}
