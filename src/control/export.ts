/** ExportImage and ExportSnapshot as requests: what is checked and written before anything is done. */
import { listImageDisks } from '../catalog/images.ts';
import { findOperation } from '../catalog/operations.ts';
import type { Queries } from '../catalog/schema.ts';
import { isViewBase } from '../disk/protocol.ts';
import type { BaseRef } from '../disk/protocol.ts';
import { refuseExportImage } from '../ecs/image-rules.ts';
import type { ExportFormat } from '../ecs/exchange-names.ts';
import type { TaskAction } from '../ecs/resources.ts';
import { refuseExportSnapshot } from '../ecs/states.ts';
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import { GIB } from '../lib/geometry.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { change } from './change.ts';
import { EXPORT } from './operations/export.ts';
import type { ExportState } from './operations/export.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, ExportImageRequest, ExportSnapshotRequest } from './requests.ts';
import { assertAllowed, getImage, getSnapshot, imageFacts, snapshotFacts } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { createTask } from './tasks.ts';

export async function exportImage(
  parts: Parts,
  runner: OperationRunner,
  request: ExportImageRequest,
  options: ChangeOptions,
): Promise<{ taskId: string }> {
  const { imageId, format, prefix } = request;
  if (format !== 'raw') await parts.exchange.assertConverter('ExportImageFailed');
  await parts.exchange.assertBucket(request.bucket);
  return await begin(parts, runner, options, async (transaction) => {
    const image = await getImage(transaction, imageId);
    assertAllowed(refuseExportImage(imageFacts(image)));
    await assertNotExporting(transaction, imageId, 'ImageIsExporting');
    const disks = await listImageDisks(transaction, [imageId]);
    const files = disks.map(({ type, device, base, size_gib: sizeGib }) => ({
      name: [prefix, imageId, type === 'system' ? type : device.replace('/dev/', '')].filter(Boolean).join('_'),
      tree: treeOf(base, imageId),
      sizeBytes: sizeGib * GIB,
    }));
    return { action: 'ExportImage', resourceId: imageId, bucket: request.bucket, format, files };
  });
}

/** As a raw image. */
export async function exportSnapshot(
  parts: Parts,
  runner: OperationRunner,
  { snapshotId, bucket }: ExportSnapshotRequest,
  options: ChangeOptions,
): Promise<{ taskId: string }> {
  await parts.exchange.assertBucket(bucket);
  return await begin(parts, runner, options, async (transaction) => {
    const row = await getSnapshot(transaction, snapshotId);
    assertAllowed(refuseExportSnapshot(snapshotFacts(row)));
    await assertNotExporting(transaction, snapshotId, 'OperationConflict');
    const tree = JSON.parse(row.tree ?? 'null') as TreeRef;
    const file = { name: snapshotId, tree, sizeBytes: row.source_disk_size_gib * GIB };
    return { action: 'ExportSnapshot', resourceId: snapshotId, bucket, format: 'raw', files: [file] };
  });
}

interface Planned {
  action: TaskAction;
  resourceId: string;
  bucket: string;
  format: ExportFormat;
  files: { name: string; tree: TreeRef; sizeBytes: number }[];
}

async function begin(
  parts: Parts,
  runner: OperationRunner,
  options: ChangeOptions,
  plan: (transaction: Queries) => Promise<Planned>,
): Promise<{ taskId: string }> {
  const { taskId, operation } = await change(parts, options, async (transaction) => {
    const { action, resourceId, bucket, format, files } = await plan(transaction);
    const task = { action, resourceId, cancellable: true, partCount: files.length };
    const id = await createTask(parts, transaction, task);
    const named = files.map(({ name, ...file }) => ({ ...file, format, object: `${name}_${id}.${format}` }));
    const state: ExportState = { action, taskId: id, bucket, files: named };
    return { taskId: id, operation: await runner.record(transaction, EXPORT, resourceId, state) };
  });
  runner.start(operation);
  return { taskId };
}

function treeOf(base: string | null, imageId: string): TreeRef {
  assert(base !== null, `${imageId} is exported before it is there`);
  const of = JSON.parse(base) as BaseRef;
  assert(!isViewBase(of), `${imageId} stands on a view`);
  return of.tree;
}

async function assertNotExporting(transaction: Queries, resourceId: string, code: string): Promise<void> {
  if ((await findOperation(transaction, EXPORT, resourceId)) === undefined) return;
  throw new RequestError(code, `${resourceId} is being exported already: wait for its task, or cancel it.`);
}
