/**
 * Groups of snapshots in the catalog. A row whose `frozen` is 0 is in no list (C5). What a group's status is follows from its
 * snapshots; a group without any is deleted with the last.
 */
import { sql } from 'kysely';
import type { Insertable, Updateable } from 'kysely';
import type { Paging, SnapshotGroupFilter } from '../ecs/list-filters.ts';
import type { Page, Snapshot, SnapshotGroup, SnapshotGroupStatus, Tag } from '../ecs/resources.ts';
import { atLeastOne } from './disks.ts';
import { startOf, toPage } from './paging.ts';
import type { Queries, SnapshotGroupRow } from './schema.ts';
import { listSnapshots } from './snapshots.ts';
import { deleteTags, hasTag, listTags } from './tags.ts';

export async function insertSnapshotGroup(queries: Queries, row: Insertable<SnapshotGroupRow>): Promise<void> {
  await queries.insertInto('snapshot_groups').values(row).execute();
}

/** Also finds a hidden row: ask for `frozen`. */
export async function findSnapshotGroup(queries: Queries, groupId: string): Promise<SnapshotGroupRow | undefined> {
  return await queries
    .selectFrom('snapshot_groups')
    .selectAll()
    .where('snapshot_group_id', '=', groupId)
    .executeTakeFirst();
}

export async function updateSnapshotGroup(
  queries: Queries,
  groupId: string,
  change: Updateable<SnapshotGroupRow>,
): Promise<void> {
  if (Object.keys(change).length === 0) return;
  await queries.updateTable('snapshot_groups').set(change).where('snapshot_group_id', '=', groupId).execute();
}

export async function deleteSnapshotGroup(queries: Queries, groupId: string): Promise<void> {
  await queries.deleteFrom('snapshot_groups').where('snapshot_group_id', '=', groupId).execute();
}

/** A group goes with the last of its snapshots; `groupId` null: every one that has none. */
export async function deleteEmptyGroups(queries: Queries, groupId: string | null = null): Promise<void> {
  let empty = queries
    .selectFrom('snapshot_groups')
    .select('snapshot_group_id')
    .where('snapshot_group_id', 'not in', (members) =>
      members
        .selectFrom('snapshots')
        .select(sql<string>`snapshot_group_id`.as('id'))
        .where('snapshot_group_id', 'is not', null),
    );
  if (groupId !== null) empty = empty.where('snapshot_group_id', '=', groupId);
  for (const { snapshot_group_id: id } of await empty.execute()) {
    await deleteTags(queries, id);
    await deleteSnapshotGroup(queries, id);
  }
}

export async function listSnapshotIdsOfGroup(queries: Queries, groupId: string): Promise<string[]> {
  const rows = await queries
    .selectFrom('snapshots')
    .select('snapshot_id')
    .where('snapshot_group_id', '=', groupId)
    .orderBy('snapshot_id')
    .execute();
  return rows.map((row) => row.snapshot_id);
}

/** A page, newest first. */
export async function listSnapshotGroups(
  queries: Queries,
  filter: SnapshotGroupFilter,
  paging: Paging,
): Promise<Page<SnapshotGroup>> {
  const { after, offset } = startOf(paging);
  const matching = selectGroups(queries, filter);
  const { total } = await matching.select((row) => row.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  let query = matching.selectAll().orderBy('created_at_ms', 'desc').orderBy('snapshot_group_id', 'desc');
  if (after !== null) {
    query = query.where(sql<boolean>`(created_at_ms, snapshot_group_id) < (${after.createdAtMs}, ${after.id})`);
  }
  const rows = await query
    .limit(paging.pageSize + 1)
    .offset(offset)
    .execute();
  const page = toPage(rows, paging, total, (row) => ({ createdAtMs: row.created_at_ms, id: row.snapshot_group_id }));
  const tags = await listTags(
    queries,
    page.items.map((row) => row.snapshot_group_id),
  );
  const items: SnapshotGroup[] = [];
  for (const row of page.items) items.push(await toGroup(queries, row, tags.get(row.snapshot_group_id) ?? []));
  return { ...page, items };
}

function selectGroups(queries: Queries, wanted: SnapshotGroupFilter) {
  let query = queries.selectFrom('snapshot_groups').where('frozen', '=', 1);
  if (wanted.groupIds) query = query.where('snapshot_group_id', 'in', atLeastOne(wanted.groupIds));
  if (wanted.groupName !== undefined) query = query.where('group_name', '=', wanted.groupName);
  if (wanted.instanceId !== undefined) query = query.where('instance_id', '=', wanted.instanceId);
  if (wanted.resourceGroupId !== undefined) query = query.where('resource_group_id', '=', wanted.resourceGroupId);
  if (wanted.statuses) query = query.where(sql<boolean>`(${sql.join(wanted.statuses.map(hasStatus), sql` OR `)})`);
  for (const tag of wanted.tags ?? []) query = query.where(hasTag('snapshot_groups.snapshot_group_id', tag));
  return query;
}

const has = (status: SnapshotGroupStatus) => sql<boolean>`snapshot_group_id IN
  (SELECT snapshot_group_id FROM snapshots WHERE snapshot_group_id IS NOT NULL AND status = ${status})`;

/** As `statusOf` says it. */
function hasStatus(status: SnapshotGroupStatus) {
  if (status === 'progressing') return has('progressing');
  if (status === 'failed') return sql<boolean>`(${has('failed')} AND NOT ${has('progressing')})`;
  return sql<boolean>`NOT (${has('progressing')} OR ${has('failed')})`;
}

function statusOf(members: readonly Snapshot[]): SnapshotGroupStatus {
  if (members.some(({ status }) => status === 'progressing')) return 'progressing';
  return members.some(({ status }) => status === 'failed') ? 'failed' : 'accomplished';
}

/** More than a group can have. */
const ALL_MEMBERS: Paging = { pageNumber: 1, pageSize: 1000, nextToken: null };

async function toGroup(queries: Queries, row: SnapshotGroupRow, tags: Tag[]): Promise<SnapshotGroup> {
  const groupId = row.snapshot_group_id;
  const { items: snapshots } = await listSnapshots(queries, { groupId }, ALL_MEMBERS);
  const progress = snapshots.reduce((sum, { progressPercent }) => sum + progressPercent, 0);
  return {
    groupId,
    groupName: row.group_name,
    description: row.description,
    instanceId: row.instance_id,
    createdAtMs: row.created_at_ms,
    resourceGroupId: row.resource_group_id,
    status: statusOf(snapshots),
    progressPercent: Math.floor(progress / Math.max(1, snapshots.length)),
    snapshots,
    tags,
  };
}
