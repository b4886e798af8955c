/** JoinResourceGroup as a request. A group comes into being by being named (`ecs/resource-groups.ts`). */
import { putInGroup, putSystemDiskInGroup } from '../catalog/resource-groups.ts';
import { RequestError } from '../lib/errors.ts';
import { change } from './change.ts';
import type { Parts } from './parts.ts';
import { findPresence } from './presence.ts';
import type { ChangeOptions, JoinResourceGroupRequest } from './requests.ts';

/**
 * From the group that the resource is in to another. The system disk of an instance goes with it: clients ask for it in the
 * group of its instance. Joining the group that it is in changes nothing.
 */
export async function joinResourceGroup(
  parts: Parts,
  request: JoinResourceGroupRequest,
  options: ChangeOptions,
): Promise<void> {
  const { resourceType, resourceId, resourceGroupId } = request;
  await change(parts, options, async (transaction) => {
    const presence = await findPresence(transaction, resourceType, resourceId);
    if (presence !== 'present') {
      throw new RequestError(
        'InvalidResourceId.NotFound',
        presence === 'public'
          ? `The image ${resourceId} is public: only your own images are in resource groups.`
          : `There is no ${resourceType} ${resourceId}: resource groups need one.`,
      );
    }
    await putInGroup(transaction, request, resourceGroupId);
    if (resourceType === 'instance') await putSystemDiskInGroup(transaction, resourceId, resourceGroupId);
  });
}
