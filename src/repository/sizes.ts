/** How large a repository is, and what of it each snapshot and chain has (`ecs-api.md` 4.8): cheap, for it is counted already. */
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { Ledger } from './ledger.ts';
import { findManifest, listSnapshotIds, listTombstoneIds } from './manifest.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { findOwner } from './owner.ts';
import type { Owner } from './owner.ts';
import { snapshotIdOf } from './needed-trees.ts';
import type { Stores } from './stores.ts';

export interface SnapshotSize {
  snapshotId: string;
  diskId: string;
  /** What the image holds that is not zeros; bytes. */
  dataBytes: number;
  /** Of that, what was first recorded by it in its chain. */
  ownBytes: number;
  /** What would be freed if only it were deleted, bytes as stored; null: not measured yet. */
  freedBytes: number | null;
  verifiedAtMs: number | null;
}

export interface RepositorySizes {
  owner: Owner | null;
  packs: { count: number; bytes: number; liveBytes: number; condemnedCount: number; condemnedBytes: number };
  /** What all snapshots would take stored whole; the different chunks of them; those as stored. Bytes. */
  wholeBytes: number;
  distinctBytes: number;
  snapshots: SnapshotSize[];
  /** Of each disk that has snapshots: the sum of what they recorded first. */
  chains: { diskId: string; snapshotCount: number; ownBytes: number }[];
  /** Snapshots in the store that are not counted yet. */
  uncountedCount: number;
  badCopyCount: number;
}

export interface PackTotals {
  packCount: number;
  packBytes: number;
  condemnedBytes: number;
  badCopyCount: number;
}

export function measurePacks(index: Stores['index']): PackTotals {
  const packs = index.listPacks();
  return {
    packCount: packs.length,
    packBytes: sum(packs.map(({ sizeBytes }) => sizeBytes)),
    condemnedBytes: sum(packs.filter(({ isCondemned }) => isCondemned).map(({ sizeBytes }) => sizeBytes)),
    badCopyCount: index.listBad().length,
  };
}

export async function describeSizes({ store, index }: Stores, ledger: Ledger): Promise<RepositorySizes> {
  const packs = index.listPacks();
  const condemned = packs.filter(({ isCondemned }) => isCondemned);
  const live = ledger.listLiveBytes();
  const snapshots = listSnapshotSizes(ledger);
  const deleted = new Set(await Array.fromAsync(listTombstoneIds(store)));
  const stored = (await Array.fromAsync(listSnapshotIds(store))).filter((snapshotId) => !deleted.has(snapshotId));
  const counted = new Set(snapshots.map(({ snapshotId }) => snapshotId));
  const uncounted = stored.filter((snapshotId) => !counted.has(snapshotId));
  const empty = await listEmpty(store, uncounted);
  return {
    owner: await findOwner(store),
    packs: {
      count: packs.length,
      bytes: sum(packs.map(({ sizeBytes }) => sizeBytes)),
      liveBytes: sum(packs.map(({ packId }) => live.get(packId) ?? 0)),
      condemnedCount: condemned.length,
      condemnedBytes: sum(condemned.map(({ sizeBytes }) => sizeBytes)),
    },
    wholeBytes: sum(snapshots.map(({ dataBytes }) => dataBytes)),
    distinctBytes: ledger.liveChunkCount * CHUNK_BYTES,
    snapshots: [...snapshots, ...empty],
    chains: listChains([...snapshots, ...empty]),
    uncountedCount: uncounted.length - empty.length,
    badCopyCount: index.listBad().length,
  };
}

function listSnapshotSizes(ledger: Ledger): SnapshotSize[] {
  const sizes = ledger.listSizes();
  return [...ledger.listNamed()].flatMap(([name, { tree, chain }]) => {
    const snapshotId = snapshotIdOf(name);
    const size = sizes.get(name);
    if (snapshotId === null || size === undefined) return [];
    const { ownChunkCount, freedBytes, verifiedAtMs } = size;
    const dataBytes = tree.dataChunkCount * CHUNK_BYTES;
    return [{ snapshotId, diskId: chain, dataBytes, ownBytes: ownChunkCount * CHUNK_BYTES, freedBytes, verifiedAtMs }];
  });
}

/** Snapshots of disks without data have no tree to be counted. */
async function listEmpty(store: ObjectStore, snapshotIds: readonly string[]): Promise<SnapshotSize[]> {
  const empty: SnapshotSize[] = [];
  for (const snapshotId of snapshotIds) {
    const manifest = await findManifest(store, snapshotId).catch(() => undefined); // a damaged one is told elsewhere
    if (manifest?.tree.root !== null) continue;
    empty.push({ snapshotId, diskId: manifest.diskId, dataBytes: 0, ownBytes: 0, freedBytes: 0, verifiedAtMs: null });
  }
  return empty;
}

function listChains(snapshots: readonly SnapshotSize[]): RepositorySizes['chains'] {
  const chains = new Map<string, { diskId: string; snapshotCount: number; ownBytes: number }>();
  for (const { diskId, ownBytes } of snapshots) {
    const chain = chains.get(diskId) ?? { diskId, snapshotCount: 0, ownBytes: 0 };
    chains.set(diskId, { diskId, snapshotCount: chain.snapshotCount + 1, ownBytes: chain.ownBytes + ownBytes });
  }
  return [...chains.values()];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
