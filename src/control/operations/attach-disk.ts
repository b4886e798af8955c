/**
 * AttachDisk to a running instance, after the request has written the row as `Attaching`. (Attached to a stopped one, a
 * disk is `In_use` at once and nothing remains to be done.)
 *
 * The instance's driver gives it the disk, and the row becomes `In_use`. Undone, the driver takes it away again and the
 * row is `Available`: as a system disk if it was one, unless its instance was deleted meanwhile.
 */
import { findDisk, updateDisk } from '../../catalog/disks.ts';
import type { DiskType } from '../../ecs/resources.ts';
import { OperationalError } from '../../lib/errors.ts';
import { attachedDiskOf } from '../disk-folder.ts';
import type { OperationKind } from '../operation-kind.ts';
import type { AttachedDisk, Parts } from '../parts.ts';

export const ATTACH_DISK = 'attach-disk';

export interface AttachDiskState {
  diskId: string;
  /** `system`: a detached system disk that becomes a data disk. */
  typeBefore?: DiskType;
}

export function attachDiskOperation(parts: Parts): OperationKind<AttachDiskState> {
  return {
    kind: ATTACH_DISK,
    steps: [
      {
        name: 'attach',
        run: async (state) => parts.driver.attach(await diskOf(parts, state)),
        record: (transaction, { diskId }) => updateDisk(transaction, diskId, { status: 'In_use', ever_attached: 1 }),
        undo: async (state) => parts.driver.undoStart([await diskOf(parts, state)]),
      },
    ],
    abandon: async (transaction, { state }) => {
      const { diskId, typeBefore } = state;
      const detached = { status: 'Available', instance_id: null, device: null, attached_at_ms: null } as const;
      const home = (await findDisk(transaction, diskId))?.home_instance_id ?? null;
      const type = typeBefore === 'system' && home !== null ? { type: typeBefore } : {};
      await updateDisk(transaction, diskId, { ...detached, ...type, delete_with_instance: 0 });
    },
  };
}

async function diskOf(parts: Parts, { diskId }: AttachDiskState): Promise<AttachedDisk> {
  const row = await findDisk(parts.catalog.queries, diskId);
  if (row === undefined) throw new OperationalError(`${diskId} is not in the catalog`, { retryable: false });
  return attachedDiskOf(row);
}
