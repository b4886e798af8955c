/**
 * ModifyDiskSpec. No byte moves: category and performance level decide how fast the disk may be, when its snapshots can be
 * used, and how large it may become. This operation on the disk keeps snapshots and whatever else depends on them from it.
 *
 * An open disk gets its new limits; then the row has the new kind and the task of a changed category is `Finished`, in one transaction.
 * A server that dies before that leaves the disk as it was, with perhaps the new limits for as long as the next takes to go on.
 * When the disk cannot be served with them, it gets the old ones again and the task is `Failed`.
 */
import { findDisk, updateDisk } from '../../catalog/disks.ts';
import type { DiskSpec } from '../../ecs/disk-spec-rules.ts';
import { OperationalError } from '../../lib/errors.ts';
import { attachedDiskOf } from '../disk-folder.ts';
import type { OperationKind } from '../operation-kind.ts';
import type { AttachedDisk, Parts } from '../parts.ts';
import { failTask, finishTask } from '../tasks.ts';

export const MODIFY_DISK_SPEC = 'modify-disk-spec';

export interface ModifyDiskSpecState {
  diskId: string;
  before: DiskSpec;
  target: DiskSpec;
  /** Of a changed category; a performance level changes at once. */
  taskId: string | null;
}

export function modifyDiskSpecOperation(parts: Parts): OperationKind<ModifyDiskSpecState> {
  return {
    kind: MODIFY_DISK_SPEC,
    steps: [
      {
        name: 'apply',
        run: async ({ diskId, target }) => parts.openDisks.renewLimits(await diskAs(parts, diskId, target)),
        record: async (transaction, { diskId, target, taskId }) => {
          const { category, performanceLevel } = target;
          await updateDisk(transaction, diskId, { category, performance_level: performanceLevel });
          if (taskId !== null) await finishTask(parts, transaction, taskId, [{ DiskCategory: category }]);
        },
        undo: async ({ diskId, before }) => {
          const disk = await diskAs(parts, diskId, before);
          await parts.driver.undoStop(parts.openDisks.uriOf(diskId) === null ? [] : [disk]);
        },
      },
    ],
    abandon: async (transaction, { state: { taskId }, reason }) => {
      if (taskId !== null) await failTask(parts, transaction, taskId, { code: 'OperationDenied', reason });
    },
  };
}

async function diskAs({ catalog }: Parts, diskId: string, spec: DiskSpec): Promise<AttachedDisk> {
  const row = await findDisk(catalog.queries, diskId);
  if (row === undefined) throw new OperationalError(`${diskId} is not in the catalog`, { retryable: false });
  const disk = attachedDiskOf(row);
  return { ...disk, kind: { ...disk.kind, ...spec } };
}
