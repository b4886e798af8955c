/**
 * What works on a disk without its status showing it; the operation in the catalog does (C3). Everything that needs the disk to
 * itself asks here, in its transaction.
 */
import { findOperation } from '../catalog/operations.ts';
import type { Queries } from '../catalog/schema.ts';
import { RequestError } from '../lib/errors.ts';
import { CREATE_SNAPSHOT } from './operations/create-snapshot.ts';
import { RESIZE_DISK } from './operations/resize-disk.ts';

/**
 * Throws `codes.releasing` while a cancelled snapshot is cleared away (it has no row any more, but diskd may still hold its
 * view), and `codes.resizing` while diskd does not have the disk's new size yet.
 */
export async function assertIdle(
  transaction: Queries,
  diskId: string,
  { releasing, resizing = 'IncorrectDiskStatus' }: { releasing: string; resizing?: string },
): Promise<void> {
  if ((await findOperation(transaction, CREATE_SNAPSHOT, diskId)) !== undefined) {
    throw new RequestError(
      releasing,
      `A deleted snapshot of the disk ${diskId} is just being cleared away: try again at once.`,
    );
  }
  if ((await findOperation(transaction, RESIZE_DISK, diskId)) !== undefined) {
    throw new RequestError(resizing, `The disk ${diskId} is just being resized: try again at once.`);
  }
}
