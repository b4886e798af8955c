/** ModifyDiskAttribute as a request: all of its disks are changed, or none. */
import { updateDisk } from '../catalog/disks.ts';
import { refusePaidWithInstance } from '../ecs/disk-rules.ts';
import { change } from './change.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, ModifyDisksRequest } from './requests.ts';
import { assertAllowed, getDisk } from './rows.ts';

export async function modifyDisks(parts: Parts, request: ModifyDisksRequest, options: ChangeOptions): Promise<void> {
  const { diskName, description, deleteWithInstance, deleteAutoSnapshot, enableAutoSnapshot } = request;
  const changed = {
    ...(diskName !== undefined && { disk_name: diskName }),
    ...(description !== undefined && { description }),
    ...(deleteWithInstance !== undefined && { delete_with_instance: deleteWithInstance ? 1 : 0 }),
    ...(deleteAutoSnapshot !== undefined && { delete_auto_snapshot: deleteAutoSnapshot ? 1 : 0 }),
    ...(enableAutoSnapshot !== undefined && { enable_auto_snapshot: enableAutoSnapshot ? 1 : 0 }),
  };
  await change(parts, options, async (transaction) => {
    for (const diskId of new Set(request.diskIds)) {
      const { prepaid, instance_id: instanceId } = await getDisk(transaction, diskId);
      const isKept = deleteWithInstance === false && prepaid === 1;
      assertAllowed(refusePaidWithInstance(diskId, isKept ? instanceId : null, 'kept when that goes'));
      await updateDisk(transaction, diskId, changed);
    }
  });
}
