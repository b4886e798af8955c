/** `hupo disk import` as requests: a disk that a local importer fills over NBD (no ECS action does this). */
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import { change } from './change.ts';
import { insertNewDisk } from './disks.ts';
import { IMPORT_DISK } from './operations/import-disk.ts';
import type { ImportCompletions } from './operations/import-disk.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, CreateDiskRequest } from './requests.ts';
import { getDisk } from './rows.ts';
import type { OperationRunner } from './runner.ts';

/** Answers when the disk is served. */
export async function beginImport(
  parts: Parts,
  runner: OperationRunner,
  request: CreateDiskRequest,
  options: ChangeOptions,
): Promise<{ diskId: string; nbdUri: string }> {
  if (request.snapshotId !== null) {
    throw new RequestError('InvalidParameter.Conflict', 'An imported disk begins empty: leave SnapshotId out.');
  }
  const { diskId, operation } = await change(parts, options, async (transaction) => {
    await parts.space.assertRoom('QuotaExceed.DiskCapacity', 'an import');
    const row = await insertNewDisk(parts, transaction, request);
    const recorded = await runner.record(transaction, IMPORT_DISK, row.disk_id, { diskId: row.disk_id });
    return { diskId: row.disk_id, operation: recorded };
  });
  await runner.start(operation).past('open');
  const nbdUri = parts.openDisks.uriOf(diskId);
  assert(nbdUri !== null, `${diskId} is open and nowhere served`);
  return { diskId, nbdUri };
}

/** Answers when the disk is flushed, closed and `Available`. */
export async function completeImport(
  parts: Parts,
  runner: OperationRunner,
  completions: ImportCompletions,
  diskId: string,
): Promise<void> {
  const disk = await getDisk(parts.catalog.queries, diskId);
  const run = runner.find(IMPORT_DISK, diskId);
  if (run === undefined) {
    throw new RequestError('IncorrectDiskStatus', `The disk ${diskId} is ${disk.status}; it is not being imported.`);
  }
  completions.complete(diskId);
  await run.done();
}
