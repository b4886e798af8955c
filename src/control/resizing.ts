/** A disk whose new size diskd does not have yet: its status does not show it, the operation in the catalog does (C3). */
import { findOperation } from '../catalog/operations.ts';
import type { Queries } from '../catalog/schema.ts';
import { RequestError } from '../lib/errors.ts';
import { RESIZE_DISK } from './operations/resize-disk.ts';

/** Throws `code` while the disk is being resized. */
export async function assertNotResizing(
  transaction: Queries,
  diskId: string,
  code = 'IncorrectDiskStatus',
): Promise<void> {
  if ((await findOperation(transaction, RESIZE_DISK, diskId)) === undefined) return;
  throw new RequestError(code, `The disk ${diskId} is just being resized: try again at once.`);
}
