/** ImportImage: files become an image; what is left when it is cancelled, fails, or the server dies. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { allRows, checked, createWorld, imageRequest, token } from '../../test/control/world.ts';
import type { World } from '../../test/control/world.ts';
import { OperationalError } from '../lib/errors.ts';
import { GIB } from '../lib/geometry.ts';
import type { ImportImageRequest } from './requests.ts';
import { fileOf, importRequest, putFiles, ownImages, readInstanceOf } from '../../test/control/imports.ts';

/** Nothing of it but, perhaps, an image that says why it failed. */
async function assertGone(world: World): Promise<void> {
  await world.settle();
  assert.equal(world.diskd.disks.size, 0);
  assert.equal(world.repository.manifests.size, 0);
  assert.equal((await world.control.listSnapshots({}, allRows)).totalCount, 0);
  await checked(world);
}

test('files become an image whose disks are snapshots; its task tells of each', async (t) => {
  const world = await createWorld(t);
  putFiles(world);
  const { imageId, taskId } = await world.control.importImage(importRequest());
  await world.settle();
  const [image] = await ownImages(world);
  assert.deepEqual(
    [image?.imageId, image?.status, image?.progressPercent, image?.sizeGib],
    [imageId, 'Available', 100, 2],
  );
  assert.deepEqual(
    image?.disks.map(({ device, type, sizeGib }) => [device, type, sizeGib]),
    [
      ['/dev/xvda', 'system', 2],
      ['/dev/xvdb', 'data', 6],
    ],
  );
  const snapshots = (await world.control.listSnapshots({}, allRows)).items;
  assert.deepEqual(
    image?.disks.map(({ snapshotId }) => world.snapshotWords(snapshotId ?? '')),
    [
      { 1: 'a', 2: 'b' },
      { 3: 'c', 4: 'd' },
    ],
  );
  assert.deepEqual([...new Set(snapshots.map(({ usage, status }) => `${usage} ${status}`))], ['image accomplished']);
  const task = await world.control.getTask(taskId);
  assert.deepEqual(
    [task.action, task.status, task.resourceId, task.partCount],
    ['ImportImage', 'Finished', imageId, 2],
  );
  assert.deepEqual(
    task.endedParts.map(({ items }) => [items['ImageId'], items['OSSBucket'], items['OSSObject'], items['SnapshotId']]),
    [
      [imageId, 'images', 'system', image?.disks[0]?.snapshotId],
      [imageId, 'images', 'data', image?.disks[1]?.snapshotId],
    ],
  );
  assert.equal(world.diskd.disks.size, 0, 'the disks on the way are gone');
  assert.equal((await world.control.listDisks({}, allRows)).totalCount, 0);
  assert.deepEqual(await readInstanceOf(world, imageId), [
    { 1: 'a', 2: 'b' },
    { 3: 'c', 4: 'd' },
  ]);
  await checked(world);
});

test('while it goes on the image is Creating and its own, the progress is told, and its snapshots cannot be deleted', async (t) => {
  const world = await createWorld(t);
  putFiles(world);
  const reading = Promise.withResolvers<void>();
  world.exchange.during = () => reading.promise;
  const { imageId, taskId } = await world.control.importImage(importRequest());
  await world.until('its progress', async () => (await world.control.getTask(taskId)).progressPercent === 12);
  const [image] = await ownImages(world);
  assert.deepEqual([image?.status, image?.progressPercent], ['Creating', 0]);
  await assert.rejects(world.control.deleteImage({ imageId, force: true }), { code: 'ImageIsImporting' });
  await assert.rejects(world.control.exportImage({ imageId, bucket: 'images', prefix: '', format: 'raw' }), {
    code: 'IncorrectImageStatus',
  });
  const upload = world.holdUploads();
  reading.resolve();
  await world.quiet();
  const [snapshot] = (await world.control.listSnapshots({}, allRows)).items;
  assert.deepEqual([snapshot?.status, snapshot?.usage], ['progressing', 'image']);
  await assert.rejects(world.control.deleteSnapshot({ snapshotId: snapshot?.snapshotId ?? '', force: true }), {
    code: 'SnapshotCreatedImage',
  });
  assert.equal((await world.control.getTask(taskId)).status, 'Processing');
  upload.release();
  await checked(world);
});

for (const when of ['reading', 'storing'] as const) {
  test(`cancelled while ${when}, nothing of it is left but its task`, async (t) => {
    const world = await createWorld(t);
    putFiles(world);
    const never = new Promise<void>(() => undefined);
    const stopped = (signal: AbortSignal) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    if (when === 'reading') world.exchange.during = ({ signal }) => Promise.race([never, stopped(signal)]);
    else world.holdUploads();
    const { taskId } = await world.control.importImage(importRequest(), token('ImportImage'));
    if (when === 'reading') await world.until('it to read', async () => world.diskd.disks.size > 0);
    else await world.quiet();
    const dry = { idempotency: null, dryRun: true };
    await assert.rejects(world.control.cancelTask({ taskId }, dry), { code: 'DryRunOperation' });
    assert.equal((await world.control.getTask(taskId)).status, 'Processing');
    await world.control.cancelTask({ taskId });
    await assertGone(world);
    assert.deepEqual(await ownImages(world), []);
    const { status, endedParts } = await world.control.getTask(taskId);
    assert.equal(status, 'Failed');
    assert.deepEqual(
      endedParts,
      Array.from({ length: 2 }, () => ({ errorCode: 'TaskCancelled', errorMessage: 'it was cancelled', items: {} })),
    );
    await assert.rejects(world.control.cancelTask({ taskId }), { code: 'InvalidTaskId.IncorrectTaskStatus' });
  });
}

test('a file that cannot be read makes the image CreateFailed, with the reason, and its name free', async (t) => {
  const world = await createWorld(t);
  putFiles(world);
  world.exchange.during = async () => {
    throw new OperationalError(`No space left on device ${world.folder}/disks/x`, { retryable: false });
  };
  const { taskId } = await world.control.importImage(importRequest());
  await assertGone(world);
  const [image] = await ownImages(world);
  assert.deepEqual([image?.status, image?.failureReason], ['CreateFailed', 'No space left on device disks/x']);
  const task = await world.control.getTask(taskId);
  assert.deepEqual([task.status, task.endedParts[0]?.errorCode], ['Failed', 'ImportImageFailed']);
  world.exchange.during = async () => undefined;
  await world.control.importImage(importRequest());
  await checked(world);
});

test('a snapshot that cannot be stored fails it', async (t) => {
  const world = await createWorld(t);
  putFiles(world);
  world.transfer.failuresLeft = 1;
  const { taskId } = await world.control.importImage(importRequest());
  await assertGone(world);
  assert.equal((await ownImages(world))[0]?.status, 'CreateFailed');
  assert.match(
    (await world.control.getTask(taskId)).endedParts[0]?.errorMessage ?? '',
    /the snapshot s-\w+ of .* failed/,
  );
});

test('a data plane that dies while a file is read makes it begin again with that file', async (t) => {
  const world = await createWorld(t);
  putFiles(world);
  let times = 0;
  world.exchange.during = async () => {
    if (++times === 1) for (const disk of world.diskd.disks.values()) disk.open = false;
  };
  const { imageId } = await world.control.importImage(importRequest());
  await world.settle();
  assert.equal(times, 3);
  assert.deepEqual(await readInstanceOf(world, imageId), [
    { 1: 'a', 2: 'b' },
    { 3: 'c', 4: 'd' },
  ]);
});

test('what does not fit is refused before anything is written', async (t) => {
  const world = await createWorld(t);
  putFiles(world);
  world.exchange.put('huge', {}, { sizeBytes: 2048 * GIB + 1 });
  const refuse = (change: Partial<ImportImageRequest>, code: string) =>
    assert.rejects(world.control.importImage(importRequest(change)), { code });
  await refuse({ disks: [fileOf('none')] }, 'InvalidOSSObject.NotFound');
  await refuse(
    { disks: [{ ...fileOf('system'), place: { bucket: 'b', object: 'system' } }] },
    'InvalidOSSBucket.NotFound',
  );
  await refuse({ disks: [{ ...fileOf('system'), format: 'vhd' }] }, 'InvalidImageFormat.Malformed');
  await refuse({ disks: [fileOf('huge')] }, 'InvalidImageSize');
  await refuse({ disks: [fileOf('system'), fileOf('huge')] }, 'InvalidDataDiskSize');
  await refuse({ disks: [{ ...fileOf('system'), sizeGib: 1 }] }, 'InvalidImageSize');
  world.exchange.hasConverter = false;
  await refuse({}, 'ImportImageFailed');
  world.exchange.hasConverter = true;
  const { snapshotId } = { snapshotId: await world.takeSnapshot((await world.runOne()).diskId) };
  await world.control.createImage(
    imageRequest({ imageName: 'imported', disks: [{ device: null, type: 'system', sizeGib: null, snapshotId }] }),
  );
  await refuse({}, 'InvalidImageName.Duplicated');
  world.assertRoom = () => {
    throw new OperationalError('full', { retryable: false });
  };
  await assert.rejects(world.control.importImage(importRequest({ imageName: 'other' })), /full/);
  assert.equal((await world.control.listTasks({}, allRows)).totalCount, 0);
});

test('the same token gives the same image and task; a dry run makes neither', async (t) => {
  const world = await createWorld(t);
  putFiles(world);
  await assert.rejects(world.control.importImage(importRequest(), { idempotency: null, dryRun: true }), {
    code: 'DryRunOperation',
  });
  assert.deepEqual(await ownImages(world), []);
  const first = await world.control.importImage(importRequest(), token('ImportImage'));
  assert.deepEqual(await world.control.importImage(importRequest(), token('ImportImage')), first);
  await world.settle();
  assert.deepEqual(await world.control.importImage(importRequest(), token('ImportImage')), first);
  assert.equal((await ownImages(world)).length, 1);
});
