/**
 * Snapshots in the catalog: rows, what the API shows of them, and the filters of DescribeSnapshots. A row whose `frozen`
 * is 0 is in no list (C5).
 */
import { sql } from 'kysely';
import type { Updateable } from 'kysely';
import type { Paging, SnapshotFilter } from '../ecs/list-filters.ts';
import type { Page, Snapshot, SnapshotUsage } from '../ecs/resources.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { atLeastOne } from './disks.ts';
import { is, isIn, listPage } from './listing.ts';
import type { List, Wanted } from './listing.ts';
import { snapshotTally } from './listing-schema.ts';
import { findRecycledGeneration, listRecycledSnapshots, listRecycledTrees } from './recycle-bin.ts';
import { listTags } from './tags.ts';
import type { Queries, SnapshotRow } from './schema.ts';

export async function insertSnapshot(queries: Queries, row: SnapshotRow): Promise<void> {
  await queries.insertInto('snapshots').values(row).execute();
}

/** Also finds a hidden row: ask for `frozen`. */
export async function findSnapshot(queries: Queries, snapshotId: string): Promise<SnapshotRow | undefined> {
  return await queries.selectFrom('snapshots').selectAll().where('snapshot_id', '=', snapshotId).executeTakeFirst();
}

export async function updateSnapshot(
  queries: Queries,
  snapshotId: string,
  change: Updateable<SnapshotRow>,
): Promise<void> {
  await queries.updateTable('snapshots').set(change).where('snapshot_id', '=', snapshotId).execute();
}

export async function deleteSnapshot(queries: Queries, snapshotId: string): Promise<void> {
  await queries.deleteFrom('snapshots').where('snapshot_id', '=', snapshotId).execute();
}

/** Every accomplished snapshot, those in the recycle bin too: all that have a manifest, or should. */
export async function listAccomplishedSnapshots(queries: Queries): Promise<SnapshotRow[]> {
  const rows = await queries
    .selectFrom('snapshots')
    .selectAll()
    .where('status', '=', 'accomplished')
    .orderBy('snapshot_id')
    .execute();
  return [...rows, ...(await listRecycledSnapshots(queries))];
}

/** What people know all of them by, those in the recycle bin too. */
export async function listToldSnapshots(
  queries: Queries,
): Promise<{ snapshotId: string; name: string | null; createdAtMs: number }[]> {
  const rows = await queries
    .selectFrom('snapshots')
    .select(['snapshot_id', 'snapshot_name', 'created_at_ms'])
    .execute();
  return [...rows, ...(await listRecycledSnapshots(queries))].map((row) => ({
    snapshotId: row.snapshot_id,
    name: row.snapshot_name,
    createdAtMs: row.created_at_ms,
  }));
}

/** The trees of all that have one, those in the recycle bin too. */
export async function listSnapshotTrees(
  queries: Queries,
): Promise<{ snapshotId: string; diskId: string; tree: string }[]> {
  const rows = await queries
    .selectFrom('snapshots')
    .select(['snapshot_id', 'source_disk_id', 'tree'])
    .where('tree', 'is not', null)
    .orderBy('created_at_ms')
    .orderBy('snapshot_id')
    .execute();
  const listed = rows.map((row) => ({ snapshotId: row.snapshot_id, diskId: row.source_disk_id, tree: row.tree ?? '' }));
  return [...listed, ...(await listRecycledTrees(queries))];
}

/** The snapshots of the disk whose manifests are committed, latest generation first. */
export async function listStoredSnapshots(
  queries: Queries,
  diskId: string,
): Promise<{ snapshotId: string; generation: number; tree: string }[]> {
  const rows = await queries
    .selectFrom('snapshots')
    .select(['snapshot_id', 'generation', 'tree'])
    .where('source_disk_id', '=', diskId)
    .where('status', '<>', 'failed')
    .where('tree', 'is not', null)
    .where('source_snapshot_id', 'is', null)
    .orderBy('generation', 'desc')
    .execute();
  return rows.map((row) => ({
    snapshotId: row.snapshot_id,
    generation: Number(row.generation),
    tree: row.tree ?? 'null',
  }));
}

/** Snapshots of the disk that closed an earlier generation and are still to be stored. */
export async function listEarlierUnstored(
  queries: Queries,
  diskId: string,
  generation: number,
): Promise<{ generation: number; isUndo: boolean }[]> {
  const rows = await queries
    .selectFrom('snapshots')
    .select(['generation', 'undo_until_ms'])
    .where('source_disk_id', '=', diskId)
    .where('status', '=', 'progressing')
    .where('tree', 'is', null)
    .where('generation', '<', generation)
    .execute();
  return rows.map((row) => ({ generation: Number(row.generation), isUndo: row.undo_until_ms !== null }));
}

/** The latest generation of the disk that any snapshot closed, also one that may be restored; 0 when there is none. */
export async function findLatestGeneration(queries: Queries, diskId: string): Promise<number> {
  const row = await queries
    .selectFrom('snapshots')
    .select(({ fn }) => fn.max('generation').as('latest'))
    .where('source_disk_id', '=', diskId)
    .executeTakeFirst();
  return Math.max(row?.latest ?? 0, await findRecycledGeneration(queries, diskId));
}

/**
 * Snapshots of these disks that are not finished, hidden ones too, but neither copies, which are nothing to the disks, nor what a
 * rollback replaced.
 */
export async function listProgressingSnapshots(queries: Queries, diskIds: string[]): Promise<SnapshotRow[]> {
  return await queries
    .selectFrom('snapshots')
    .selectAll()
    .where('source_disk_id', 'in', atLeastOne(diskIds))
    .where('status', '=', 'progressing')
    .where('source_snapshot_id', 'is', null)
    .where('undo_until_ms', 'is', null)
    .orderBy('snapshot_id')
    .execute();
}

/** The tree of the latest copy from that region of a snapshot of that disk. */
export async function findLatestCopy(
  queries: Queries,
  { regionId, diskId }: { regionId: string; diskId: string },
): Promise<string | null> {
  const row = await queries
    .selectFrom('snapshots')
    .select('tree')
    .where('source_region_id', '=', regionId)
    .where('source_disk_id', '=', diskId)
    .where('tree', 'is not', null)
    .orderBy('created_at_ms', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.tree ?? null;
}

/** Whether an image is made from the snapshot, or being made. */
export async function isImageSource(queries: Queries, snapshotId: string): Promise<boolean> {
  const snapshots = queries.selectFrom('snapshots').select('usage').where('snapshot_id', '=', snapshotId);
  const row = await snapshots.executeTakeFirst();
  return row?.usage === 'image' || row?.usage === 'image_disk';
}

/** Those that keep what a rollback replaced and are to go by `untilMs`, the first to go first. */
export async function listUndoSnapshots(queries: Queries, untilMs: number): Promise<string[]> {
  const rows = await queries
    .selectFrom('snapshots')
    .select('snapshot_id')
    .where('undo_until_ms', '<=', untilMs)
    .where('frozen', '=', 1)
    .orderBy('undo_until_ms')
    .orderBy('snapshot_id')
    .execute();
  return rows.map((row) => row.snapshot_id);
}

/** Those of the disk, oldest first. */
export async function listUndoSnapshotsOf(queries: Queries, diskId: string): Promise<SnapshotRow[]> {
  return await queries
    .selectFrom('snapshots')
    .selectAll()
    .where('source_disk_id', '=', diskId)
    .where('undo_until_ms', 'is not', null)
    .where('frozen', '=', 1)
    .orderBy('created_at_ms')
    .orderBy('snapshot_id')
    .execute();
}

/** Those that are in lists and that neither a disk nor an image is made from, by their ids. */
export async function listUnusedSnapshots(queries: Queries, afterId: string, most: number): Promise<string[]> {
  const rows = await queries
    .selectFrom('snapshots')
    .select('snapshot_id')
    .where('snapshot_id', '>', afterId)
    .where('usage', '=', 'none')
    .where('frozen', '=', 1)
    .where('undo_until_ms', 'is', null)
    .orderBy('snapshot_id')
    .limit(most)
    .execute();
  return rows.map((row) => row.snapshot_id);
}

/**
 * How many snapshots of the disk count against the quota of manual or of automatic ones: all but failed ones, copies, and those
 * that keep what a rollback replaced.
 */
export async function countSnapshots(queries: Queries, diskId: string, automatic = false): Promise<number> {
  const row = await queries
    .selectFrom('snapshots')
    .select((expression) => expression.fn.countAll<number>().as('total'))
    .where('source_disk_id', '=', diskId)
    .where('status', '<>', 'failed')
    .where('undo_until_ms', 'is', null)
    .where('source_snapshot_id', 'is', null)
    .where('automatic', '=', automatic ? 1 : 0)
    .executeTakeFirstOrThrow();
  return row.total;
}

/** How many snapshots of the disk, whatever became of them, have names that begin so. */
export async function countNamedLike(queries: Queries, diskId: string, prefix: string): Promise<number> {
  const { rows } = await sql<{ total: number }>`SELECT count(*) AS total FROM snapshots
    WHERE source_disk_id = ${diskId} AND substr(snapshot_name, 1, ${prefix.length}) = ${prefix}`.execute(queries);
  return rows[0]?.total ?? 0;
}

const list: List = {
  ...{ table: 'snapshots', id: 'snapshot_id', type: 'snapshot', tally: snapshotTally },
  listed: sql<boolean>`frozen = 1 AND undo_until_ms IS NULL`,
};
/** With those that keep what a rollback replaced. */
const wholeList: List = { ...{ table: 'snapshots', id: 'snapshot_id' }, listed: sql<boolean>`frozen = 1` };

/** A page, newest first. */
export async function listSnapshots(queries: Queries, filter: SnapshotFilter, paging: Paging): Promise<Page<Snapshot>> {
  const isWhole = filter.undo === true || (filter.undo === undefined && filter.snapshotIds !== undefined);
  const page = await listPage<ListedSnapshot>(queries, isWhole ? wholeList : list, wantedOf(filter), paging);
  return { ...page, items: await toSnapshots(queries, page.items) };
}

/** The snapshots of these groups, as in lists: of each group the newest first. */
export async function listSnapshotsOfGroups(queries: Queries, groupIds: string[]): Promise<Map<string, Snapshot[]>> {
  const rows = await queries
    .selectFrom('snapshots')
    .selectAll()
    .where('frozen', '=', 1)
    .where('snapshot_group_id', 'in', atLeastOne(groupIds))
    .orderBy('created_at_ms', 'desc')
    .orderBy('snapshot_id', 'desc')
    .execute();
  const groupOf = new Map(rows.map((row) => [row.snapshot_id, row.snapshot_group_id ?? '']));
  return Map.groupBy(await toSnapshots(queries, rows), ({ snapshotId }) => groupOf.get(snapshotId) ?? '');
}

type ListedSnapshot = SnapshotRow & { usage: SnapshotUsage };

async function toSnapshots(queries: Queries, rows: readonly ListedSnapshot[]): Promise<Snapshot[]> {
  const tags = await listTags(
    queries,
    rows.map((row) => row.snapshot_id),
  );
  return rows.map((row) => ({ ...toSnapshot(row), tags: tags.get(row.snapshot_id) ?? [] }));
}

function wantedOf({ snapshotIds, diskId, instanceId, groupId, snapshotName, undo, ...wanted }: SnapshotFilter): Wanted {
  const { status, category, sourceDiskType, usage, resourceGroupId, automatic } = wanted;
  return {
    ...wanted,
    few: [
      ...isIn('snapshot_id', snapshotIds),
      ...is('source_disk_id', diskId),
      ...(instanceId === undefined ? [] : [isOfInstance(instanceId)]),
      ...is('snapshot_group_id', groupId),
      ...(undo === true ? [isForUndo] : []),
    ],
    some: [
      ...is('snapshot_name', snapshotName),
      ...is('automatic', automatic === undefined ? undefined : Number(automatic)),
    ],
    many: { status, category, source_disk_type: sourceDiskType, usage, resource_group_id: resourceGroupId },
  };
}

/** Found first, for they are few. */
const isForUndo = sql<boolean>`snapshot_id IN (SELECT snapshot_id FROM snapshots WHERE undo_until_ms IS NOT NULL)`;

/** The disk is attached to the instance. */
export function isOfInstance(instanceId: string) {
  return sql<boolean>`source_disk_id IN (SELECT disk_id FROM disks WHERE instance_id = ${instanceId})`;
}

/** Accomplished, or in the making and usable already. */
export function isAvailable(row: SnapshotRow): boolean {
  return row.status === 'accomplished' || (row.status === 'progressing' && row.instant === 1);
}

function toSnapshot(row: ListedSnapshot): Omit<Snapshot, 'tags'> {
  const isFinished = row.status === 'accomplished' && row.tree !== null;
  const tree = isFinished ? (JSON.parse(row.tree ?? 'null') as { dataChunkCount: number }) : null;
  return {
    snapshotId: row.snapshot_id,
    snapshotName: row.snapshot_name,
    description: row.description,
    status: row.status,
    progressPercent: row.progress_percent,
    remainingSeconds: row.remaining_seconds,
    available: isAvailable(row),
    createdAtMs: row.created_at_ms,
    modifiedAtMs: row.modified_at_ms,
    sourceDiskId: row.source_disk_id,
    sourceDiskSizeGib: row.source_disk_size_gib,
    sourceDiskType: row.source_disk_type,
    retentionDays: row.retention_days,
    resourceGroupId: row.resource_group_id,
    category: row.category,
    usage: row.usage,
    failureReason: row.failure_reason,
    isAutomatic: row.automatic === 1,
    undoUntilMs: row.undo_until_ms,
    copyOf:
      row.source_region_id === null || row.source_snapshot_id === null
        ? null
        : { regionId: row.source_region_id, snapshotId: row.source_snapshot_id },
    fullSizeBytes: tree === null ? null : tree.dataChunkCount * CHUNK_BYTES,
  };
}
