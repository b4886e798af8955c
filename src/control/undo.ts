/**
 * Undoing rollbacks: what ResetDisk or ReInitDisk replaces is kept for a while as a snapshot of the disk, in a list of its own and
 * outside every quota. To bring it back is to roll back to it, which keeps in turn what that replaces.
 *
 * The disk is frozen before it is rolled back, and the snapshot is stored afterwards. It is a courtesy, and gives way: where there is
 * no room for it, or where the disk cannot be frozen (it is damaged), the rollback goes on without; when room is short the
 * oldest go; who removes the disk removes it too (`undo-of-disks.ts`); and nobody is refused anything, or waits, because it is being
 * stored. Of one disk so few are stored at once that ten other snapshots may be in the making: one more rollback cancels the latest
 * of them, never the oldest, which holds what was there before all the rollbacks.
 */
import {
  insertSnapshot,
  deleteSnapshot,
  findSnapshot,
  listUndoSnapshots,
  updateSnapshot,
} from '../catalog/snapshots.ts';
import type { DiskRow, Queries } from '../catalog/schema.ts';
import { VIEW_LIMIT, isViewBase } from '../disk/protocol.ts';
import type { FreezeReply } from '../disk/protocol.ts';
import { newId } from '../ecs/ids.ts';
import { CONCURRENT_SNAPSHOT_QUOTA } from '../ecs/states.ts';
import { CorruptionError, OperationalError, RequestError, isRetryable, messageOf } from '../lib/errors.ts';
import { unconditionally } from './change.ts';
import { baseOf } from './disk-folder.ts';
import { askToFreeze } from './freeze.ts';
import { CREATE_SNAPSHOT, ignoreLostDisk, show, viewOf } from './operations/create-snapshot.ts';
import type { CreateSnapshotState } from './operations/create-snapshot.ts';
import type { Parts } from './parts.ts';
import type { OperationRunner } from './runner.ts';
import { listUndoOperations } from './snapshot-operations.ts';
import { deleteSnapshot as deleteSnapshotByRequest, hiddenRow } from './snapshots.ts';
import { dropIfFree } from './snapshot-deletion.ts';
import { endCancelledUndo } from './undo-of-disks.ts';
import { isStoodOn } from './view-bases.ts';

/** Of the snapshot that keeps what a rollback replaces: what its operation begins with. */
export type UndoState = CreateSnapshotState;

/** A hidden row for it; null where nothing is kept. `to` is what the disk is rolled back to, for people. */
export async function planUndo(
  { parts, runner, transaction }: { parts: Parts; runner: OperationRunner; transaction: Queries },
  disk: DiskRow,
  to: { text: string; snapshotId: string | null },
): Promise<UndoState | null> {
  const { disk_id: diskId } = disk;
  if (parts.undoMs === 0 || disk.ever_attached === 0) return null;
  try {
    await parts.space.assertRoom('QuotaExceed.Snapshot', 'a snapshot');
    await makePlace({ parts, runner, transaction }, diskId, to.snapshotId);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    tellNotKept(parts, diskId, error);
    return null;
  }
  const nowMs = parts.clock.nowMs();
  const snapshotId = newId('s-', parts.region.regionId, parts.random);
  const told = {
    snapshotName: 'before-rollback',
    description: `What the disk held before it was rolled back to ${to.text}`,
  };
  const row = hiddenRow(
    snapshotId,
    disk,
    { ...told, retentionDays: null, resourceGroupId: disk.resource_group_id },
    nowMs,
  );
  await insertSnapshot(transaction, { ...row, undo_until_ms: nowMs + parts.undoMs });
  const base = baseOf(disk);
  return { diskId, snapshotId, isUndo: true, token: null, standsOn: isViewBase(base) ? base : null };
}

/** Cancels one that is being stored, where as many are as may be. Throws a RequestError where none can be. */
async function makePlace(
  { parts, runner, transaction }: { parts: Parts; runner: OperationRunner; transaction: Queries },
  diskId: string,
  neededId: string | null,
): Promise<void> {
  const operations = (await listUndoOperations(transaction, diskId)).filter(({ undoing }) => !undoing);
  if (operations.length < VIEW_LIMIT - CONCURRENT_SNAPSHOT_QUOTA) return;
  for (const { subjectId } of operations.slice(1).reverse()) {
    const row = subjectId === neededId ? undefined : await findSnapshot(transaction, subjectId);
    if (row?.status !== 'progressing') continue;
    if (await isStoodOn(transaction, viewOf({ diskId, snapshotId: subjectId }))) continue;
    if ((await dropIfFree({ parts, runner, transaction }, row)) === null) continue;
    parts.log.info(
      `${subjectId}, which kept what ${diskId} held before a rollback, gives way to what the next one replaces`,
    );
    return;
  }
  throw new RequestError(
    'QuotaExceed.ConcurrentSnapshotQuota',
    `${operations.length} that are needed are still being stored`,
  );
}

function tellNotKept({ log }: Parts, diskId: string, error: unknown): void {
  log.warn(`what ${diskId} holds is not kept while it is rolled back: ${messageOf(error)}`);
}

/** Durably; null when it cannot be, and then no later freeze of it happens either. */
export async function freezeForUndo(
  parts: Parts,
  runner: OperationRunner,
  { diskId, snapshotId }: UndoState,
  signal: AbortSignal,
): Promise<FreezeReply | null> {
  const names = { diskId, snapshotId };
  await endCancelledUndo(parts, runner, diskId, signal);
  try {
    const frozen = await askToFreeze(parts, 'freeze', names, `the disk ${diskId}`);
    await parts.dataPlane.call('awaitDurable', names);
    return frozen;
  } catch (error) {
    const isFinal = error instanceof RequestError || error instanceof CorruptionError;
    if (!isFinal && !(error instanceof OperationalError && !isRetryable(error))) throw error;
    tellNotKept(parts, diskId, error);
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
      const untilMs = parts.lockClock.isSettled ? parts.clock.nowMs() : 0;
      for (const snapshotId of await listUndoSnapshots(parts.catalog.queries, untilMs)) {
        if (await deleteOne(parts, runner, snapshotId)) continue;
        await parts.catalog.transaction((transaction) =>
          updateSnapshot(transaction, snapshotId, { undo_until_ms: null }),
        );
      }
    } catch (error) {
      if (signal.aborted) return;
      parts.log.warn(`snapshots that keep what rollbacks replaced could not be deleted: ${messageOf(error)}`);
    }
    await parts.clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
  }
}

/** For want of room, which `facts` tells. False when there is none that can go. */
export async function deleteOldestUndo(parts: Parts, runner: OperationRunner, facts: string): Promise<boolean> {
  for (const snapshotId of await listUndoSnapshots(parts.catalog.queries, Number.MAX_SAFE_INTEGER)) {
    const row = await findSnapshot(parts.catalog.queries, snapshotId);
    if (row === undefined || !(await deleteOne(parts, runner, snapshotId))) continue;
    const { source_disk_id: diskId } = row;
    parts.log.warn(
      `room is short (${facts}): ${snapshotId}, which kept what ${diskId} held before a rollback, is dropped`,
    );
    return true;
  }
  return false;
}

/** False when an image or a lock holds it. */
async function deleteOne(parts: Parts, runner: OperationRunner, snapshotId: string): Promise<boolean> {
  try {
    await deleteSnapshotByRequest(parts, runner, { snapshotId, force: true }, unconditionally);
    return true;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return error.code === 'InvalidSnapshotId.NotFound';
  }
}
