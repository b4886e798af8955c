/**
 * ResetDisk and ReInitDisk, after the request has written the row as `ReIniting`. The operation holds the new base and the
 * incarnation that the disk has afterwards, so its tree is a collector's root before the disk reads from it.
 *
 * First what is replaced is kept as a snapshot of the disk (`undo.ts`), unless that is not wanted, or cannot be.
 *
 * diskd sets the base and the incarnation in one durable act; then the row takes both. Rolled back to a frozen view of its own,
 * a disk has that view's base: diskd tells it, and the operation names it from the first, so that it stays (C12). ReInitDisk may ask that the instance
 * is started then: it is `Starting` from the same transaction on. Last, the row takes its former status. A rollback that
 * cannot be done leaves the disk as it was: the row takes whatever diskd has (nothing is known of a damaged one), and its
 * former status.
 */
import { listDisksOfInstance, updateDisk } from '../../catalog/disks.ts';
import { deleteSnapshot } from '../../catalog/snapshots.ts';
import { findInstance, updateInstance } from '../../catalog/instances.ts';
import type { Queries } from '../../catalog/schema.ts';
import type { BaseRef, FreezeReply } from '../../disk/protocol.ts';
import type { DiskStatus } from '../../ecs/resources.ts';
import { assert } from '../../lib/assert.ts';
import { formatBase, treesOfBase } from '../disk-folder.ts';
import { findDiskState } from '../disk-state.ts';
import { raiseGarbageMark } from '../garbage.ts';
import { markRunning, runningInstance } from '../instance-rows.ts';
import type { OperationKind, Undone } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';
import type { OperationRunner } from '../runner.ts';
import { cancelUndo, freezeForUndo, recordUndo } from '../undo.ts';
import type { UndoState } from '../undo.ts';
import { CREATE_SNAPSHOT } from './create-snapshot.ts';

export const RESET_DISK = 'reset-disk';

export interface ResetDiskState {
  diskId: string;
  statusBefore: DiskStatus;
  base: BaseRef;
  /** Of a frozen view that it is rolled back to: what that stands on. */
  under?: BaseRef | null;
  /** What diskd has as the disk's base after it. */
  reached?: BaseRef;
  incarnation: number;
  /** The snapshot that keeps what is replaced; null: none does. */
  undo?: UndoState | null;
  /** How it was frozen; null: it could not be. */
  kept?: FreezeReply | null;
  /** The instance to start afterwards. */
  startInstanceId?: string;
  /** The instance that is being started. */
  startingInstanceId?: string | null;
  /** What diskd had when the rollback was given up. */
  left?: { base: BaseRef; incarnation: number };
}

export function resetDiskOperation(
  parts: Parts,
  runner: () => OperationRunner,
  ended: () => void,
): OperationKind<ResetDiskState> {
  const { queries } = parts.catalog;
  return {
    kind: RESET_DISK,
    ended,
    steps: [
      {
        name: 'keep',
        run: async ({ undo = null }, { signal }) => ({
          kept: undo === null ? null : await freezeForUndo(parts, runner(), undo, signal),
        }),
        record: async (transaction, { undo = null, kept = null }) => {
          if (undo !== null) await recordUndo(transaction, runner(), undo, kept);
        },
        // Once it is recorded it is a snapshot as any other.
        undo: async ({ undo = null, kept }) => {
          if (undo !== null && kept === undefined) await cancelUndo(parts, undo);
        },
      },
      {
        name: 'store',
        run: async ({ undo = null, kept = null }) => {
          if (undo !== null && kept !== null) await runner().startRecorded(CREATE_SNAPSHOT, undo.snapshotId);
        },
      },
      {
        name: 'rollback',
        run: async ({ diskId, base, incarnation }) => {
          return { reached: (await parts.dataPlane.call('rollback', { diskId, base, incarnation })).disk.base };
        },
        record: recordRollback,
        undo: ({ diskId }) => findLeft(parts, diskId),
      },
      {
        name: 'start',
        run: async ({ startingInstanceId }) => {
          if (startingInstanceId) await parts.driver.start(await runningInstance(queries, startingInstanceId));
        },
        record: async (transaction, { diskId, statusBefore, startingInstanceId }) => {
          await updateDisk(transaction, diskId, { status: statusBefore });
          if (startingInstanceId) await markRunning(transaction, startingInstanceId, parts.clock.nowMs());
        },
        undo: async ({ startingInstanceId }) => {
          if (!startingInstanceId) return;
          await parts.driver.undoStart((await runningInstance(queries, startingInstanceId)).disks);
        },
      },
    ],
    abandon,
    treesOf: ({ base, under, reached }) => [base, under, reached].flatMap(treesOfBase),
  };
}

async function recordRollback(transaction: Queries, state: ResetDiskState): Promise<Partial<ResetDiskState>> {
  const { diskId, reached, incarnation, startInstanceId } = state;
  assert(reached !== undefined, `${diskId} is rolled back to nothing`);
  await updateDisk(transaction, diskId, { base: formatBase(reached), incarnation });
  await raiseGarbageMark(transaction);
  if (startInstanceId === undefined || !(await isReadyToStart(transaction, startInstanceId, diskId))) return {};
  await updateInstance(transaction, startInstanceId, { status: 'Starting' });
  return { startingInstanceId: startInstanceId };
}

/** Whoever changes another of its disks just now leaves it stopped. */
async function isReadyToStart(transaction: Queries, instanceId: string, diskId: string): Promise<boolean> {
  const disks = await listDisksOfInstance(transaction, instanceId);
  const others = disks.filter((disk) => disk.disk_id !== diskId);
  const instance = await findInstance(transaction, instanceId);
  const hasSystemDisk = disks.some(({ type }) => type === 'system');
  return instance?.status === 'Stopped' && hasSystemDisk && others.every(({ status }) => status === 'In_use');
}

async function findLeft(parts: Parts, diskId: string): Promise<Partial<ResetDiskState>> {
  const disk = await findDiskState(parts, diskId);
  return disk === null ? {} : { left: { base: disk.base, incarnation: disk.incarnation } };
}

async function abandon(transaction: Queries, { state, step }: Undone<ResetDiskState>): Promise<void> {
  const { diskId, statusBefore, startingInstanceId, left, undo = null } = state;
  if (step === 'keep' && undo !== null) await deleteSnapshot(transaction, undo.snapshotId);
  const kept = left === undefined ? {} : { base: formatBase(left.base), incarnation: left.incarnation };
  await updateDisk(transaction, diskId, { status: statusBefore, ...kept });
  await raiseGarbageMark(transaction);
  if (startingInstanceId) await updateInstance(transaction, startingInstanceId, { status: 'Stopped' });
}
