/**
 * DeleteDisk, after the request has removed the row: from then on nothing can open the disk, and what only its base kept is
 * garbage. What was kept of it for undoing rollbacks went in the same transaction.
 *
 * diskd removes the folder with all its bytes. It is never given up, for the name is gone already.
 *
 * | died after                  | durable state                                                            | the next server                      |
 * | --------------------------- | ------------------------------------------------------------------------ | ------------------------------------ |
 * | record                      | rows gone; what stored one of them is undoing, what is stored has a DeleteSnapshot | ends the former, then removes the folder |
 * | what stored one has ended   | its view and manifest gone                                               | removes the folder                   |
 * | the folder                  | likewise                                                                 | removes it again (absent: nothing)   |
 *
 * Where disks stand on what was kept, it is stored first (D7), and the folder stays until then.
 */
import type { BaseRef } from '../../disk/protocol.ts';
import type { OperationKind } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';
import type { OperationRunner } from '../runner.ts';
import { removeDisks } from '../undo-of-disks.ts';

export const DELETE_DISK = 'delete-disk';

export interface DeleteDiskState {
  diskId: string;
  /** What it stood on: a view is not released before its folder is gone (C12). Absent in operations of earlier servers. */
  base?: BaseRef;
  /** What was kept of it for undoing rollbacks. */
  droppedSnapshotIds?: string[];
}

export function deleteDiskOperation(
  parts: Parts,
  runner: () => OperationRunner,
  ended: () => void,
): OperationKind<DeleteDiskState> {
  return {
    kind: DELETE_DISK,
    ended,
    steps: [
      {
        name: 'remove',
        run: ({ diskId, droppedSnapshotIds }, { signal }) =>
          removeDisks(parts, runner(), { diskIds: [diskId], droppedSnapshotIds }, { signal }),
      },
    ],
  };
}
