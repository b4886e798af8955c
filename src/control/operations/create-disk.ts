/**
 * CreateDisk, after the request has written the row as `Creating` with its base (which is a collector's root from then on).
 *
 * diskd makes the folder, and the row becomes `Available`; one that is paid with its instance has its place there from the
 * request on (nothing is begun with the instance while a disk of it is `Creating` or `Attaching`), and becomes `In_use`: of a
 * running one after its driver gave it the disk. Undone, the folder goes, then the row and the client token, so
 * that the same request may try again. A folder that does not go is tried again for ever: its name must not go first.
 */
import { findDisk, updateDisk } from '../../catalog/disks.ts';
import { findInstance } from '../../catalog/instances.ts';
import type { Queries } from '../../catalog/schema.ts';
import { OperationalError } from '../../lib/errors.ts';
import { forgetResult } from '../client-token.ts';
import type { TokenRef } from '../client-token.ts';
import { attachedDiskOf, createDiskFolder, forgetDisk } from '../disk-folder.ts';
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
        record: (transaction, { diskId }) => markMade(transaction, diskId),
        undo: async ({ diskId }) => {
          await parts.dataPlane.call('deleteDisk', { diskId });
        },
      },
      {
        name: 'attach',
        run: async ({ diskId }) => {
          const row = await findDisk(parts.catalog.queries, diskId);
          if (row?.status === 'Attaching') await parts.driver.attach(attachedDiskOf(row));
        },
        record: async (transaction, { diskId }) => {
          const row = await findDisk(transaction, diskId);
          if (row?.status !== 'Attaching') return;
          await updateDisk(transaction, diskId, { status: 'In_use', ever_attached: 1 });
        },
        undo: async ({ diskId }) => {
          const row = await findDisk(parts.catalog.queries, diskId);
          if (row?.status === 'Attaching') await parts.driver.undoStart([attachedDiskOf(row)]);
        },
      },
    ],
    abandon,
  };
}

async function markMade(transaction: Queries, diskId: string): Promise<void> {
  const instanceId = (await findDisk(transaction, diskId))?.instance_id ?? null;
  const instance = instanceId === null ? undefined : await findInstance(transaction, instanceId);
  const status = instance === undefined ? 'Available' : instance.status === 'Running' ? 'Attaching' : 'In_use';
  await updateDisk(transaction, diskId, { status });
}

async function abandon(transaction: Queries, { state }: Undone<CreateDiskState>): Promise<void> {
  await forgetDisk(transaction, state.diskId);
  await forgetResult(transaction, state.token);
}
