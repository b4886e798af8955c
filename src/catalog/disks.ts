/** Disks in the catalog: rows, what the API shows of them, and the filters of DescribeDisks. */
import { sql } from 'kysely';
import type { RawBuilder, Updateable } from 'kysely';
import type { DiskFilter, Paging } from '../ecs/list-filters.ts';
import type { Disk, Page } from '../ecs/resources.ts';
import { isLockedFor, listInstanceLocks } from './instance-locks.ts';
import { listEnds } from './subscriptions.ts';
import { listTags } from './tags.ts';
import { is, isIn, listPage } from './listing.ts';
import type { List, Wanted } from './listing.ts';
import { diskTally } from './listing-schema.ts';
import { findPolicy, isUnder, listPoliciesByTags, listPoliciesOfDisks } from './policies.ts';
import { listRecycledDisks } from './recycle-bin.ts';
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

/** Every disk that has a folder: those in the recycle bin too. */
export async function listAllDisks(queries: Queries): Promise<DiskRow[]> {
  const rows = await queries.selectFrom('disks').selectAll().orderBy('disk_id').execute();
  return [...rows, ...(await listRecycledDisks(queries))];
}

/** Also one in the recycle bin. */
export async function findAnyDisk(queries: Queries, diskId: string): Promise<DiskRow | undefined> {
  return (await findDisk(queries, diskId)) ?? (await listRecycledDisks(queries, { diskId }))[0];
}

/** The disks whose base is written exactly so, those in the recycle bin too. */
export async function listDisksWithBase(queries: Queries, base: string): Promise<DiskRow[]> {
  const rows = await queries.selectFrom('disks').selectAll().where('base', '=', base).orderBy('disk_id').execute();
  return [...rows, ...(await listRecycledDisks(queries, { base }))];
}

/** The disk stands on that from now on, also in the recycle bin. */
export async function setBase(queries: Queries, diskId: string, base: string): Promise<void> {
  await updateDisk(queries, diskId, { base });
  const recycled = queries.updateTable('recycle_bin').set({ base }).where('resource_id', '=', diskId);
  await recycled.where('resource_type', '=', 'disk').execute();
}

/** Whoever began as `before` has from now on begun as `after`, which holds the same bytes. */
export async function replaceFirstBase(queries: Queries, before: string, after: string): Promise<void> {
  for (const table of ['disks', 'recycle_bin'] as const) {
    await queries.updateTable(table).set({ first_base: after }).where('first_base', '=', before).execute();
  }
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

const list: List = { table: 'disks', id: 'disk_id', type: 'disk', tally: diskTally, listed: sql<boolean>`1 = 1` };

/** A page, newest first. `serviceOf` tells where an open disk is served, and how fast. Ends are those of `control/lock-clock.ts`. */
export async function listDisks(
  queries: Queries,
  filter: DiskFilter,
  paging: Paging,
  serviceOf: (row: DiskRow) => Pick<Disk, 'nbdUri' | 'performance'>,
): Promise<Page<Disk>> {
  const wanted = wantedOf(filter);
  const few = [...wanted.few, ...(await isUnderPolicies(queries, filter))];
  const page = await listPage<DiskRow>(queries, list, { ...wanted, few }, paging);
  const diskIds = page.items.map((row) => row.disk_id);
  const tags = await listTags(queries, diskIds);
  const policies = await listPoliciesOfDisks(queries, diskIds);
  const instanceIds = page.items.flatMap((row) => row.instance_id ?? []);
  const locks = await listInstanceLocks(queries, instanceIds);
  const ends = page.items.some((row) => row.prepaid === 1) ? await listEnds(queries, instanceIds) : new Map();
  return {
    ...page,
    items: page.items.map((row) => ({
      ...toDisk(row),
      policyIds: policies.get(row.disk_id) ?? [],
      tags: tags.get(row.disk_id) ?? [],
      locks: locks.get(row.instance_id ?? '') ?? [],
      expiresAtMs: row.prepaid === 1 ? (ends.get(row.instance_id ?? '') ?? null) : null,
      ...serviceOf(row),
    })),
  };
}

function wantedOf({ diskIds, instanceId, diskName, sourceSnapshotId, lockReason, ...wanted }: DiskFilter): Wanted {
  const { status, category, type, zoneId, resourceGroupId } = wanted;
  const flag = (value: boolean | undefined) => (value === undefined ? undefined : Number(value));
  return {
    ...wanted,
    few: [
      ...isIn('disk_id', diskIds),
      ...is('instance_id', instanceId),
      ...is('source_snapshot_id', sourceSnapshotId),
      ...(lockReason === undefined ? [] : [isLockedFor(lockReason)]),
    ],
    some: is('disk_name', diskName),
    many: {
      ...{ status, category, type, zone_id: zoneId, resource_group_id: resourceGroupId },
      portable: flag(wanted.portable),
      delete_with_instance: flag(wanted.deleteWithInstance),
      delete_auto_snapshot: flag(wanted.deleteAutoSnapshot),
      enable_auto_snapshot: flag(wanted.enableAutoSnapshot),
      prepaid: flag(wanted.chargeType === undefined ? undefined : wanted.chargeType === 'PrePaid'),
    },
  };
}

async function isUnderPolicies(queries: Queries, { policyId, hasPolicy }: DiskFilter) {
  const conditions: RawBuilder<boolean>[] = [];
  if (policyId !== undefined) {
    const policy = await findPolicy(queries, policyId);
    conditions.push(policy === undefined ? sql<boolean>`disks.disk_id = ''` : isUnder(policy));
  }
  if (hasPolicy !== undefined) {
    const byTags = (await listPoliciesByTags(queries)).map((policy) => sql`OR ${isUnder(policy)}`);
    const isUnderAny = sql`(disks.disk_id IN (SELECT disk_id FROM policy_disks) ${sql.join(byTags, sql` `)})`;
    conditions.push(hasPolicy ? sql<boolean>`${isUnderAny}` : sql<boolean>`NOT ${isUnderAny}`);
  }
  return conditions;
}

/** `IN ()` is no portable SQL: an empty list becomes one id that nothing has. */
export function atLeastOne(ids: string[]): string[] {
  return ids.length === 0 ? [''] : ids;
}

function toDisk(row: DiskRow): Omit<Disk, 'tags' | 'locks' | 'expiresAtMs' | 'nbdUri' | 'performance' | 'policyIds'> {
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
