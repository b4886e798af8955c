/** Instances in the catalog: rows, what the API shows of them, and the filters of DescribeInstances. */
import { sql } from 'kysely';
import type { Updateable } from 'kysely';
import type { InstanceFilter, Paging } from '../ecs/list-filters.ts';
import type { Instance, Page } from '../ecs/resources.ts';
import { atLeastOne } from './disks.ts';
import { likePattern } from './like.ts';
import { listTags, hasTag } from './tags.ts';
import { startOf, toPage } from './paging.ts';
import type { InstanceRow, Queries } from './schema.ts';

export async function insertInstance(queries: Queries, row: InstanceRow): Promise<void> {
  await queries.insertInto('instances').values(row).execute();
}

export async function findInstance(queries: Queries, instanceId: string): Promise<InstanceRow | undefined> {
  return await queries.selectFrom('instances').selectAll().where('instance_id', '=', instanceId).executeTakeFirst();
}

export async function updateInstance(
  queries: Queries,
  instanceId: string,
  change: Updateable<InstanceRow>,
): Promise<void> {
  await queries.updateTable('instances').set(change).where('instance_id', '=', instanceId).execute();
}

export async function deleteInstance(queries: Queries, instanceId: string): Promise<void> {
  await queries.deleteFrom('user_data').where('instance_id', '=', instanceId).execute();
  await queries.deleteFrom('instances').where('instance_id', '=', instanceId).execute();
}

/** A page, newest first. */
export async function listInstances(queries: Queries, filter: InstanceFilter, paging: Paging): Promise<Page<Instance>> {
  const { after, offset } = startOf(paging);
  const matching = selectInstances(queries, filter);
  const { total } = await matching.select((row) => row.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  let query = matching.selectAll().orderBy('created_at_ms', 'desc').orderBy('instance_id', 'desc');
  if (after !== null) {
    query = query.where(sql<boolean>`(created_at_ms, instance_id) < (${after.createdAtMs}, ${after.id})`);
  }
  const rows = await query
    .limit(paging.pageSize + 1)
    .offset(offset)
    .execute();
  const page = toPage(rows, paging, total, (row) => ({ createdAtMs: row.created_at_ms, id: row.instance_id }));
  const tags = await listTags(
    queries,
    page.items.map((row) => row.instance_id),
  );
  return { ...page, items: page.items.map((row) => ({ ...toInstance(row), tags: tags.get(row.instance_id) ?? [] })) };
}

function selectInstances(queries: Queries, wanted: InstanceFilter) {
  let query = queries.selectFrom('instances');
  if (wanted.instanceIds) query = query.where('instance_id', 'in', atLeastOne(wanted.instanceIds));
  if (wanted.instanceName !== undefined) query = query.where(nameMatches(wanted.instanceName));
  if (wanted.instanceType !== undefined) query = query.where('instance_type', '=', wanted.instanceType);
  if (wanted.imageId !== undefined) query = query.where('image_id', '=', wanted.imageId);
  if (wanted.status !== undefined) query = query.where('status', '=', wanted.status);
  if (wanted.zoneId !== undefined) query = query.where('zone_id', '=', wanted.zoneId);
  if (wanted.privateIps) query = query.where('private_ip', 'in', atLeastOne(wanted.privateIps));
  if (wanted.networkInterfaceIds) {
    query = query.where('network_interface_id', 'in', atLeastOne(wanted.networkInterfaceIds));
  }
  if (wanted.createdFromMs !== undefined) query = query.where('created_at_ms', '>=', wanted.createdFromMs);
  if (wanted.createdUntilMs !== undefined) query = query.where('created_at_ms', '<=', wanted.createdUntilMs);
  if (wanted.resourceGroupId !== undefined) query = query.where('resource_group_id', '=', wanted.resourceGroupId);
  for (const tag of wanted.tags ?? []) query = query.where(hasTag('instances.instance_id', tag));
  return query;
}

function nameMatches(pattern: string) {
  if (!pattern.includes('*')) return sql<boolean>`instance_name = ${pattern}`;
  return sql<boolean>`instance_name LIKE ${likePattern(pattern)} ESCAPE '\\'`;
}

function toInstance(row: InstanceRow): Omit<Instance, 'tags'> {
  return {
    instanceId: row.instance_id,
    instanceName: row.instance_name,
    hostName: row.host_name,
    description: row.description,
    zoneId: row.zone_id,
    instanceType: row.instance_type,
    imageId: row.image_id,
    status: row.status,
    createdAtMs: row.created_at_ms,
    startedAtMs: row.started_at_ms,
    serialNumber: row.serial_number,
    macAddress: row.mac_address,
    privateIp: row.private_ip,
    networkInterfaceId: row.network_interface_id,
    deletionProtection: row.deletion_protection === 1,
    resourceGroupId: row.resource_group_id,
  };
}
