/**
 * ResizeDisk, after the request has written the new size into the row: it is shown at once, and this operation on the disk
 * keeps everything else from it that depends on its size.
 *
 * diskd follows: the disk has the old size or the new one, durably. When diskd cannot, the row takes the size that diskd
 * has, the client token is forgotten, and whoever asked is told why. After a failed sync a disk that clients have open
 * cannot say which it is: the operation waits until it was closed, which stopping the instance or detaching it does.
 */
import { findDisk, updateDisk } from '../../catalog/disks.ts';
import type { Queries } from '../../catalog/schema.ts';
import { GIB } from '../../lib/geometry.ts';
import { forgetResult } from '../client-token.ts';
import type { TokenRef } from '../client-token.ts';
import { attachedDiskOf } from '../disk-folder.ts';
import { findDiskState } from '../disk-state.ts';
import type { OperationKind, Undone } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';

export const RESIZE_DISK = 'resize-disk';

export interface ResizeDiskState {
  diskId: string;
  sizeGib: number;
  sizeGibBefore: number;
  token: TokenRef | null;
  /** What diskd had when it was given up. */
  sizeGibLeft?: number;
}

export function resizeDiskOperation(parts: Parts): OperationKind<ResizeDiskState> {
  return {
    kind: RESIZE_DISK,
    steps: [
      {
        name: 'resize',
        run: async ({ diskId, sizeGib }) => {
          await parts.dataPlane.call('resizeDisk', { diskId, sizeBytes: sizeGib * GIB });
          const row = await findDisk(parts.catalog.queries, diskId);
          if (row !== undefined) await parts.openDisks.renewLimits(attachedDiskOf(row));
        },
        undo: ({ diskId }) => findSizeLeft(parts, diskId),
      },
    ],
    abandon,
  };
}

async function findSizeLeft(parts: Parts, diskId: string): Promise<{ sizeGibLeft?: number }> {
  const disk = await findDiskState(parts, diskId);
  return disk === null ? {} : { sizeGibLeft: disk.sizeBytes / GIB };
}

async function abandon(transaction: Queries, { state }: Undone<ResizeDiskState>): Promise<void> {
  const { diskId, sizeGib, sizeGibBefore, sizeGibLeft = sizeGibBefore, token } = state;
  await updateDisk(transaction, diskId, { size_gib: sizeGibLeft });
  if (sizeGibLeft !== sizeGib) await forgetResult(transaction, token);
}
