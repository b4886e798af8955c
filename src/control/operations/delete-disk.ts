/**
 * DeleteDisk, after the request has removed the row: from then on nothing can open the disk, and what only its base kept is
 * garbage.
 *
 * diskd removes the folder with all its bytes. It is never given up, for the name is gone already.
 */
import type { BaseRef } from '../../disk/protocol.ts';
import type { OperationKind } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';

export const DELETE_DISK = 'delete-disk';

export interface DeleteDiskState {
  diskId: string;
  /** What it stood on: a view is not released before its folder is gone (C12). Absent in operations of earlier servers. */
  base?: BaseRef;
}

export function deleteDiskOperation(parts: Parts, ended: () => void): OperationKind<DeleteDiskState> {
  return {
    kind: DELETE_DISK,
    ended,
    steps: [
      {
        name: 'remove',
        run: async ({ diskId }) => {
          await parts.dataPlane.call('deleteDisk', { diskId });
        },
      },
    ],
  };
}
