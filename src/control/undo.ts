/**
 * Undoing rollbacks: what ResetDisk or ReInitDisk replaces is kept for a while as a snapshot of the disk, which is listed, counted and
 * deleted as any other. To bring it back is to roll back to it, which keeps in turn what that replaces.
 *
 * The disk is frozen before it is rolled back, and the snapshot is stored afterwards. It is a courtesy: where there is no room for
 * it, where the disk cannot be frozen (it is damaged, or has as many views as it may have), the rollback goes on without.
 */
import { insertSnapshot, deleteSnapshot, listUndoSnapshots, updateSnapshot } from '../catalog/snapshots.ts';
import type { DiskRow, Queries } from '../catalog/schema.ts';
import { isViewBase } from '../disk/protocol.ts';
import type { FreezeReply } from '../disk/protocol.ts';
import { newId } from '../ecs/ids.ts';
import { CorruptionError, OperationalError, RequestError, isRetryable, messageOf } from '../lib/errors.ts';
import { unconditionally } from './change.ts';
import { baseOf } from './disk-folder.ts';
import { askToFreeze } from './freeze.ts';
import { CREATE_SNAPSHOT, ignoreLostDisk, show } from './operations/create-snapshot.ts';
import type { CreateSnapshotState } from './operations/create-snapshot.ts';
import type { Parts } from './parts.ts';
import type { OperationRunner } from './runner.ts';
import { deleteSnapshot as deleteSnapshotByRequest, hiddenRow } from './snapshots.ts';

/** Of the snapshot that keeps what a rollback replaces: what its operation begins with. */
export type UndoState = CreateSnapshotState;

/** A hidden row for it; null where nothing is kept. `to` is what the disk is rolled back to, for people. */
export async function planUndo(
  parts: Parts,
  transaction: Queries,
  disk: DiskRow,
  to: string,
): Promise<UndoState | null> {
  if (parts.undoMs === 0 || disk.ever_attached === 0) return null;
  try {
    await parts.space.assertRoom('QuotaExceed.Snapshot', 'a snapshot');
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    parts.log.warn(`what ${disk.disk_id} holds is not kept while it is rolled back: ${error.message}`);
    return null;
  }
  const nowMs = parts.clock.nowMs();
  const snapshotId = newId('s-', parts.region.regionId, parts.random);
  const told = {
    snapshotName: 'before-rollback',
    description: `What the disk held before it was rolled back to ${to}`,
  };
  const row = hiddenRow(
    snapshotId,
    disk,
    { ...told, retentionDays: null, resourceGroupId: disk.resource_group_id },
    nowMs,
  );
  await insertSnapshot(transaction, { ...row, undo_until_ms: nowMs + parts.undoMs });
  const base = baseOf(disk);
  return { diskId: disk.disk_id, snapshotId, token: null, standsOn: isViewBase(base) ? base : null };
}

/** Durably; null when it cannot be, and then no later freeze of it happens either. */
export async function freezeForUndo(parts: Parts, { diskId, snapshotId }: UndoState): Promise<FreezeReply | null> {
  const names = { diskId, snapshotId };
  try {
    const frozen = await askToFreeze(parts, 'freeze', names, `the disk ${diskId}`);
    await parts.dataPlane.call('awaitDurable', names);
    return frozen;
  } catch (error) {
    const isFinal = error instanceof RequestError || error instanceof CorruptionError;
    if (!isFinal && !(error instanceof OperationalError && !isRetryable(error))) throw error;
    parts.log.warn(`what ${diskId} holds is not kept while it is rolled back: ${messageOf(error)}`);
    await cancelUndo(parts, { diskId, snapshotId });
    return null;
  }
}

export async function cancelUndo(
  parts: Parts,
  { diskId, snapshotId }: Pick<UndoState, 'diskId' | 'snapshotId'>,
): Promise<void> {
  await ignoreLostDisk(parts.dataPlane.call('cancelFreeze', { diskId, snapshotId }));
}

/** Shows it, and records the operation that stores it; it is usable from the first. Without a freeze it goes. */
export async function recordUndo(
  transaction: Queries,
  runner: OperationRunner,
  undo: UndoState,
  frozen: FreezeReply | null,
): Promise<void> {
  const { snapshotId } = undo;
  if (frozen === null) {
    await deleteSnapshot(transaction, snapshotId);
    return;
  }
  const state: CreateSnapshotState = { ...undo, frozen };
  await show(transaction, state);
  await updateSnapshot(transaction, snapshotId, { instant: 1 });
  await runner.record(transaction, CREATE_SNAPSHOT, snapshotId, state, 'choose');
}

const LOOK_EVERY_MS = 60_000;

/** Deletes them when their time is over. One that an image is made from, or that is locked, stays, and is a snapshot as any other from then on. */
export async function deleteOverdueUndo(parts: Parts, runner: OperationRunner, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const snapshotId of await listUndoSnapshots(parts.catalog.queries, parts.clock.nowMs())) {
        await deleteOne(parts, runner, snapshotId);
      }
    } catch (error) {
      if (signal.aborted) return;
      parts.log.warn(`snapshots that keep what rollbacks replaced could not be deleted: ${messageOf(error)}`);
    }
    await parts.clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
  }
}

async function deleteOne(parts: Parts, runner: OperationRunner, snapshotId: string): Promise<void> {
  try {
    await deleteSnapshotByRequest(parts, runner, { snapshotId, force: true }, unconditionally);
  } catch (error) {
    if (!(error instanceof RequestError) || error.code === 'InvalidSnapshotId.NotFound') throw error;
    await parts.catalog.transaction((transaction) => updateSnapshot(transaction, snapshotId, { undo_until_ms: null }));
  }
}
