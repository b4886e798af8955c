/**
 * CreateDisk, after the request has written the row as `Creating` with its base (which is a collector's root from then on).
 *
 * diskd makes the folder, and the row becomes `Available`. Undone, the folder goes, then the row and the client token, so
 * that the same request may try again. A folder that does not go is tried again for ever: its name must not go first.
 */
import { findDisk, updateDisk } from '../../catalog/disks.ts';
import type { Queries } from '../../catalog/schema.ts';
import { OperationalError } from '../../lib/errors.ts';
import { forgetResult } from '../client-token.ts';
import type { TokenRef } from '../client-token.ts';
import { createDiskFolder, forgetDisk } from '../disk-folder.ts';
import type { OperationKind, Undone } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';

export const CREATE_DISK = 'create-disk';

export interface CreateDiskState {
  diskId: string;
  token: TokenRef | null;
}

export function createDiskOperation(parts: Parts, ended: () => void): OperationKind<CreateDiskState> {
  return {
    kind: CREATE_DISK,
    ended,
    steps: [
      {
        name: 'create',
        run: async ({ diskId }) => {
          const row = await findDisk(parts.catalog.queries, diskId);
          if (row === undefined) throw new OperationalError(`${diskId} is not in the catalog`, { retryable: false });
          await createDiskFolder(parts, row);
        },
        record: (transaction, { diskId }) => updateDisk(transaction, diskId, { status: 'Available' }),
        undo: async ({ diskId }) => {
          await parts.dataPlane.call('deleteDisk', { diskId });
        },
      },
    ],
    abandon,
  };
}

async function abandon(transaction: Queries, { state }: Undone<CreateDiskState>): Promise<void> {
  await forgetDisk(transaction, state.diskId);
  await forgetResult(transaction, state.token);
}
