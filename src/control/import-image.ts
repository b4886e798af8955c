/** ImportImage as a request: what is checked and written before anything is done. */
import type { ImageDiskRow, Queries } from '../catalog/schema.ts';
import { SYSTEM_DEVICE_NAME, findFreeDataDeviceName } from '../ecs/device-names.ts';
import { newId } from '../ecs/ids.ts';
import { refuseImportedSize } from '../ecs/image-rules.ts';
import { assert } from '../lib/assert.ts';
import { GIB } from '../lib/geometry.ts';
import { change } from './change.ts';
import { findEarlierResult, rememberResult } from './client-token.ts';
import { insertNewImage } from './images.ts';
import { IMPORT_IMAGE } from './operations/import-image.ts';
import type { ImportImageState, ImportedDisk } from './operations/import-image.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, ImportImageRequest } from './requests.ts';
import { assertAllowed } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { createTask } from './tasks.ts';

interface Imported {
  imageId: string;
  taskId: string;
}

/** Answers when it is written down; the task tells the rest. */
export async function importImage(
  parts: Parts,
  runner: OperationRunner,
  request: ImportImageRequest,
  options: ChangeOptions,
): Promise<Imported> {
  const before = await findEarlierResult<Imported>(parts.catalog.queries, options.idempotency);
  if (before !== null && !options.dryRun) return before; // whatever has become of the files
  await parts.exchange.assertConverter('ImportImageFailed');
  const disks = await planDisks(parts, request);
  const { operation, ...imported } = await change(parts, options, async (transaction) => {
    const earlier = await findEarlierResult<Imported>(transaction, options.idempotency);
    if (earlier !== null) return { ...earlier, operation: null };
    await parts.space.assertRoom('QuotaExceed.Snapshot', 'an import');
    const imageId = newId('m-', parts.region.regionId, parts.random);
    await insertImage(parts, transaction, { imageId, request, disks });
    const task = { resourceId: imageId, cancellable: true, partCount: disks.length };
    const taskId = await createTask(parts, transaction, { action: 'ImportImage', ...task });
    await rememberResult(transaction, options.idempotency, { imageId, taskId }, parts.clock.nowMs());
    const state: ImportImageState = { imageId, taskId, disks };
    return { imageId, taskId, operation: await runner.record(transaction, IMPORT_IMAGE, imageId, state) };
  });
  if (operation !== null) runner.start(operation);
  return imported;
}

/** The first is the system disk. */
async function planDisks(parts: Parts, { disks }: ImportImageRequest): Promise<ImportedDisk[]> {
  const planned: ImportedDisk[] = [];
  for (const { place, format: wanted, sizeGib: askedGib } of disks) {
    const type = planned.length === 0 ? 'system' : 'data';
    const { format, sizeBytes } = await parts.exchange.inspect(place, wanted);
    assertAllowed(refuseImportedSize({ name: place.object, type, sizeBytes, askedGib }));
    const device = type === 'system' ? SYSTEM_DEVICE_NAME : findFreeDataDeviceName(planned.map((disk) => disk.device));
    assert(device !== null, 'more disks are imported than there are names for them');
    const sizeGib = Math.max(Math.ceil(sizeBytes / GIB), askedGib ?? 0);
    planned.push({ place, format, sizeGib, device, type, diskId: newId('d-', parts.region.regionId, parts.random) });
  }
  return planned;
}

async function insertImage(
  parts: Parts,
  transaction: Queries,
  { imageId, request, disks }: { imageId: string; request: ImportImageRequest; disks: ImportedDisk[] },
): Promise<void> {
  const rows = disks.map(({ device, type, sizeGib }): ImageDiskRow => {
    return { image_id: imageId, device, type, size_gib: sizeGib, snapshot_id: null, base: null };
  });
  const whole = { ...request, imageFamily: '', imageVersion: '' };
  await insertNewImage(parts, transaction, { request: whole, imageId, source: { disks: rows, parent: undefined } });
}
