/**
 * How a snapshot goes, whoever wants that: what is written in the transaction of the request, and what is done when that has
 * committed.
 */
import { isDiskSource } from '../catalog/disks.ts';
import { findOperation, markUndoing } from '../catalog/operations.ts';
import type { StoredOperation } from '../catalog/operations.ts';
import type { Queries, SnapshotRow } from '../catalog/schema.ts';
import { deleteSnapshot as deleteSnapshotRow, isImageSource } from '../catalog/snapshots.ts';
import { deleteEmptyGroups } from '../catalog/snapshot-groups.ts';
import { deleteTags } from '../catalog/tags.ts';
import { refuseDeleteSnapshot } from '../ecs/states.ts';
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import { COPY_SNAPSHOT } from './operations/copy-snapshot.ts';
import { CREATE_SNAPSHOT, viewOf } from './operations/create-snapshot.ts';
import { DELETE_SNAPSHOT } from './operations/delete-snapshot.ts';
import type { Parts } from './parts.ts';
import { isRecyclable, recycleSnapshot } from './recycle.ts';
import { assertAllowed, snapshotFacts } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { releaseLock } from './snapshot-locks.ts';
import { isStoodOn } from './view-bases.ts';
import { waitSoon } from './wait-soon.ts';

export interface SnapshotDeletion {
  /** Of the operation that stored it and is undone now, or null. */
  cancelledId: string | null;
  /** Deletes what is stored of it; null where nothing is. */
  operation: StoredOperation | null;
  /** Disks stand on it: it is stored first, and nobody waits for that (D7). */
  isStoredFirst: boolean;
  /** It is in the recycle bin, with all that is stored of it. */
  isRecycled: boolean;
}

const NOTHING: SnapshotDeletion = { cancelledId: null, operation: null, isStoredFirst: false, isRecycled: false };

/**
 * Removes the row; what was finished goes into the recycle bin, unless `skipsBin`. Throws, with nothing written, while an image
 * or a lock holds it, or a disk without `force`.
 */
export async function recordDeletion(
  { parts, runner, transaction }: { parts: Parts; runner: OperationRunner; transaction: Queries },
  row: SnapshotRow,
  { force, skipsBin }: { force: boolean; skipsBin: boolean },
): Promise<SnapshotDeletion> {
  const { snapshot_id: snapshotId, status } = row;
  const imageMadeFromIt = await isImageSource(transaction, snapshotId);
  const diskMadeFromIt = await isDiskSource(transaction, snapshotId);
  assertAllowed(refuseDeleteSnapshot(snapshotFacts(row), { imageMadeFromIt, diskMadeFromIt, force }));
  await releaseLock(parts, transaction, snapshotId);
  const isRecycled = !skipsBin && isRecyclable(parts, row);
  if (isRecycled) await recycleSnapshot(parts, transaction, row);
  await deleteTags(transaction, snapshotId);
  await deleteSnapshotRow(transaction, snapshotId);
  if (row.snapshot_group_id !== null) await deleteEmptyGroups(transaction, row.snapshot_group_id);
  if (isRecycled || status === 'failed') return { ...NOTHING, isRecycled };
  const view = viewOf({ diskId: row.source_disk_id, snapshotId });
  const isStoredFirst = status === 'progressing' && (await isStoodOn(transaction, view));
  if (status === 'progressing' && !isStoredFirst) {
    return { ...NOTHING, cancelledId: await cancel(transaction, row) };
  }
  const operation = await runner.record(transaction, DELETE_SNAPSHOT, snapshotId, { snapshotId });
  return { ...NOTHING, operation, isStoredFirst };
}

/** As by force, and for good unless told otherwise. Null, with nothing written, while an image or a lock holds it. */
export async function dropIfFree(
  given: { parts: Parts; runner: OperationRunner; transaction: Queries },
  row: SnapshotRow,
  { skipsBin = true }: { skipsBin?: boolean } = {},
): Promise<SnapshotDeletion | null> {
  try {
    return await recordDeletion(given, row, { force: true, skipsBin });
  } catch (error) {
    if (error instanceof RequestError) return null;
    throw error;
  }
}

async function cancel(transaction: Queries, row: SnapshotRow): Promise<string> {
  const { snapshot_id: snapshotId, source_snapshot_id: copiedId } = row;
  const kind = copiedId === null ? CREATE_SNAPSHOT : COPY_SNAPSHOT;
  const operation = await findOperation(transaction, kind, snapshotId);
  assert(operation !== undefined, `${snapshotId} is progressing and nobody works on it`);
  await markUndoing(transaction, operation.operationId, 'it was deleted');
  return operation.operationId;
}

/** Answers when its bytes are gone, or soon. */
export async function performDeletion(
  parts: Parts,
  runner: OperationRunner,
  { cancelledId, operation, isStoredFirst, isRecycled }: SnapshotDeletion,
): Promise<void> {
  if (isRecycled) parts.onStored?.();
  if (cancelledId !== null) await waitSoon(parts.clock, runner.interrupt(cancelledId));
  if (operation === null) return;
  const run = runner.start(operation);
  if (!isStoredFirst) await waitSoon(parts.clock, run.done());
}
