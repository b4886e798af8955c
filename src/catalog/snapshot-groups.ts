/**
 * Groups of snapshots in the catalog. A row whose `frozen` is 0 is in no list (C5). What a group's status is follows from its
 * snapshots; a group without any is deleted with the last.
 */
import { sql } from 'kysely';
import type { Insertable, Updateable } from 'kysely';
import type { Paging, SnapshotGroupFilter } from '../ecs/list-filters.ts';
import type { Page, Snapshot, SnapshotGroup, SnapshotGroupStatus, Tag } from '../ecs/resources.ts';
import { is, isIn, listPage } from './listing.ts';
import type { List, Wanted } from './listing.ts';
import type { Queries, SnapshotGroupRow } from './schema.ts';
import { listSnapshotsOfGroups } from './snapshots.ts';
import { deleteTags, listTags } from './tags.ts';

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

const list: List = {
  ...{ table: 'snapshot_groups', id: 'snapshot_group_id', type: 'snapshotgroup' },
  listed: sql<boolean>`frozen = 1`,
};

/** A page, newest first. */
export async function listSnapshotGroups(
  queries: Queries,
  filter: SnapshotGroupFilter,
  paging: Paging,
): Promise<Page<SnapshotGroup>> {
  const page = await listPage<SnapshotGroupRow>(queries, list, wantedOf(filter), paging);
  const ids = page.items.map((row) => row.snapshot_group_id);
  const [members, tags] = [await listSnapshotsOfGroups(queries, ids), await listTags(queries, ids)];
  const of = <T>(found: Map<string, T[]>, row: SnapshotGroupRow) => found.get(row.snapshot_group_id) ?? [];
  return { ...page, items: page.items.map((row) => toGroup(row, of(members, row), of(tags, row))) };
}

function wantedOf({
  groupIds,
  groupName,
  instanceId,
  statuses,
  resourceGroupId,
  tags = [],
}: SnapshotGroupFilter): Wanted {
  return {
    tags,
    few: [
      ...isIn('snapshot_group_id', groupIds),
      ...is('group_name', groupName),
      ...is('instance_id', instanceId),
      ...(statuses === undefined ? [] : [sql<boolean>`(${sql.join(statuses.map(hasStatus), sql` OR `)})`]),
    ],
    many: { resource_group_id: resourceGroupId },
  };
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

function toGroup(row: SnapshotGroupRow, snapshots: Snapshot[], tags: Tag[]): SnapshotGroup {
  const progress = snapshots.reduce((sum, { progressPercent }) => sum + progressPercent, 0);
  return {
    groupId: row.snapshot_group_id,
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
