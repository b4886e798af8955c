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
import { listTags, hasTag } from './tags.ts';
import { startOf, toPage } from './paging.ts';
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

/** Every accomplished snapshot. */
export async function listAccomplishedSnapshots(queries: Queries): Promise<SnapshotRow[]> {
  return await queries
    .selectFrom('snapshots')
    .selectAll()
    .where('status', '=', 'accomplished')
    .orderBy('snapshot_id')
    .execute();
}

/** What people know all of them by. */
export async function listToldSnapshots(
  queries: Queries,
): Promise<{ snapshotId: string; name: string | null; createdAtMs: number }[]> {
  const rows = await queries
    .selectFrom('snapshots')
    .select(['snapshot_id', 'snapshot_name', 'created_at_ms'])
    .execute();
  return rows.map((row) => ({ snapshotId: row.snapshot_id, name: row.snapshot_name, createdAtMs: row.created_at_ms }));
}

/** The trees of all that have one. */
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
  return rows.map((row) => ({ snapshotId: row.snapshot_id, diskId: row.source_disk_id, tree: row.tree ?? '' }));
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

/** The latest generation of the disk that any snapshot closed; 0 when there is none. */
export async function findLatestGeneration(queries: Queries, diskId: string): Promise<number> {
  const row = await queries
    .selectFrom('snapshots')
    .select(({ fn }) => fn.max('generation').as('latest'))
    .where('source_disk_id', '=', diskId)
    .executeTakeFirst();
  return row?.latest ?? 0;
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
  const row = await queries
    .selectFrom('snapshots')
    .select('snapshot_id')
    .where('snapshot_id', '=', snapshotId)
    .where(sql<boolean>`${usedByImage}`)
    .executeTakeFirst();
  return row !== undefined;
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

/** How many snapshots of the disk count against its quota: all but failed ones, copies, and those that keep what a rollback replaced. */
export async function countSnapshots(queries: Queries, diskId: string): Promise<number> {
  const row = await queries
    .selectFrom('snapshots')
    .select((expression) => expression.fn.countAll<number>().as('total'))
    .where('source_disk_id', '=', diskId)
    .where('status', '<>', 'failed')
    .where('undo_until_ms', 'is', null)
    .where('source_snapshot_id', 'is', null)
    .executeTakeFirstOrThrow();
  return row.total;
}

/** A page, newest first. */
export async function listSnapshots(queries: Queries, filter: SnapshotFilter, paging: Paging): Promise<Page<Snapshot>> {
  const { after, offset } = startOf(paging);
  const matching = selectSnapshots(queries, filter);
  const total = await countShown(matching, filter);
  let query = onlyShown(matching, filter)
    .selectAll()
    .select([usedByDisk.as('used_by_disk'), usedByImage.as('used_by_image')])
    // With a + SQLite sorts the few for undoing rollbacks instead of looking for them among all.
    .orderBy(filter.undo === true ? sql`+created_at_ms` : 'created_at_ms', 'desc')
    .orderBy('snapshot_id', 'desc');
  if (after !== null) {
    query = query.where(sql<boolean>`(created_at_ms, snapshot_id) < (${after.createdAtMs}, ${after.id})`);
  }
  const rows = await query
    .limit(paging.pageSize + 1)
    .offset(offset)
    .execute();
  const page = toPage(rows, paging, total, (row) => ({ createdAtMs: row.created_at_ms, id: row.snapshot_id }));
  const tags = await listTags(
    queries,
    page.items.map((row) => row.snapshot_id),
  );
  return {
    ...page,
    items: page.items.map((row) => ({
      ...toSnapshot(row),
      usage: usageOf({ byDisk: row.used_by_disk === 1, byImage: row.used_by_image === 1 }),
      tags: tags.get(row.snapshot_id) ?? [],
    })),
  };
}

const usedByDisk = sql<number>`EXISTS (SELECT 1 FROM disks WHERE disks.source_snapshot_id = snapshots.snapshot_id)`;

/** By one that is there, or being made: a deleted image has no disks, and one that failed needs its snapshots no more. */
const usedByImage = sql<number>`EXISTS (SELECT 1 FROM image_disks
  JOIN images ON images.image_id = image_disks.image_id
  WHERE image_disks.snapshot_id = snapshots.snapshot_id AND images.status <> 'CreateFailed')`;

function usageOf({ byDisk, byImage }: { byDisk: boolean; byImage: boolean }): SnapshotUsage {
  if (byDisk) return byImage ? 'image_disk' : 'disk';
  return byImage ? 'image' : 'none';
}

type Selection = ReturnType<typeof selectSnapshots>;

/** Counted by taking away: those for undoing rollbacks are few, and have an index of their own. */
async function countShown(matching: Selection, filter: SnapshotFilter): Promise<number> {
  const count = async (rows: Selection) =>
    (await rows.select((row) => row.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()).total;
  const wanted = wantsUndo(filter);
  const undoCount = wanted === null ? 0 : await count(matching.where('undo_until_ms', 'is not', null));
  return wanted === true ? undoCount : (await count(matching)) - undoCount;
}

function onlyShown(matching: Selection, filter: SnapshotFilter): Selection {
  const wanted = wantsUndo(filter);
  return wanted === null ? matching : matching.where('undo_until_ms', wanted ? 'is not' : 'is', null);
}

/** Null: those and the others. */
function wantsUndo({ undo, snapshotIds }: SnapshotFilter): boolean | null {
  return undo ?? (snapshotIds === undefined ? false : null);
}

function selectSnapshots(queries: Queries, wanted: SnapshotFilter) {
  let query = queries.selectFrom('snapshots').where('frozen', '=', 1);
  if (wanted.snapshotIds) query = query.where('snapshot_id', 'in', atLeastOne(wanted.snapshotIds));
  if (wanted.diskId !== undefined) query = query.where('source_disk_id', '=', wanted.diskId);
  const { instanceId } = wanted;
  if (instanceId !== undefined) {
    query = query.where('source_disk_id', 'in', (disks) =>
      disks.selectFrom('disks').select('disk_id').where('instance_id', '=', instanceId),
    );
  }
  if (wanted.groupId !== undefined) query = query.where('snapshot_group_id', '=', wanted.groupId);
  if (wanted.snapshotName !== undefined) query = query.where('snapshot_name', '=', wanted.snapshotName);
  if (wanted.status !== undefined) query = query.where('status', '=', wanted.status);
  if (wanted.category !== undefined) query = query.where('category', '=', wanted.category);
  if (wanted.sourceDiskType !== undefined) query = query.where('source_disk_type', '=', wanted.sourceDiskType);
  if (wanted.usage !== undefined) query = query.where(hasUsage(wanted.usage));
  if (wanted.createdFromMs !== undefined) query = query.where('created_at_ms', '>=', wanted.createdFromMs);
  if (wanted.createdUntilMs !== undefined) query = query.where('created_at_ms', '<=', wanted.createdUntilMs);
  if (wanted.resourceGroupId !== undefined) query = query.where('resource_group_id', '=', wanted.resourceGroupId);
  for (const tag of wanted.tags ?? []) query = query.where(hasTag('snapshots.snapshot_id', tag));
  return query;
}

/** Exactly that usage: `image` is not used by a disk besides. */
function hasUsage(usage: SnapshotUsage) {
  const byDisk = usage === 'disk' || usage === 'image_disk' ? usedByDisk : sql`NOT ${usedByDisk}`;
  const byImage = usage === 'image' || usage === 'image_disk' ? usedByImage : sql`NOT ${usedByImage}`;
  return sql<boolean>`${byDisk} AND ${byImage}`;
}

/** Accomplished, or in the making and usable already. */
export function isAvailable(row: SnapshotRow): boolean {
  return row.status === 'accomplished' || (row.status === 'progressing' && row.instant === 1);
}

function toSnapshot(row: SnapshotRow): Omit<Snapshot, 'tags' | 'usage'> {
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
    failureReason: row.failure_reason,
    undoUntilMs: row.undo_until_ms,
    copyOf:
      row.source_region_id === null || row.source_snapshot_id === null
        ? null
        : { regionId: row.source_region_id, snapshotId: row.source_snapshot_id },
    fullSizeBytes: tree === null ? null : tree.dataChunkCount * CHUNK_BYTES,
  };
}
