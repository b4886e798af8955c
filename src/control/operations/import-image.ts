/**
 * ImportImage, after the request has written the image as `Creating` with its disks, and its task.
 *
 * Each file is written to a disk that is in no list; a snapshot of each of these is stored as any other; then, in one
 * transaction, the image begins as the snapshots, is `Available`, and the task is `Finished`; last, the disks go. The snapshots stay: they are
 * what the image is made of.
 *
 * | died after            | durable state                               | the next server                                    |
 * | --------------------- | ------------------------------------------- | -------------------------------------------------- |
 * | record                | image `Creating`, at `fill`                 | fills the first disk                               |
 * | a part of a file      | a half-filled disk that nobody names        | removes it, and fills another from the beginning   |
 * | a file                | that disk is filled, in the state           | goes on with the next                              |
 * | a snapshot's record   | its operation, its id in the state          | a freeze that was not recorded is made once more   |
 * | `store`               | image `Available`, task `Finished`          | removes the disks                                  |
 * | a failure, CancelTask | undoing, with its reason                    | snapshots and disks go; ¹                          |
 *
 * ¹ The image is `CreateFailed` with the reason, or gone when the task was cancelled; the task is `Failed`. From `store` on it is
 * never given up.
 */
import { findOperation, markUndoing } from '../../catalog/operations.ts';
import { DEFAULT_RESOURCE_GROUP_ID } from '../../ecs/resource-groups.ts';
import {
  deleteImage,
  findImage,
  listAwaitedSnapshots,
  setImageDiskSnapshot,
  updateImage,
} from '../../catalog/images.ts';
import type { Queries } from '../../catalog/schema.ts';
import { deleteSnapshot, findSnapshot } from '../../catalog/snapshots.ts';
import { deleteTags } from '../../catalog/tags.ts';
import type { DiskType } from '../../ecs/resources.ts';
import { OperationalError } from '../../lib/errors.ts';
import { GIB } from '../../lib/geometry.ts';
import type { ImportFormat } from '../../transfer/image-header.ts';
import { unconditionally } from '../change.ts';
import { removeFolders } from '../disk-folder.ts';
import { FIRST_INCARNATION, emptyOrigin, newDiskRow } from '../disk-rows.ts';
import { toPublicReason } from '../failure-reason.ts';
import type { OperationKind, StepContext, Undone } from '../operation-kind.ts';
import type { AttachedDisk, LoadOrder, Parts } from '../parts.ts';
import { SERVER_ENDED } from '../runner.ts';
import type { OperationRunner } from '../runner.ts';
import { recordSnapshot } from '../snapshots.ts';
import { createTaskProgress, failTask, finishTask, isCancellation } from '../tasks.ts';
import { assertNotLost, completeImage } from './create-image.ts';
import { CREATE_SNAPSHOT } from './create-snapshot.ts';
import { DELETE_SNAPSHOT } from './delete-snapshot.ts';

export const IMPORT_IMAGE = 'import-image';

const LOOK_AGAIN_MS = 250;
/** Of the progress, the reading of the files; the rest is their storing. */
const FILL_SHARE = 0.5;

export interface ImportedDisk {
  place: LoadOrder['place'];
  format: ImportFormat;
  sizeGib: number;
  device: string;
  type: DiskType;
  /** Where its bytes are on the way. */
  diskId: string;
  isFilled?: true;
  snapshotId?: string;
}

export interface ImportImageState {
  imageId: string;
  taskId: string;
  disks: ImportedDisk[];
  /** Whether the image is there. */
  isStored?: boolean;
}

/** What it needs of the one that runs it. */
type Runner = () => OperationRunner;

export function importImageOperation(parts: Parts, runner: Runner, ended: () => void): OperationKind<ImportImageState> {
  const idsOf = ({ disks }: ImportImageState) => disks.map(({ diskId }) => diskId);
  return {
    kind: IMPORT_IMAGE,
    ended,
    steps: [
      {
        name: 'fill',
        run: (state, context) => fillAll(parts, state, context),
        undo: async (state) => {
          await parts.driver.undoStart(state.disks.map(attachedOf));
          await removeFolders(parts, idsOf(state));
        },
      },
      {
        name: 'store',
        run: (state, context) => storeAll(parts, runner(), state, context),
        record: async (transaction, { imageId, taskId, disks }) => {
          await completeImage(transaction, imageId);
          const items = disks.map(({ place, snapshotId = '' }) => ({
            ...{ ImageId: imageId, SnapshotId: snapshotId },
            ...{ OSSBucket: place.bucket, OSSObject: place.object },
          }));
          await finishTask(parts, transaction, taskId, items);
          return { isStored: true };
        },
        undo: async ({ disks, imageId, isStored = false }) => {
          if (isStored) return;
          for (const { snapshotId, device } of disks) {
            if (snapshotId !== undefined) await dropSnapshot(parts, runner(), { snapshotId, device, imageId });
          }
        },
      },
      { name: 'release', run: (state) => removeFolders(parts, idsOf(state)) },
    ],
    abandon: (transaction, undone) => abandon(parts, transaction, undone),
  };
}

async function fillAll(
  parts: Parts,
  state: ImportImageState,
  { signal, save }: StepContext<ImportImageState>,
): Promise<Partial<ImportImageState>> {
  const report = createTaskProgress(parts, state.taskId);
  const disks = [...state.disks];
  for (const [index, disk] of disks.entries()) {
    if (disk.isFilled === true) continue;
    await fill(parts, disk, signal, (share) => report(((index + share) / disks.length) * FILL_SHARE, 1));
    disks[index] = { ...disk, isFilled: true };
    await save({ disks: [...disks] });
  }
  return { disks };
}

/** From the beginning: what an earlier try has left is removed. A disk that diskd has lost meanwhile is filled again. */
async function fill(
  parts: Parts,
  disk: ImportedDisk,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<void> {
  const { dataPlane, openDisks, driver, exchange } = parts;
  const { diskId, place, format } = disk;
  const sizeBytes = disk.sizeGib * GIB;
  await driver.undoStart([attachedOf(disk)]);
  await dataPlane.call('deleteDisk', { diskId });
  await dataPlane.call('createDisk', { diskId, sizeBytes, base: emptyOrigin.base });
  const nbdUri = await openDisks.open(attachedOf(disk));
  try {
    await exchange.load({ place, format, sizeBytes, nbdUri }, { signal, onProgress });
  } catch (error) {
    signal.throwIfAborted();
    const { disk: now } = await dataPlane.call('describeDisk', { diskId });
    if (now.socketPath !== null) throw error;
    throw new OperationalError('the data plane ended while the image was read', { retryable: true, cause: error });
  }
  await openDisks.close(diskId);
}

/** No kind of ECS, for which there are no limits. */
function attachedOf({ diskId, sizeGib }: ImportedDisk): AttachedDisk {
  return { diskId, incarnation: FIRST_INCARNATION, kind: { category: 'import', performanceLevel: null, sizeGib } };
}

async function storeAll(
  parts: Parts,
  runner: OperationRunner,
  state: ImportImageState,
  context: StepContext<ImportImageState>,
): Promise<Partial<ImportImageState>> {
  const { imageId, taskId } = state;
  const report = createTaskProgress(parts, taskId);
  let { disks } = state;
  for (;;) {
    disks = await ensureSnapshots(parts, runner, { imageId, disks }, context);
    const awaited = await listAwaitedSnapshots(parts.catalog.queries, imageId);
    for (const one of awaited) if (one.failureReason !== SERVER_ENDED) assertNotLost(one);
    if (awaited.every(({ status }) => status === 'accomplished')) return { disks };
    const done = awaited.reduce((sum, { progressPercent }) => sum + progressPercent / 100, 0) / disks.length;
    report(FILL_SHARE + done * (1 - FILL_SHARE), 1);
    await parts.clock.sleep(LOOK_AGAIN_MS, context.signal);
  }
}

/** One that no freeze had begun when the server ended is taken again. */
async function ensureSnapshots(
  parts: Parts,
  runner: OperationRunner,
  { imageId, disks: before }: Pick<ImportImageState, 'imageId' | 'disks'>,
  { save }: StepContext<ImportImageState>,
): Promise<ImportedDisk[]> {
  const disks = [...before];
  for (const [index, disk] of disks.entries()) {
    const { snapshotId: earlier } = disk;
    const row = earlier === undefined ? undefined : await findSnapshot(parts.catalog.queries, earlier);
    if (row !== undefined && row.failure_reason !== SERVER_ENDED) continue;
    const addition = { disks };
    let begun: Awaited<ReturnType<typeof recordSnapshot>> | undefined;
    await save(addition, async (transaction) => {
      if (earlier !== undefined) await deleteSnapshot(transaction, earlier);
      begun = await recordSnapshotOf(parts, runner, { transaction, imageId, disk });
      disks[index] = { ...disk, snapshotId: begun.snapshotId };
    });
    if (begun !== undefined) runner.start(begun.operation);
  }
  return disks;
}

async function recordSnapshotOf(
  parts: Parts,
  runner: OperationRunner,
  { transaction, imageId, disk }: { transaction: Queries; imageId: string; disk: ImportedDisk },
) {
  const { diskId, device, type, sizeGib, place } = disk;
  const { resource_group_id: resourceGroupId = DEFAULT_RESOURCE_GROUP_ID } =
    (await findImage(transaction, imageId)) ?? {};
  const row = newDiskRow({
    resourceGroupId,
    ...{ diskId, sizeGib, zoneId: '', category: '', performanceLevel: null, diskName: '', description: '' },
    ...{ origin: emptyOrigin, nowMs: parts.clock.nowMs() },
  });
  const recorded = await recordSnapshot(parts, runner, {
    transaction,
    disk: { ...row, type },
    request: {
      diskId,
      snapshotName: `SnapshotForImage-${imageId}`,
      description: `${device} of the image ${imageId}, imported from ${place.bucket}`,
      retentionDays: null,
      resourceGroupId,
      tags: [],
    },
    options: unconditionally,
  });
  await setImageDiskSnapshot(transaction, { imageId, device }, recorded.snapshotId);
  return recorded;
}

/** Cancels or deletes it, and waits for that: its disk cannot go before its view. Again: nothing. */
async function dropSnapshot(
  parts: Parts,
  runner: OperationRunner,
  { snapshotId, device, imageId }: { snapshotId: string; device: string; imageId: string },
): Promise<void> {
  const { cancelled, begun } = await parts.catalog.transaction(async (transaction) => {
    const row = await findSnapshot(transaction, snapshotId);
    const storing = await findOperation(transaction, CREATE_SNAPSHOT, snapshotId);
    if (storing !== undefined) await markUndoing(transaction, storing.operationId, 'its import was undone');
    await setImageDiskSnapshot(transaction, { imageId, device }, null);
    await deleteTags(transaction, snapshotId);
    await deleteSnapshot(transaction, snapshotId);
    const isStored = row?.status === 'accomplished';
    const deletion = isStored ? await runner.record(transaction, DELETE_SNAPSHOT, snapshotId, { snapshotId }) : null;
    return { cancelled: storing?.operationId ?? null, begun: deletion };
  });
  if (begun !== null) runner.start(begun);
  if (cancelled !== null) await runner.interrupt(cancelled);
}

async function abandon(parts: Parts, transaction: Queries, { state, reason }: Undone<ImportImageState>): Promise<void> {
  const { imageId, taskId, isStored = false } = state;
  if (isStored) return;
  await failTask(parts, transaction, taskId, { code: 'ImportImageFailed', reason });
  if (isCancellation(reason)) {
    await deleteTags(transaction, imageId);
    await deleteImage(transaction, imageId);
    return;
  }
  const failure_reason = toPublicReason(reason, parts.dataFolder);
  await updateImage(transaction, imageId, { status: 'CreateFailed', failure_reason });
}
