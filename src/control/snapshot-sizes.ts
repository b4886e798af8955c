/** DescribeSnapshotLinks and DescribeSnapshotsUsage: snapshots from the catalog, what they take from the repository's ledger. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { listRecycledTrees } from '../catalog/recycle-bin.ts';
import { listChains, listMembers, listUndoMembers } from '../catalog/snapshot-chains.ts';
import type { ChainMember } from '../catalog/snapshot-chains.ts';
import type { Paging, SnapshotChainFilter } from '../ecs/list-filters.ts';
import type { Page, RecycledTotals, SnapshotChain, SnapshotTotals, UndoTotals } from '../ecs/resources.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import type { Parts } from './parts.ts';

type Measured = Pick<Parts, 'catalog'> & { repository: Pick<Parts['repository'], 'sizeChain'> };

export async function listMeasuredChains(
  { catalog, repository }: Measured,
  filter: SnapshotChainFilter,
  paging: Paging,
): Promise<Page<SnapshotChain>> {
  const page = await listChains(catalog.queries, filter, paging);
  return {
    ...page,
    items: page.items.map(({ chain, members }) => ({ ...chain, totals: measure(repository, members) })),
  };
}

/** Of all chains, which may change meanwhile: each is told as it was when it was read. */
export async function measureSnapshots({
  catalog,
  repository,
}: Measured): Promise<SnapshotTotals & UndoTotals & RecycledTotals> {
  const undoByDisk = Map.groupBy(await listUndoMembers(catalog.queries), (row) => row.source_disk_id);
  const recycledByDisk = Map.groupBy(await listRecycledTrees(catalog.queries), ({ diskId }) => diskId);
  const totals: SnapshotTotals = { snapshotCount: 0, sizeBytes: 0, uncountedCount: 0, unstoredCount: 0 };
  const beside = { undoCount: 0, undoBytes: 0, recycledCount: 0, recycledBytes: 0 };
  const add = (diskId: string, chain: readonly ChainMember[]): void => {
    const ofChain = measure(repository, chain);
    for (const name of Object.keys(totals) as (keyof SnapshotTotals)[]) totals[name] += ofChain[name];
    const kept = undoByDisk.get(diskId) ?? [];
    undoByDisk.delete(diskId);
    const recycled = (recycledByDisk.get(diskId) ?? []).map(({ tree }) => ({ source_disk_id: diskId, tree }));
    recycledByDisk.delete(diskId);
    beside.undoCount += kept.length;
    beside.recycledCount += recycled.length;
    if (kept.length + recycled.length === 0) return;
    const withKept = measure(repository, [...chain, ...kept]).sizeBytes;
    beside.undoBytes += Math.max(0, withKept - ofChain.sizeBytes);
    const withAll = measure(repository, [...chain, ...kept, ...recycled]).sizeBytes;
    beside.recycledBytes += Math.max(0, withAll - withKept);
  };
  for await (const members of listMembers(catalog.queries)) {
    for (const [diskId, chain] of Map.groupBy(members, (row) => row.source_disk_id)) {
      await nextTurn(); // of thousands of snapshots
      add(diskId, chain);
    }
  }
  for (const diskId of new Set([...undoByDisk.keys(), ...recycledByDisk.keys()])) add(diskId, []);
  return { ...totals, ...beside };
}

function measure(repository: Measured['repository'], members: readonly ChainMember[]): SnapshotTotals {
  const stored = members.flatMap(({ tree }) => (tree === null ? [] : [JSON.parse(tree) as TreeRef]));
  const { bytes, countedCount } = repository.sizeChain(stored);
  return {
    snapshotCount: members.length,
    sizeBytes: bytes,
    uncountedCount: members.length - countedCount,
    unstoredCount: members.length - stored.length,
  };
}
