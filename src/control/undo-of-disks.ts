/**
 * What is kept of a disk for undoing rollbacks, seen from what needs the disk to itself: it gives way. Whoever removes a disk
 * drops it in the transaction that removes the row, stored or not, and removes the folder, if that is not to stay in the recycle
 * bin, when nobody stores any of it more.
 */
import { findDisk } from '../catalog/disks.ts';
import { listAutomaticSnapshots } from '../catalog/policy-runs.ts';
import type { Queries } from '../catalog/schema.ts';
import { listUndoSnapshotsOf } from '../catalog/snapshots.ts';
import { removeFolders } from './disk-folder.ts';
import { DELETE_SNAPSHOT } from './operations/delete-snapshot.ts';
import type { Parts } from './parts.ts';
import type { OperationRunner } from './runner.ts';
import { dropIfFree } from './snapshot-deletion.ts';
import { listUndoOperations } from './snapshot-operations.ts';

const LOOK_AGAIN_MS = 100;

/**
 * What goes with a disk: what is kept for undoing (one that is being stored is cancelled, unless disks stand on it), and, with
 * `DeleteAutoSnapshot`, its automatic snapshots, into the recycle bin where there is one. One that an image is made from, or that
 * is locked, stays. Returns those whose deletion is recorded and not begun.
 */
export async function dropWithDisk(
  parts: Parts,
  runner: OperationRunner,
  transaction: Queries,
  diskId: string,
): Promise<string[]> {
  const given = { parts, runner, transaction };
  const droppedIds: string[] = [];
  for (const row of await listUndoSnapshotsOf(transaction, diskId)) {
    const deletion = await dropIfFree(given, row);
    if (deletion !== null && deletion.operation !== null) droppedIds.push(row.snapshot_id);
  }
  if ((await findDisk(transaction, diskId))?.delete_auto_snapshot !== 1) return droppedIds;
  for (const row of await listAutomaticSnapshots(transaction, diskId)) {
    const deletion = await dropIfFree(given, row, { skipsBin: false });
    if (deletion !== null && deletion.operation !== null) droppedIds.push(row.snapshot_id);
  }
  return droppedIds;
}

/**
 * The folders of disks whose rows are gone, with what `dropWithDisk` recorded. Again: nothing. One of them may stand on what another
 * keeps: each goes as soon as nobody stores anything of it, and `removed` then writes down which are left.
 */
export async function removeDisks(
  parts: Parts,
  runner: OperationRunner,
  { diskIds, droppedSnapshotIds = [] }: { diskIds: string[]; droppedSnapshotIds?: string[] | undefined },
  { signal, removed }: { signal: AbortSignal; removed?: (leftIds: string[]) => Promise<void> },
): Promise<void> {
  for (const snapshotId of droppedSnapshotIds) await runner.startRecorded(DELETE_SNAPSHOT, snapshotId);
  for (let leftIds = diskIds; ; await parts.clock.sleep(LOOK_AGAIN_MS, signal)) {
    const keptIds: string[] = [];
    for (const diskId of leftIds) {
      await endCancelledUndo(parts, runner, diskId, signal);
      const isStored = (await listUndoOperations(parts.catalog.queries, diskId)).length > 0;
      if (isStored) keptIds.push(diskId);
      else await removeFolders(parts, [diskId]);
    }
    if (keptIds.length === 0) return;
    if (keptIds.length < leftIds.length) await removed?.(keptIds);
    leftIds = keptIds;
  }
}

/** What `dropWithDisk` left to do of disks whose folders stay. Again: nothing. */
export async function endUndoOf(
  parts: Parts,
  runner: OperationRunner,
  {
    diskIds,
    droppedSnapshotIds = [],
  }: { diskIds: readonly string[]; droppedSnapshotIds?: readonly string[] | undefined },
): Promise<void> {
  for (const snapshotId of droppedSnapshotIds) await runner.startRecorded(DELETE_SNAPSHOT, snapshotId);
  for (const diskId of diskIds) {
    for (const { operationId, undoing } of await listUndoOperations(parts.catalog.queries, diskId)) {
      if (undoing) await runner.interrupt(operationId);
    }
  }
}

/** Resolves when what was cancelled of the disk's has let go of its view. */
export async function endCancelledUndo(
  { catalog, clock }: Parts,
  runner: OperationRunner,
  diskId: string,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const cancelled = async () => (await listUndoOperations(catalog.queries, diskId)).filter(({ undoing }) => undoing);
    for (const { operationId } of await cancelled()) await runner.interrupt(operationId);
    if ((await cancelled()).length === 0) return;
    await clock.sleep(LOOK_AGAIN_MS, signal); // of a start it may not run yet
  }
}
