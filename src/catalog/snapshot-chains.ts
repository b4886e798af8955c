/**
 * Chains of snapshots: of each disk that has any, also when it is deleted, those that did not fail. What is kept for undoing rollbacks
 * is in none.
 */
import { sql } from 'kysely';
import type { Paging, SnapshotChainFilter } from '../ecs/list-filters.ts';
import type { Page, SnapshotChain } from '../ecs/resources.ts';
import { atLeastOne } from './disks.ts';
import { formatTextToken, parseTextToken } from './paging.ts';
import type { Queries, SnapshotRow } from './schema.ts';
import { isOfInstance } from './snapshots.ts';

/** A snapshot of a chain; `tree` is JSON, null while it is not stored. */
export type ChainMember = Pick<SnapshotRow, 'source_disk_id' | 'tree'>;

/** Word for word the condition of the index `snapshots_by_chain`. */
const isMember = sql<boolean>`frozen = 1 AND status <> 'failed' AND undo_until_ms IS NULL`;

/** In the order of the disks' ids, with all of their members. */
export async function listChains(
  queries: Queries,
  filter: SnapshotChainFilter,
  paging: Paging,
): Promise<Page<{ chain: Omit<SnapshotChain, 'totals'>; members: ChainMember[] }>> {
  const after = paging.nextToken === null ? null : parseTextToken(paging.nextToken)[0];
  let matching = queries.selectFrom('chain_tally');
  if (filter.diskIds !== undefined) matching = matching.where('source_disk_id', 'in', atLeastOne(filter.diskIds));
  if (filter.instanceId !== undefined) matching = matching.where(isOfInstance(filter.instanceId));
  const { total } = await matching.select((row) => row.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  let query = matching.select('source_disk_id').orderBy('source_disk_id');
  if (after !== null) query = query.where('source_disk_id', '>', after);
  const found = await query
    .limit(paging.pageSize + 1)
    .offset(after === null ? (paging.pageNumber - 1) * paging.pageSize : 0)
    .execute();
  const diskIds = found.slice(0, paging.pageSize).map((row) => row.source_disk_id);
  const last = diskIds.at(-1);
  const hasMore = found.length > paging.pageSize && last !== undefined;
  return {
    items: await describeChains(queries, diskIds),
    totalCount: total,
    nextToken: hasMore ? formatTextToken([last, '']) : null,
  };
}

/** At most so many chains are read at once, and of them no more once they have so many members. */
const SLICE = { chains: 50, members: 500 };

/** What is kept for undoing rollbacks, as it would be in the chains of its disks. */
export async function listUndoMembers(queries: Queries): Promise<ChainMember[]> {
  return await queries
    .selectFrom('snapshots')
    .select(['source_disk_id', 'tree'])
    .where('undo_until_ms', 'is not', null)
    .where('frozen', '=', 1)
    .where('status', '<>', 'failed')
    .execute();
}

/** The trees of all snapshots of the disk that are stored, JSON: those for undoing too. */
export async function listTreesOfDisk(queries: Queries, diskId: string): Promise<string[]> {
  const stored = queries.selectFrom('snapshots').select('tree').where('source_disk_id', '=', diskId);
  const rows = await stored
    .where('frozen', '=', 1)
    .where('status', '<>', 'failed')
    .where('tree', 'is not', null)
    .execute();
  return rows.map((row) => row.tree ?? '');
}

/** Every member of every chain, one chain after another: some whole chains at a time. */
export async function* listMembers(queries: Queries): AsyncGenerator<(ChainMember & Pick<SnapshotRow, 'category'>)[]> {
  for (let last = ''; ;) {
    const tallied = queries.selectFrom('chain_tally').selectAll().where('source_disk_id', '>', last);
    const chains = await tallied.orderBy('source_disk_id').limit(SLICE.chains).execute();
    const diskIds: string[] = [];
    for (let members = 0; members < SLICE.members && diskIds.length < chains.length;) {
      const { source_disk_id: diskId, total } = chains[diskIds.length]!;
      diskIds.push(diskId);
      members += total;
    }
    last = diskIds.at(-1) ?? '';
    if (last === '') return;
    const found = queries.selectFrom('snapshots').where(isMember).where('source_disk_id', 'in', diskIds);
    yield await found.select(['source_disk_id', 'tree', 'category']).orderBy('source_disk_id').execute();
  }
}

async function describeChains(queries: Queries, diskIds: string[]) {
  const members = await queries
    .selectFrom('snapshots')
    .where(isMember)
    .where('source_disk_id', 'in', atLeastOne(diskIds))
    .select(['source_disk_id', 'tree', 'source_disk_size_gib', 'source_disk_type'])
    .orderBy('source_disk_id')
    .orderBy('created_at_ms')
    .execute();
  const disks = await queries
    .selectFrom('disks')
    .leftJoin('instances', 'instances.instance_id', 'disks.instance_id')
    .select(['disk_id', 'disk_name', 'size_gib', 'type', 'disks.instance_id', 'instance_name'])
    .where('disk_id', 'in', atLeastOne(diskIds))
    .execute();
  const diskById = new Map(disks.map((row) => [row.disk_id, row]));
  return [...Map.groupBy(members, (row) => row.source_disk_id)].map(([diskId, rows]) => {
    const disk = diskById.get(diskId);
    const newest = rows.at(-1)!;
    const chain: Omit<SnapshotChain, 'totals'> = {
      diskId,
      diskName: disk?.disk_name ?? null,
      diskSizeGib: disk?.size_gib ?? newest.source_disk_size_gib,
      diskType: disk?.type ?? newest.source_disk_type,
      instanceId: disk?.instance_id ?? null,
      instanceName: disk?.instance_name ?? null,
    };
    return { chain, members: rows };
  });
}
