/** Disks in the catalog: rows, what the API shows of them, and the filters of DescribeDisks. */
import { sql } from 'kysely';
import type { Updateable } from 'kysely';
import type { DiskFilter, Paging } from '../ecs/list-filters.ts';
import type { Disk, Page } from '../ecs/resources.ts';
import { listTags, hasTag } from './tags.ts';
import { startOf, toPage } from './paging.ts';
import type { DiskRow, Queries } from './schema.ts';

export async function insertDisk(queries: Queries, row: DiskRow): Promise<void> {
  await queries.insertInto('disks').values(row).execute();
}

export async function findDisk(queries: Queries, diskId: string): Promise<DiskRow | undefined> {
  return await queries.selectFrom('disks').selectAll().where('disk_id', '=', diskId).executeTakeFirst();
}

export async function updateDisk(queries: Queries, diskId: string, change: Updateable<DiskRow>): Promise<void> {
  await queries.updateTable('disks').set(change).where('disk_id', '=', diskId).execute();
}

export async function deleteDisk(queries: Queries, diskId: string): Promise<void> {
  await queries.deleteFrom('disks').where('disk_id', '=', diskId).execute();
}

/** The disks of an instance, in device order. */
export async function listDisksOfInstance(queries: Queries, instanceId: string): Promise<DiskRow[]> {
  return await queries
    .selectFrom('disks')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .orderBy('device')
    .orderBy('disk_id')
    .execute();
}

/** The system disks of an instance that are detached from it, wherever they are. */
export async function listDetachedSystemDisks(queries: Queries, instanceId: string): Promise<DiskRow[]> {
  const disks = queries.selectFrom('disks').selectAll().where('home_instance_id', '=', instanceId);
  return await disks
    .where(sql<boolean>`instance_id IS NOT ${instanceId}`)
    .orderBy('disk_id')
    .execute();
}

export async function listAllDisks(queries: Queries): Promise<DiskRow[]> {
  return await queries.selectFrom('disks').selectAll().orderBy('disk_id').execute();
}

/** The disks whose base is written exactly so. */
export async function listDisksWithBase(queries: Queries, base: string): Promise<DiskRow[]> {
  return await queries.selectFrom('disks').selectAll().where('base', '=', base).orderBy('disk_id').execute();
}

/** Whoever began as `before` has from now on begun as `after`, which holds the same bytes. */
export async function replaceFirstBase(queries: Queries, before: string, after: string): Promise<void> {
  await queries.updateTable('disks').set({ first_base: after }).where('first_base', '=', before).execute();
}

/** Whether a disk exists that was made from the snapshot. */
export async function isDiskSource(queries: Queries, snapshotId: string): Promise<boolean> {
  const row = await queries
    .selectFrom('disks')
    .select('disk_id')
    .where('source_snapshot_id', '=', snapshotId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** A page, newest first. `serviceOf` tells where an open disk is served, and how fast. */
export async function listDisks(
  queries: Queries,
  filter: DiskFilter,
  paging: Paging,
  serviceOf: (row: DiskRow) => Pick<Disk, 'nbdUri' | 'performance'>,
): Promise<Page<Disk>> {
  const { after, offset } = startOf(paging);
  const matching = selectDisks(queries, filter);
  const { total } = await matching.select((row) => row.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  let query = matching.selectAll().orderBy('created_at_ms', 'desc').orderBy('disk_id', 'desc');
  if (after !== null) query = query.where(sql<boolean>`(created_at_ms, disk_id) < (${after.createdAtMs}, ${after.id})`);
  const rows = await query
    .limit(paging.pageSize + 1)
    .offset(offset)
    .execute();
  const page = toPage(rows, paging, total, (row) => ({ createdAtMs: row.created_at_ms, id: row.disk_id }));
  const tags = await listTags(
    queries,
    page.items.map((row) => row.disk_id),
  );
  return {
    ...page,
    items: page.items.map((row) => ({
      ...toDisk(row),
      tags: tags.get(row.disk_id) ?? [],
      ...serviceOf(row),
    })),
  };
}

function selectDisks(queries: Queries, wanted: DiskFilter) {
  let query = queries.selectFrom('disks');
  if (wanted.diskIds) query = query.where('disk_id', 'in', atLeastOne(wanted.diskIds));
  if (wanted.instanceId !== undefined) query = query.where('instance_id', '=', wanted.instanceId);
  if (wanted.zoneId !== undefined) query = query.where('zone_id', '=', wanted.zoneId);
  if (wanted.diskName !== undefined) query = query.where('disk_name', '=', wanted.diskName);
  if (wanted.category !== undefined) query = query.where('category', '=', wanted.category);
  if (wanted.type !== undefined) query = query.where('type', '=', wanted.type);
  if (wanted.status !== undefined) query = query.where('status', '=', wanted.status);
  if (wanted.sourceSnapshotId !== undefined) {
    query = query.where('source_snapshot_id', '=', wanted.sourceSnapshotId);
  }
  if (wanted.createdFromMs !== undefined) query = query.where('created_at_ms', '>=', wanted.createdFromMs);
  if (wanted.createdUntilMs !== undefined) query = query.where('created_at_ms', '<=', wanted.createdUntilMs);
  for (const [column, value] of flagConditions(wanted)) query = query.where(column, '=', value ? 1 : 0);
  if (wanted.resourceGroupId !== undefined) query = query.where('resource_group_id', '=', wanted.resourceGroupId);
  for (const tag of wanted.tags ?? []) query = query.where(hasTag('disks.disk_id', tag));
  return query;
}

function flagConditions(wanted: DiskFilter) {
  const flags = [
    ['portable', wanted.portable],
    ['delete_with_instance', wanted.deleteWithInstance],
    ['delete_auto_snapshot', wanted.deleteAutoSnapshot],
    ['enable_auto_snapshot', wanted.enableAutoSnapshot],
  ] as const;
  return flags.flatMap(([column, value]) => (value === undefined ? [] : [[column, value] as const]));
}

/** `IN ()` is no portable SQL: an empty list becomes one id that nothing has. */
export function atLeastOne(ids: string[]): string[] {
  return ids.length === 0 ? [''] : ids;
}

function toDisk(row: DiskRow): Omit<Disk, 'tags' | 'nbdUri' | 'performance'> {
  return {
    diskId: row.disk_id,
    zoneId: row.zone_id,
    diskName: row.disk_name,
    description: row.description,
    category: row.category,
    performanceLevel: row.performance_level,
    sizeGib: row.size_gib,
    status: row.status,
    type: row.type,
    createdAtMs: row.created_at_ms,
    attachedAtMs: row.attached_at_ms,
    detachedAtMs: row.detached_at_ms,
    instanceId: row.instance_id,
    device: row.device,
    deleteWithInstance: row.delete_with_instance === 1,
    deleteAutoSnapshot: row.delete_auto_snapshot === 1,
    enableAutoSnapshot: row.enable_auto_snapshot === 1,
    portable: row.portable === 1,
    sourceSnapshotId: row.source_snapshot_id,
    imageId: row.image_id,
    everAttached: row.ever_attached === 1,
    resourceGroupId: row.resource_group_id,
  };
}
