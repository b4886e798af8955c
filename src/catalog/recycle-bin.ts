/**
 * The recycle bin in the catalog: what is left of snapshots and disks that were deleted and can be restored. Their rows are gone
 * from `snapshots` and `disks`, with their tags, so no list, count or rule sees them; here is what is put back, and what the bytes
 * that are still there stand on. Whoever asks what is needed, or what may lie in a folder, asks `listAllDisks` and
 * `listAccomplishedSnapshots` beside this file, which have both.
 */
import { sql } from 'kysely';
import type { Paging, RecycledFilter } from '../ecs/list-filters.ts';
import type { Page, Tag } from '../ecs/resources.ts';
import { is, isIn, listPage } from './listing.ts';
import type { List } from './listing.ts';
import type { DiskRow, Queries, RecycledRow, SnapshotGroupRow, SnapshotRow } from './schema.ts';

/** A row as it is put back, with what went with it. */
export interface RecycledDisk {
  disk: DiskRow;
  tags: Tag[];
}

export interface RecycledSnapshot {
  snapshot: SnapshotRow;
  tags: Tag[];
  /** The group that it was in, which goes with its last snapshot. */
  group: { row: SnapshotGroupRow; tags: Tag[] } | null;
}

type Entry = { untilMs: number; nowMs: number };

export async function insertRecycledDisk(
  queries: Queries,
  { disk, tags }: RecycledDisk,
  { untilMs, nowMs }: Entry,
): Promise<void> {
  const { base, first_base: firstBase, ...row } = disk;
  await insert(queries, {
    ...{ resource_id: disk.disk_id, resource_type: 'disk', disk_id: disk.disk_id, name: disk.disk_name },
    ...{ size_gib: disk.size_gib, base, first_base: firstBase, tree: null, generation: null },
    ...{ content: JSON.stringify({ disk: row, tags }), created_at_ms: nowMs, until_ms: untilMs },
  });
}

export async function insertRecycledSnapshot(
  queries: Queries,
  recycled: RecycledSnapshot,
  { untilMs, nowMs }: Entry,
): Promise<void> {
  const { snapshot } = recycled;
  await insert(queries, {
    ...{ resource_id: snapshot.snapshot_id, resource_type: 'snapshot', disk_id: snapshot.source_disk_id },
    ...{ name: snapshot.snapshot_name, size_gib: snapshot.source_disk_size_gib, base: null, first_base: null },
    ...{ tree: snapshot.tree, generation: snapshot.generation },
    ...{ content: JSON.stringify(recycled), created_at_ms: nowMs, until_ms: untilMs },
  });
}

async function insert(queries: Queries, row: RecycledRow): Promise<void> {
  await queries.insertInto('recycle_bin').values(row).execute();
}

export async function findRecycled(queries: Queries, resourceId: string): Promise<RecycledRow | undefined> {
  return await queries.selectFrom('recycle_bin').selectAll().where('resource_id', '=', resourceId).executeTakeFirst();
}

export async function deleteRecycled(queries: Queries, resourceId: string): Promise<void> {
  await queries.deleteFrom('recycle_bin').where('resource_id', '=', resourceId).execute();
}

/** Those that are to go by `untilMs`, the first to go first. */
export async function listDueRecycled(queries: Queries, untilMs: number, limit: number): Promise<RecycledRow[]> {
  const due = queries.selectFrom('recycle_bin').selectAll().where('until_ms', '<=', untilMs);
  return await due.orderBy('until_ms').orderBy('resource_id').limit(limit).execute();
}

/** When the last of those that are there is to go. */
export async function findLastEnd(queries: Queries): Promise<number> {
  const found = queries.selectFrom('recycle_bin').select(({ fn }) => fn.max('until_ms').as('last'));
  return (await found.executeTakeFirst())?.last ?? 0;
}

export async function listAllRecycled(queries: Queries): Promise<RecycledRow[]> {
  return await queries.selectFrom('recycle_bin').selectAll().orderBy('resource_id').execute();
}

const list: List = { table: 'recycle_bin', id: 'resource_id', listed: sql<boolean>`1 = 1` };

/** A page, what was deleted last first. */
export async function listRecycled(
  queries: Queries,
  { resourceType, resourceIds, diskId }: RecycledFilter,
  paging: Paging,
): Promise<Page<RecycledRow>> {
  const few = [...isIn('resource_id', resourceIds), ...is('disk_id', diskId)];
  return await listPage<RecycledRow>(queries, list, { few, many: { resource_type: resourceType } }, paging);
}

export function parseRecycledDisk(row: RecycledRow): RecycledDisk {
  const { disk, tags } = JSON.parse(row.content) as RecycledDisk;
  return { disk: { ...disk, base: row.base ?? '', first_base: row.first_base }, tags };
}

export function parseRecycledSnapshot(row: RecycledRow): RecycledSnapshot {
  return JSON.parse(row.content) as RecycledSnapshot;
}

/** Disks in the bin, as rows: attached to nothing, and their folders are there. */
export async function listRecycledDisks(
  queries: Queries,
  wanted: { base?: string; diskId?: string } = {},
): Promise<DiskRow[]> {
  let found = queries.selectFrom('recycle_bin').selectAll().where('resource_type', '=', 'disk');
  if (wanted.base !== undefined) found = found.where('base', '=', wanted.base);
  if (wanted.diskId !== undefined) found = found.where('resource_id', '=', wanted.diskId);
  return (await found.orderBy('resource_id').execute()).map((row) => parseRecycledDisk(row).disk);
}

/** Snapshots in the bin, as rows; their manifests are there. */
export async function listRecycledSnapshots(queries: Queries): Promise<SnapshotRow[]> {
  const found = queries.selectFrom('recycle_bin').selectAll().where('resource_type', '=', 'snapshot');
  return (await found.orderBy('resource_id').execute()).map((row) => parseRecycledSnapshot(row).snapshot);
}

/** Their trees; with a disk, of its snapshots only. */
export async function listRecycledTrees(
  queries: Queries,
  diskId?: string,
): Promise<{ snapshotId: string; diskId: string; tree: string }[]> {
  let found = queries
    .selectFrom('recycle_bin')
    .select(['resource_id', 'disk_id', 'tree'])
    .where('resource_type', '=', 'snapshot')
    .where('tree', 'is not', null);
  if (diskId !== undefined) found = found.where('disk_id', '=', diskId);
  const rows = await found.orderBy('created_at_ms').orderBy('resource_id').execute();
  return rows.map((row) => ({ snapshotId: row.resource_id, diskId: row.disk_id, tree: row.tree ?? '' }));
}

/** The latest generation of the disk that a snapshot in the bin closed; 0 when there is none. */
export async function findRecycledGeneration(queries: Queries, diskId: string): Promise<number> {
  const row = await queries
    .selectFrom('recycle_bin')
    .select(({ fn }) => fn.max('generation').as('latest'))
    .where('disk_id', '=', diskId)
    .executeTakeFirst();
  return row?.latest ?? 0;
}

/** The tags of these that are in it. */
export async function listRecycledTags(queries: Queries, ids: readonly string[]): Promise<Map<string, Tag[]>> {
  if (ids.length === 0) return new Map();
  const rows = await queries.selectFrom('recycle_bin').selectAll().where('resource_id', 'in', ids).execute();
  return new Map(rows.map((row) => [row.resource_id, (JSON.parse(row.content) as { tags: Tag[] }).tags]));
}
