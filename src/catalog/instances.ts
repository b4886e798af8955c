/** Instances in the catalog: rows, what the API shows of them, and the filters of DescribeInstances. */
import { sql } from 'kysely';
import type { Updateable } from 'kysely';
import type { InstanceFilter, Paging } from '../ecs/list-filters.ts';
import type { Instance, Page } from '../ecs/resources.ts';
import { likePattern } from './like.ts';
import { is, isIn, listPage } from './listing.ts';
import type { List, Wanted } from './listing.ts';
import { deleteInstanceLocks, isLockedFor, listInstanceLocks } from './instance-locks.ts';
import { endsAsWanted } from './subscriptions.ts';
import { listTags } from './tags.ts';
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
  await deleteInstanceLocks(queries, instanceId);
  await queries.deleteFrom('user_data').where('instance_id', '=', instanceId).execute();
  await queries.deleteFrom('instances').where('instance_id', '=', instanceId).execute();
}

const list: List = { table: 'instances', id: 'instance_id', type: 'instance', listed: sql<boolean>`1 = 1` };

/** A page, newest first. Ends, also those of the filter, are of `control/lock-clock.ts`. */
export async function listInstances(queries: Queries, filter: InstanceFilter, paging: Paging): Promise<Page<Instance>> {
  const page = await listPage<InstanceRow>(queries, list, wantedOf(filter), paging);
  const tags = await listTags(
    queries,
    page.items.map((row) => row.instance_id),
  );
  const ids = page.items.map((row) => row.instance_id);
  const locks = await listInstanceLocks(queries, ids);
  return {
    ...page,
    items: page.items.map((row) => ({
      ...toInstance(row),
      tags: tags.get(row.instance_id) ?? [],
      locks: locks.get(row.instance_id) ?? [],
    })),
  };
}

function wantedOf({
  instanceIds,
  instanceName,
  imageId,
  privateIps,
  networkInterfaceIds,
  lockReason,
  renewalStatus,
  ...wanted
}: InstanceFilter): Wanted {
  const { instanceType, status, zoneId, resourceGroupId } = wanted;
  return {
    ...wanted,
    few: [
      ...isIn('instance_id', instanceIds),
      ...(instanceName === undefined ? [] : [nameMatches(instanceName)]),
      ...is('image_id', imageId),
      ...isIn('private_ip', privateIps),
      ...isIn('network_interface_id', networkInterfaceIds),
      ...(lockReason === undefined ? [] : [isLockedFor(lockReason)]),
      ...is('renewal_status', renewalStatus),
      ...endsAsWanted(wanted),
    ],
    many: { instance_type: instanceType, status, zone_id: zoneId, resource_group_id: resourceGroupId },
  };
}

function nameMatches(pattern: string) {
  if (!pattern.includes('*')) return sql<boolean>`instance_name = ${pattern}`;
  return sql<boolean>`instance_name LIKE ${likePattern(pattern)} ESCAPE '\\'`;
}

function toInstance(row: InstanceRow): Omit<Instance, 'tags' | 'locks'> {
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
    expiresAtMs: row.expires_at_ms,
    renewalStatus: row.renewal_status,
    renewal:
      row.renew_period === null || row.renew_unit === null ? null : { count: row.renew_period, unit: row.renew_unit },
  };
}
