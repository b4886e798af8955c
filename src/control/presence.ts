/** Whether a resource of some type is there, and the user's own: for actions that know it by type and id alone. */
import { findDisk } from '../catalog/disks.ts';
import { findImage } from '../catalog/images.ts';
import { findInstance } from '../catalog/instances.ts';
import { findPolicy } from '../catalog/policies.ts';
import type { Queries } from '../catalog/schema.ts';
import { findSnapshotGroup } from '../catalog/snapshot-groups.ts';
import { findSnapshot } from '../catalog/snapshots.ts';
import type { TaggedType } from '../ecs/resources.ts';

/** What is in no answer is absent: a snapshot before its freeze, an image that is deleted. */
export async function findPresence(
  transaction: Queries,
  type: TaggedType,
  resourceId: string,
): Promise<'present' | 'absent' | 'public'> {
  switch (type) {
    case 'instance':
      return (await findInstance(transaction, resourceId)) === undefined ? 'absent' : 'present';
    case 'disk':
      return (await findDisk(transaction, resourceId)) === undefined ? 'absent' : 'present';
    case 'snapshot':
      return (await findSnapshot(transaction, resourceId))?.frozen === 1 ? 'present' : 'absent';
    case 'snapshotgroup':
      return (await findSnapshotGroup(transaction, resourceId))?.frozen === 1 ? 'present' : 'absent';
    case 'snapshotpolicy':
      return (await findPolicy(transaction, resourceId)) === undefined ? 'absent' : 'present';
    case 'image': {
      const image = await findImage(transaction, resourceId);
      if (image === undefined || image.deleted === 1) return 'absent';
      return image.owner_alias === 'self' ? 'present' : 'public';
    }
  }
}
