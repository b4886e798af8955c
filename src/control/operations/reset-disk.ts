/**
 * ResetDisk, after the request has written the row as `ReIniting`. The operation holds the new base and the incarnation that
 * the disk has afterwards, so its tree is a collector's root before the disk reads from it.
 *
 * diskd sets the base and the incarnation in one durable act; then the row takes both and its former status. A rollback
 * that cannot be done leaves the disk as it was: the row takes whatever diskd has, and its former status.
 */
import { updateDisk } from '../../catalog/disks.ts';
import type { BaseRef } from '../../disk/protocol.ts';
import type { DiskStatus } from '../../ecs/resources.ts';
import { raiseGarbageMark } from '../garbage.ts';
import { CorruptionError } from '../../lib/errors.ts';
import type { OperationKind } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';

export const RESET_DISK = 'reset-disk';

export interface ResetDiskState {
  diskId: string;
  statusBefore: DiskStatus;
  base: BaseRef;
  incarnation: number;
  /** What diskd had when the rollback was given up. */
  left?: { base: BaseRef; incarnation: number };
}

export function resetDiskOperation(parts: Parts, ended: () => void): OperationKind<ResetDiskState> {
  return {
    kind: RESET_DISK,
    ended,
    steps: [
      {
        name: 'rollback',
        run: async ({ diskId, base, incarnation }) => {
          await parts.dataPlane.call('rollback', { diskId, base, incarnation });
        },
        record: async (transaction, state) => {
          const { diskId, statusBefore, base, incarnation } = state;
          await updateDisk(transaction, diskId, { status: statusBefore, base: JSON.stringify(base), incarnation });
          await raiseGarbageMark(transaction, `${diskId}/${incarnation}`);
        },
        undo: async ({ diskId }) => {
          try {
            const { disk } = await parts.dataPlane.call('describeDisk', { diskId });
            return { left: { base: disk.base, incarnation: disk.incarnation } };
          } catch (error) {
            if (error instanceof CorruptionError) return {}; // a damaged disk is rolled back by nobody
            throw error;
          }
        },
      },
    ],
    abandon: async (transaction, { state }) => {
      const { diskId, statusBefore, left } = state;
      const kept = left === undefined ? {} : { base: JSON.stringify(left.base), incarnation: left.incarnation };
      await updateDisk(transaction, diskId, { status: statusBefore, ...kept });
    },
    treesOf: ({ base }) => [base.tree],
  };
}
