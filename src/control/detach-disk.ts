/** DetachDisk as a request: what is checked and written before anything is done. */
import { updateDisk } from '../catalog/disks.ts';
import { refuseDetachDisk, refusePaidWithInstance } from '../ecs/disk-rules.ts';
import { change } from './change.ts';
import { markDetached } from './disk-folder.ts';
import { DETACH_DISK } from './operations/detach-disk.ts';
import type { DetachDiskState } from './operations/detach-disk.ts';
import { assertUnlocked } from './instance-locks.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, DetachDiskRequest } from './requests.ts';
import { assertAllowed, diskFacts, getDisk, getInstance, instanceFacts } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { waitSoon } from './wait-soon.ts';

/** From a stopped instance, at once: its disks are closed. */
export async function detachDisk(
  parts: Parts,
  runner: OperationRunner,
  request: DetachDiskRequest,
  options: ChangeOptions,
): Promise<void> {
  const { diskId, instanceId } = request;
  const operation = await change(parts, options, async (transaction) => {
    const disk = await getDisk(transaction, diskId);
    const instance = instanceFacts(await getInstance(transaction, instanceId));
    await assertUnlocked(transaction, 'DetachDisk', instanceId);
    assertAllowed(refusePaidWithInstance(diskId, disk.prepaid === 1 ? disk.instance_id : null, 'detached'));
    const isSystemDisk = disk.type === 'system';
    assertAllowed(refuseDetachDisk({ disk: diskFacts(disk), isSystemDisk, instance }));
    const state: DetachDiskState = { diskId, deleteWithInstance: request.deleteWithInstance ?? isSystemDisk };
    if (instance.status === 'Stopped') {
      await markDetached(transaction, state, parts.clock.nowMs());
      return null;
    }
    await updateDisk(transaction, diskId, { status: 'Detaching' });
    return await runner.record(transaction, DETACH_DISK, diskId, state);
  });
  if (operation !== null) await waitSoon(parts.clock, runner.start(operation).done());
}
