/** Which resource group a resource is in: a column of each type's own table. */
import type { TaggedType } from '../ecs/resources.ts';
import type { Queries } from './schema.ts';

/** Of a type that comes to be in groups, its line goes here. */
const setGroup: Record<
  TaggedType,
  (queries: Queries, resourceId: string, resourceGroupId: string) => Promise<unknown>
> = {
  instance: (queries, id, group) =>
    queries.updateTable('instances').set({ resource_group_id: group }).where('instance_id', '=', id).execute(),
  disk: (queries, id, group) =>
    queries.updateTable('disks').set({ resource_group_id: group }).where('disk_id', '=', id).execute(),
  snapshot: (queries, id, group) =>
    queries.updateTable('snapshots').set({ resource_group_id: group }).where('snapshot_id', '=', id).execute(),
  snapshotgroup: (queries, id, group) =>
    queries
      .updateTable('snapshot_groups')
      .set({ resource_group_id: group })
      .where('snapshot_group_id', '=', id)
      .execute(),
  snapshotpolicy: (queries, id, group) =>
    queries
      .updateTable('auto_snapshot_policies')
      .set({ resource_group_id: group })
      .where('policy_id', '=', id)
      .execute(),
  image: (queries, id, group) =>
    queries.updateTable('images').set({ resource_group_id: group }).where('image_id', '=', id).execute(),
};

export async function putInGroup(
  queries: Queries,
  { resourceType, resourceId }: { resourceType: TaggedType; resourceId: string },
  resourceGroupId: string,
): Promise<void> {
  await setGroup[resourceType](queries, resourceId, resourceGroupId);
}

/** Its own: the one that it has attached. */
export async function putSystemDiskInGroup(
  queries: Queries,
  instanceId: string,
  resourceGroupId: string,
): Promise<void> {
  await queries
    .updateTable('disks')
    .set({ resource_group_id: resourceGroupId })
    .where('instance_id', '=', instanceId)
    .where('type', '=', 'system')
    .execute();
}
