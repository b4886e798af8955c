/** DeleteDisk as a request: what is checked and written before anything is done. */
import { refuseDeleteDisk, refusePaidWithInstance } from '../ecs/disk-rules.ts';
import { change } from './change.ts';
import { baseOf } from './disk-folder.ts';
import { DELETE_DISK } from './operations/delete-disk.ts';
import type { DeleteDiskState } from './operations/delete-disk.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions } from './requests.ts';
import { assertIdle } from './idle-disk.ts';
import { assertAllowed, diskFacts, getDisk, listUnfinished } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { discardDisk } from './recycle.ts';
import { dropWithDisk, endUndoOf } from './undo-of-disks.ts';
import { waitSoon } from './wait-soon.ts';

/**
 * The row goes at once; the folder stays in the recycle bin, or goes right after. Snapshots of the disk stay, but automatic ones
 * with `DeleteAutoSnapshot`; what is kept for undoing rollbacks of it goes.
 */
export async function deleteDisk(
  parts: Parts,
  runner: OperationRunner,
  { diskId }: { diskId: string },
  options: ChangeOptions,
): Promise<void> {
  const { operation, droppedSnapshotIds } = await change(parts, options, async (transaction) => {
    const disk = await getDisk(transaction, diskId);
    assertAllowed(refusePaidWithInstance(diskId, disk.prepaid === 1 ? disk.instance_id : null, 'deleted'));
    const [unfinished = null] = await listUnfinished(transaction, [diskId]);
    assertAllowed(refuseDeleteDisk({ disk: diskFacts(disk), unfinished }));
    await assertIdle(transaction, diskId, { releasing: 'DiskCreatingSnapshot' });
    const dropped = await dropWithDisk(parts, runner, transaction, diskId);
    if (await discardDisk(parts, transaction, disk)) return { operation: null, droppedSnapshotIds: dropped };
    const state: DeleteDiskState = { diskId, base: baseOf(disk), droppedSnapshotIds: dropped };
    return { operation: await runner.record(transaction, DELETE_DISK, diskId, state), droppedSnapshotIds: [] };
  });
  const ended =
    operation === null
      ? endUndoOf(parts, runner, { diskIds: [diskId], droppedSnapshotIds })
      : runner.start(operation).done();
  await waitSoon(parts.clock, ended);
}
