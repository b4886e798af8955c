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
}

/** Removes the row. Throws, with nothing written, while an image or a lock holds it, or a disk without `force`. */
export async function recordDeletion(
  { parts, runner, transaction }: { parts: Parts; runner: OperationRunner; transaction: Queries },
  row: SnapshotRow,
  force: boolean,
): Promise<SnapshotDeletion> {
  const { snapshot_id: snapshotId, status } = row;
  const imageMadeFromIt = await isImageSource(transaction, snapshotId);
  const diskMadeFromIt = await isDiskSource(transaction, snapshotId);
  assertAllowed(refuseDeleteSnapshot(snapshotFacts(row), { imageMadeFromIt, diskMadeFromIt, force }));
  await releaseLock(parts, transaction, snapshotId);
  await deleteTags(transaction, snapshotId);
  await deleteSnapshotRow(transaction, snapshotId);
  if (row.snapshot_group_id !== null) await deleteEmptyGroups(transaction, row.snapshot_group_id);
  if (status === 'failed') return { cancelledId: null, operation: null, isStoredFirst: false };
  const view = viewOf({ diskId: row.source_disk_id, snapshotId });
  const isStoredFirst = status === 'progressing' && (await isStoodOn(transaction, view));
  if (status === 'progressing' && !isStoredFirst) {
    return { cancelledId: await cancel(transaction, row), operation: null, isStoredFirst };
  }
  const operation = await runner.record(transaction, DELETE_SNAPSHOT, snapshotId, { snapshotId });
  return { cancelledId: null, operation, isStoredFirst };
}

/** As by force. Null, with nothing written, while an image or a lock holds it. */
export async function dropIfFree(
  given: { parts: Parts; runner: OperationRunner; transaction: Queries },
  row: SnapshotRow,
): Promise<SnapshotDeletion | null> {
  try {
    return await recordDeletion(given, row, true);
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
  { cancelledId, operation, isStoredFirst }: SnapshotDeletion,
): Promise<void> {
  if (cancelledId !== null) await waitSoon(parts.clock, runner.interrupt(cancelledId));
  if (operation === null) return;
  const run = runner.start(operation);
  if (!isStoredFirst) await waitSoon(parts.clock, run.done());
}
