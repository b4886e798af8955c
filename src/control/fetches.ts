/** `hupo disk fetch` as requests of this machine: the ECS API has none. */
import { findDisk } from '../catalog/disks.ts';
import { findOperation, markUndoing } from '../catalog/operations.ts';
import { isViewBase } from '../disk/protocol.ts';
import { RequestError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { baseOf } from './disk-folder.ts';
import { FETCH_BASE } from './operations/fetch-base.ts';
import type { FetchBaseState, FetchNotes } from './operations/fetch-base.ts';
import type { Parts } from './parts.ts';
import { getDisk } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import type { FetchReport } from './serve-calls.ts';

/** From now on all of the disk's base is fetched, also by later servers. Under way, or nothing to fetch: nothing. */
export async function startFetch(
  parts: Parts,
  runner: OperationRunner,
  notes: FetchNotes,
  diskId: string,
): Promise<void> {
  const operation = await parts.catalog.transaction(async (transaction) => {
    const row = await getDisk(transaction, diskId);
    if (row.status === 'Creating') {
      throw new RequestError('IncorrectDiskStatus', `The disk ${diskId} is being made: fetch its base afterwards.`);
    }
    const base = baseOf(row);
    if (!isViewBase(base) && base.tree.root === null) return null;
    if ((await findOperation(transaction, FETCH_BASE, diskId)) !== undefined) return null;
    const state: FetchBaseState = { diskId, incarnation: row.incarnation };
    return await runner.record(transaction, FETCH_BASE, diskId, state);
  });
  if (operation === null) return;
  notes.forget(diskId);
  runner.start(operation);
}

/** What was fetched stays. None under way: nothing. */
export async function stopFetch(parts: Parts, runner: OperationRunner, diskId: string): Promise<void> {
  const operation = await parts.catalog.transaction(async (transaction) => {
    await getDisk(transaction, diskId);
    const found = await findOperation(transaction, FETCH_BASE, diskId);
    if (found !== undefined) await markUndoing(transaction, found.operationId, 'it was told to stop');
    return found;
  });
  if (operation !== undefined) await runner.interrupt(operation.operationId);
}

export async function describeFetch(parts: Parts, notes: FetchNotes, diskId: string): Promise<FetchReport> {
  const { queries } = parts.catalog;
  const operation = await findOperation(queries, FETCH_BASE, diskId);
  const row = await findDisk(queries, diskId);
  const base = row === undefined ? null : baseOf(row);
  const { chunkCount, totalCount } = notes.progress.get(diskId) ?? { chunkCount: 0, totalCount: 0 };
  return {
    snapshotId: base?.snapshotId ?? null,
    isWhole: base !== null && !isViewBase(base) && base.tree.root === null,
    isRunning: operation !== undefined,
    doneBytes: chunkCount * CHUNK_BYTES,
    totalBytes: totalCount * CHUNK_BYTES,
    waitsFor: notes.waits.get(diskId) ?? null,
    failure: notes.failures.get(diskId) ?? null,
  };
}
