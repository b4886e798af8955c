/**
 * CopySnapshot, CopyImage and CancelCopyImage as requests. The source is read in its region, and the copy is written in the
 * destination's catalog; from then on that region's operations do the work. No transaction spans the two: what a source lacks
 * by the time it is read makes the copy `failed` (`operations/copy-snapshot.ts`).
 */
import { deleteImage as deleteImageRow, listImageDisks } from '../catalog/images.ts';
import { findOperation, listOperationsOfKind, markUndoing } from '../catalog/operations.ts';
import type { StoredOperation } from '../catalog/operations.ts';
import type { ImageDiskRow, Queries, SnapshotRow } from '../catalog/schema.ts';
import { findSnapshot, insertSnapshot } from '../catalog/snapshots.ts';
import { deleteTags, insertTags } from '../catalog/tags.ts';
import { refuseCopySnapshot } from '../ecs/copy-rules.ts';
import { newId } from '../ecs/ids.ts';
import { refuseCancelCopyImage, refuseCopyImage } from '../ecs/image-rules.ts';
import type { Tag } from '../ecs/resources.ts';
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { assertInCredit } from './account-lock.ts';
import { change } from './change.ts';
import { findEarlierResult, rememberResult } from './client-token.ts';
import { emptyOrigin } from './disk-rows.ts';
import { copyNameOf, insertNewImage } from './images.ts';
import { COPY_SNAPSHOT, beginCopy } from './operations/copy-snapshot.ts';
import type { CopySnapshotState } from './operations/copy-snapshot.ts';
import { CREATE_IMAGE } from './operations/create-image.ts';
import type { CreateImageState } from './operations/create-image.ts';
import type { Parts } from './parts.ts';
import type { CopiedImage, CopySource, RegionDesk } from './regions.ts';
import type { ChangeOptions, CopyImageRequest, CopySnapshotRequest } from './requests.ts';
import { assertAllowed, getImage, getSnapshot, imageFacts, snapshotFacts } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { dropIfFree, performDeletion } from './snapshot-deletion.ts';
import type { SnapshotDeletion } from './snapshot-deletion.ts';
import { hiddenRow } from './snapshots.ts';
import { waitSoon } from './wait-soon.ts';

/** What this region does for itself and others. */
export function openDesk(parts: Parts, runner: OperationRunner): RegionDesk {
  return {
    repositoryPlace: parts.repositoryPlace,
    receiveSnapshot: (request, readSource, options) => receiveSnapshot(parts, runner, { request, readSource, options }),
    receiveImage: (request, readSource, options) => receiveImage(parts, runner, { request, readSource, options }),
    hasSnapshot: async (snapshotId) => (await findSnapshot(parts.catalog.queries, snapshotId)) !== undefined,
    listCopiesOf: async (wanted) => {
      const operations = await listOperationsOfKind(parts.catalog.queries, COPY_SNAPSHOT);
      const states = operations.filter(({ undoing }) => !undoing).map(({ state }) => state as CopySnapshotState);
      return states.filter((state) => isCopyOf(state, wanted)).map(({ snapshotId }) => snapshotId);
    },
  };
}

function isCopyOf(
  { source, imageId }: CopySnapshotState,
  wanted: { regionId: string; snapshotId?: string; imageId?: string },
): boolean {
  if (source.regionId !== wanted.regionId) return false;
  return wanted.snapshotId === undefined ? imageId === wanted.imageId : source.snapshotId === wanted.snapshotId;
}

/** Answers when the copy is written down. */
export async function copySnapshot(
  parts: Parts,
  request: CopySnapshotRequest,
  options: ChangeOptions,
): Promise<{ snapshotId: string }> {
  const desk = findDestination(parts, request.destinationRegionId, 'InvalidRegionId.NotExists');
  const readSource = async () => {
    const row = await getSnapshot(parts.catalog.queries, request.snapshotId);
    await assertInCredit(parts.catalog.queries, 'copies');
    const isForUndo = row.undo_until_ms !== null;
    assertAllowed(refuseCopySnapshot({ ...snapshotFacts(row), category: row.category, isForUndo }));
    return sourceOf(parts, row);
  };
  return await desk.receiveSnapshot(request, readSource, options);
}

function findDestination(parts: Parts, regionId: string, code: string): RegionDesk {
  const desk = parts.regions.find(regionId);
  if (desk !== undefined) return desk;
  throw new RequestError(
    code,
    `The destination ${JSON.stringify(regionId)} is no region of this server, which has ${parts.regions.regionIds.join(', ')}: \`serve --add-region\` adds one.`,
  );
}

function sourceOf({ region }: Parts, row: SnapshotRow): CopySource {
  assert(row.tree !== null, `${row.snapshot_id} is accomplished without a tree`);
  return {
    regionId: region.regionId,
    snapshotId: row.snapshot_id,
    diskId: row.source_disk_id,
    diskType: row.source_disk_type,
    sizeGib: row.source_disk_size_gib,
    tree: JSON.parse(row.tree) as TreeRef,
    generation: row.generation ?? 0,
    incarnation: row.incarnation ?? 0,
  };
}

interface Received<Request, Source> {
  request: Request;
  readSource: () => Promise<Source>;
  options: ChangeOptions;
}

async function receiveSnapshot(
  parts: Parts,
  runner: OperationRunner,
  { request, readSource, options }: Received<CopySnapshotRequest, CopySource>,
): Promise<{ snapshotId: string }> {
  const answered = await findEarlierResult<{ snapshotId: string }>(parts.catalog.queries, options.idempotency);
  if (answered !== null) return answered;
  const source = await readSource();
  const { snapshotId, operation } = await change(parts, options, async (transaction) => {
    const earlier = await findEarlierResult<{ snapshotId: string }>(transaction, options.idempotency);
    if (earlier !== null) return { ...earlier, operation: null };
    await assertInCredit(transaction, 'copies');
    await assertStillThere(parts, transaction, source);
    const recorded = await recordCopy(parts, runner, { transaction, source, imageId: null, named: request });
    const result = { snapshotId: recorded.snapshotId };
    await rememberResult(transaction, options.idempotency, result, parts.clock.nowMs());
    return recorded;
  });
  if (operation !== null) runner.start(operation);
  return { snapshotId };
}

/** In this region its tree is the copy's from now on, so nothing may have collected it. */
async function assertStillThere(parts: Parts, transaction: Queries, source: CopySource): Promise<void> {
  if (source.regionId === parts.region.regionId) await getSnapshot(transaction, source.snapshotId);
}

interface Named {
  snapshotName: string | null;
  description: string;
  retentionDays?: number | null;
  resourceGroupId: string;
  tags: Tag[];
  automatic?: boolean;
}

async function recordCopy(
  parts: Parts,
  runner: OperationRunner,
  asked: { transaction: Queries; source: CopySource; imageId: string | null; named: Named },
): Promise<{ snapshotId: string; operation: StoredOperation }> {
  const { transaction, source, imageId, named } = asked;
  await parts.space.assertRoom('QuotaExceed.SnapshotQuota', 'a copy of a snapshot');
  const { regionId } = parts.region;
  const snapshotId = newId('s-', regionId, parts.random);
  const state = await beginCopy(transaction, regionId, { snapshotId, source, imageId });
  const disk = { disk_id: source.diskId, size_gib: source.sizeGib, type: source.diskType };
  const { snapshotName, description, resourceGroupId, retentionDays = null, automatic = false } = named;
  await insertSnapshot(transaction, {
    ...hiddenRow(snapshotId, disk, { snapshotName, description, resourceGroupId, retentionDays }, parts.clock.nowMs()),
    frozen: 1,
    automatic: automatic ? 1 : 0,
    kept_since_ms: parts.lockClock.nowMs(),
    source_region_id: source.regionId,
    source_snapshot_id: source.snapshotId,
  });
  await insertTags(transaction, snapshotId, named.tags);
  return { snapshotId, operation: await runner.record(transaction, COPY_SNAPSHOT, snapshotId, state) };
}

/** Answers when the copy is written down. */
export async function copyImage(
  parts: Parts,
  request: CopyImageRequest,
  options: ChangeOptions,
): Promise<{ imageId: string }> {
  const { regionId } = parts.region;
  const desk = findDestination(parts, request.destinationRegionId ?? regionId, 'DestinationRegion.NotFound');
  const readSource = async () => {
    const { queries } = parts.catalog;
    const image = await getImage(queries, request.imageId);
    assertAllowed(refuseCopyImage(imageFacts(image)));
    const rows = await listImageDisks(queries, [request.imageId]);
    const disks: CopiedImage['disks'] = [];
    for (const row of rows) disks.push(await readImageDisk(parts, row));
    return {
      ...{ regionId, imageId: image.image_id, platform: image.platform, architecture: image.architecture },
      ...{ imageFamily: image.image_family, imageVersion: image.image_version, bootMode: image.boot_mode },
      disks,
    };
  };
  return await desk.receiveImage(request, readSource, options);
}

async function readImageDisk(parts: Parts, row: ImageDiskRow): Promise<CopiedImage['disks'][number]> {
  const { device, type, size_gib: sizeGib, snapshot_id: snapshotId } = row;
  if (snapshotId === null) return { device, type, sizeGib, source: null };
  const snapshot = await getSnapshot(parts.catalog.queries, snapshotId, 'InvalidSnapshotId.NotFound');
  return { device, type, sizeGib, source: sourceOf(parts, snapshot) };
}

/** Its disks are copied as snapshots, and it is there when they are, as an image of an instance. */
async function receiveImage(
  parts: Parts,
  runner: OperationRunner,
  { request, readSource, options }: Received<CopyImageRequest, CopiedImage>,
): Promise<{ imageId: string }> {
  const answered = await findEarlierResult<{ imageId: string }>(parts.catalog.queries, options.idempotency);
  if (answered !== null) return answered;
  const source = await readSource();
  const { imageId, operations } = await change(parts, options, async (transaction) => {
    const earlier = await findEarlierResult<{ imageId: string }>(transaction, options.idempotency);
    if (earlier !== null) return { ...earlier, operations: [] };
    const id = newId('m-', parts.region.regionId, parts.random);
    const copied = await recordImage(parts, runner, { transaction, source, imageId: id, request });
    const token = await rememberResult(transaction, options.idempotency, { imageId: id }, parts.clock.nowMs());
    const copies = copied.map(({ subjectId }) => subjectId);
    const state: CreateImageState = { imageId: id, token, snapshots: [], copies };
    return {
      imageId: id,
      operations: [...copied, await runner.record(transaction, CREATE_IMAGE, id, state, 'gather')],
    };
  });
  for (const operation of operations) runner.start(operation);
  return { imageId };
}

async function recordImage(
  parts: Parts,
  runner: OperationRunner,
  asked: { transaction: Queries; source: CopiedImage; imageId: string; request: CopyImageRequest },
): Promise<StoredOperation[]> {
  const { transaction, source, imageId, request } = asked;
  const { imageName, description, resourceGroupId, tags } = request;
  const disks: ImageDiskRow[] = [];
  const operations: StoredOperation[] = [];
  for (const { device, type, sizeGib, source: from } of source.disks) {
    const row = { image_id: imageId, device, type, size_gib: sizeGib };
    if (from === null) {
      disks.push({ ...row, snapshot_id: null, base: JSON.stringify(emptyOrigin.base) });
      continue;
    }
    await assertStillThere(parts, transaction, from);
    const named = {
      snapshotName: copyNameOf(imageId),
      description: `${device} of the image ${imageId}, a copy of ${source.imageId} of ${source.regionId}`,
      ...{ resourceGroupId, tags: [] },
    };
    const copy = await recordCopy(parts, runner, { transaction, source: from, imageId: source.imageId, named });
    disks.push({ ...row, snapshot_id: copy.snapshotId, base: null });
    operations.push(copy.operation);
  }
  const { platform, architecture, imageFamily, imageVersion, bootMode } = source;
  const facts = { platform, architecture, imageFamily, imageVersion, bootMode };
  const image = { imageName, description, resourceGroupId, tags, ...facts };
  await insertNewImage(parts, transaction, { request: image, imageId, source: { disks, parent: undefined } });
  return operations;
}

/** Whether one of its snapshots came by copying: told of an image that is there already. */
async function hasCopy(transaction: Queries, imageId: string): Promise<boolean> {
  for (const { snapshot_id: snapshotId } of await listImageDisks(transaction, [imageId])) {
    const row = snapshotId === null ? undefined : await findSnapshot(transaction, snapshotId);
    if (typeof row?.source_snapshot_id === 'string') return true;
  }
  return false;
}

/**
 * A copy that is being made goes, with the snapshots that are copied for it: but those that are in use by then, or locked, stay as
 * any other snapshot.
 */
export async function cancelCopyImage(
  parts: Parts,
  runner: OperationRunner,
  { imageId }: { imageId: string },
  options: ChangeOptions,
): Promise<void> {
  const { regionId } = parts.region;
  const making = await findOperation(parts.catalog.queries, CREATE_IMAGE, imageId);
  const { copies = [] } = (making?.state ?? {}) as Partial<CreateImageState>;
  const copied = new Set<string>();
  for (const snapshotId of copies) {
    if ((await parts.regions.findCopyOf({ regionId, snapshotId })) !== null) copied.add(snapshotId);
  }
  const { makingId, deletions } = await change(parts, options, async (transaction) => {
    const image = await getImage(transaction, imageId);
    const operation = await findOperation(transaction, CREATE_IMAGE, imageId);
    const isCopy =
      operation === undefined
        ? await hasCopy(transaction, imageId)
        : (operation.state as CreateImageState).copies !== undefined;
    assertAllowed(refuseCancelCopyImage(imageFacts(image), isCopy));
    assert(operation !== undefined, `${imageId} is being copied and nobody works on it`);
    await markUndoing(transaction, operation.operationId, 'the copy was cancelled');
    await deleteTags(transaction, imageId);
    await deleteImageRow(transaction, imageId);
    const recorded: SnapshotDeletion[] = [];
    for (const snapshotId of copies.filter((id) => !copied.has(id))) {
      const row = await findSnapshot(transaction, snapshotId);
      const deletion = row === undefined ? null : await dropIfFree({ parts, runner, transaction }, row);
      if (deletion !== null) recorded.push(deletion);
    }
    return { makingId: operation.operationId, deletions: recorded };
  });
  const ended = [
    waitSoon(parts.clock, runner.interrupt(makingId)),
    ...deletions.map((deletion) => performDeletion(parts, runner, deletion)),
  ];
  await Promise.all(ended);
}
