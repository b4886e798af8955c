/**
 * What works on a disk without its status showing it; the operation in the catalog does (C3). Everything that needs the disk to
 * itself asks here, in its transaction.
 */
import { findOperation } from '../catalog/operations.ts';
import type { Queries } from '../catalog/schema.ts';
import { findSnapshot } from '../catalog/snapshots.ts';
import { RequestError } from '../lib/errors.ts';
import type { CreateSnapshotState } from './operations/create-snapshot.ts';
import { MODIFY_DISK_SPEC } from './operations/modify-disk-spec.ts';
import { RESIZE_DISK } from './operations/resize-disk.ts';
import { listSnapshotOperations } from './snapshot-operations.ts';

/**
 * Throws `codes.releasing` while a snapshot that was deleted, or failed, is cleared away (diskd may still hold its view; null:
 * that does not matter), and `codes.resizing` while diskd does not have the disk's new size yet, or its category changes.
 */
export async function assertIdle(
  transaction: Queries,
  diskId: string,
  { releasing, resizing = 'IncorrectDiskStatus' }: { releasing: string | null; resizing?: string },
): Promise<void> {
  const [operation] = releasing === null ? [] : await listSnapshotOperations(transaction, diskId);
  if (operation !== undefined && releasing !== null) {
    const { snapshotId } = operation.state as CreateSnapshotState;
    const row = await findSnapshot(transaction, snapshotId);
    if (row?.status === 'progressing') {
      throw new RequestError(
        releasing,
        `The snapshot ${snapshotId} of the disk ${diskId} is still being stored: wait for that, or delete it.`,
      );
    }
    const advice = operation.undoing
      ? 'is just being cleared away: try again at once.'
      : 'is still being stored, for disks that were made from it need it: wait for that, or delete those disks.';
    throw new RequestError(releasing, `The deleted or failed snapshot ${snapshotId} of the disk ${diskId} ${advice}`);
  }
  if ((await findOperation(transaction, RESIZE_DISK, diskId)) !== undefined) {
    throw new RequestError(resizing, `The disk ${diskId} is just being resized: try again at once.`);
  }
  if ((await findOperation(transaction, MODIFY_DISK_SPEC, diskId)) !== undefined) {
    throw new RequestError(resizing, `The category of the disk ${diskId} is just being changed: wait for its task.`);
  }
}
