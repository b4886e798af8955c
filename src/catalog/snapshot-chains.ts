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
  const matching = selectMembers(queries, filter);
  const { total } = await matching
    .select((row) => row.fn.count<number>('source_disk_id').distinct().as('total'))
    .executeTakeFirstOrThrow();
  let query = matching.select('source_disk_id').distinct().orderBy('source_disk_id');
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

/** Every member of every chain, one chain after another. */
export async function listMembers(queries: Queries): Promise<ChainMember[]> {
  return await selectMembers(queries, {}).select(['source_disk_id', 'tree']).orderBy('source_disk_id').execute();
}

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

function selectMembers(queries: Queries, { diskIds, instanceId }: SnapshotChainFilter) {
  let query = queries.selectFrom('snapshots').where(isMember);
  if (diskIds !== undefined) query = query.where('source_disk_id', 'in', atLeastOne(diskIds));
  if (instanceId === undefined) return query;
  return query.where('source_disk_id', 'in', (disks) =>
    disks.selectFrom('disks').select('disk_id').where('instance_id', '=', instanceId),
  );
}

async function describeChains(queries: Queries, diskIds: string[]) {
  const members = await selectMembers(queries, { diskIds })
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
