/**
 * DetachDisk from a running instance, after the request has written the row as `Detaching`. (Detached from a stopped one, a
 * disk is `Available` at once and nothing remains to be done.)
 *
 * The instance's driver takes the disk away, flushed, and the row is `Available`. When it cannot be flushed, it is given
 * back and stays `In_use`, and whoever asked is told why. When it cannot even be opened again, for it is damaged, it stays
 * closed and `In_use`, which the log tells; it can be detached then.
 */
import { findDisk, updateDisk } from '../../catalog/disks.ts';
import type { DiskRow } from '../../catalog/schema.ts';
import { OperationalError, RequestError } from '../../lib/errors.ts';
import { attachedDiskOf, markDetached } from '../disk-folder.ts';
import { toPublicReason } from '../failure-reason.ts';
import type { OperationKind } from '../operation-kind.ts';
import type { AttachedDisk, Parts } from '../parts.ts';

export const DETACH_DISK = 'detach-disk';

export interface DetachDiskState {
  diskId: string;
  /** What the row says once it is detached, and what it said before. */
  deleteWithInstance: boolean;
}

export function detachDiskOperation(parts: Parts): OperationKind<DetachDiskState> {
  return {
    kind: DETACH_DISK,
    steps: [
      {
        name: 'detach',
        run: async (state) => {
          await detach(parts, await diskOf(parts, state));
        },
        record: (transaction, state) => markDetached(transaction, state, parts.clock.nowMs()),
        undo: async (state) => parts.driver.undoStop([await diskOf(parts, state)]),
      },
    ],
    abandon: (transaction, { state }) => updateDisk(transaction, state.diskId, { status: 'In_use' }),
  };
}

/** A failed flush is told with a code that clients try again on: the disk is whole again, as of the flush before. */
async function detach(parts: Parts, disk: AttachedDisk): Promise<void> {
  try {
    await parts.driver.detach(disk);
  } catch (error) {
    if (!(error instanceof OperationalError) || error.retryable) throw error;
    const reason = toPublicReason(error.message, parts.dataFolder);
    throw new RequestError('IncorrectDiskStatus', `It stays attached, for ${reason}.`);
  }
}

async function diskOf(parts: Parts, { diskId }: DetachDiskState): Promise<AttachedDisk> {
  const row: DiskRow | undefined = await findDisk(parts.catalog.queries, diskId);
  if (row === undefined) throw new OperationalError(`${diskId} is not in the catalog`, { retryable: false });
  return attachedDiskOf(row);
}
