/** ExportImage and ExportSnapshot: which files come of it, and what is left when it is cancelled, fails, or the server dies. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { allRows, checked, createWorld, imageRequest } from '../../test/control/world.ts';
import type { World } from '../../test/control/world.ts';
import { OperationalError } from '../lib/errors.ts';
import { EMPTY_IMAGE_ID } from './empty-image.ts';
import type { ExportImageRequest } from './requests.ts';

/** An image of an instance whose system disk holds `a` and whose data disk holds `b`. */
async function prepare(world: World) {
  const { instanceId, diskId } = await world.runOne();
  const { items } = await world.control.listDisks({ instanceId, type: 'system' }, allRows);
  world.diskd.write(items[0]?.diskId ?? '', 1, 'a');
  world.diskd.write(diskId, 2, 'b');
  const { imageId } = await world.control.createImage(imageRequest({ instanceId }));
  await world.settle();
  const snapshotId = await world.takeSnapshot(diskId);
  await world.settle();
  return { imageId, snapshotId, diskId };
}

function request(imageId: string, change: Partial<ExportImageRequest> = {}): ExportImageRequest {
  return { imageId, bucket: 'images', prefix: '', format: 'qcow2', ...change };
}

test('each disk of an image is a file of its own, and the task tells which', async (t) => {
  const world = await createWorld(t);
  const { imageId } = await prepare(world);
  const { taskId } = await world.control.exportImage(request(imageId, { prefix: 'mine' }));
  await world.settle();
  const names = ['system', 'xvdb'].map((disk) => `mine_${imageId}_${disk}_${taskId}.qcow2`);
  assert.deepEqual(
    world.exchange.list(),
    names.map((name) => `images/${name}`),
  );
  assert.deepEqual(
    names.map((name) => world.exchange.files.get(`images/${name}`)?.words),
    [{ 1: 'a' }, { 2: 'b' }],
  );
  const task = await world.control.getTask(taskId);
  assert.deepEqual([task.action, task.status, task.resourceId], ['ExportImage', 'Finished', imageId]);
  assert.deepEqual(
    task.endedParts.map(({ items }) => items),
    names.map((OSSObject) => ({ OSSBucket: 'images', OSSObject, ImageFormat: 'qcow2' })),
  );
  await checked(world);
});

test('a snapshot is exported as a raw image, and goes on being exported when it is deleted meanwhile', async (t) => {
  const world = await createWorld(t);
  const { imageId, snapshotId } = await prepare(world);
  const writing = Promise.withResolvers<void>();
  world.exchange.during = () => writing.promise;
  const { taskId } = await world.control.exportSnapshot({ snapshotId, bucket: 'images' });
  const again = world.control.exportSnapshot({ snapshotId, bucket: 'images' });
  await assert.rejects(again, { code: 'OperationConflict' });
  const { taskId: ofImage } = await world.control.exportImage(request(imageId));
  await assert.rejects(world.control.exportImage(request(imageId)), { code: 'ImageIsExporting' });
  await assert.rejects(world.control.deleteImage({ imageId, force: true }), { code: 'ImageIsExporting' });
  await world.control.deleteSnapshot({ snapshotId, force: true });
  assert.deepEqual(world.exchange.list(), [], 'what is not whole has no name');
  writing.resolve();
  await world.settle();
  const file = world.exchange.files.get(`images/${snapshotId}_${taskId}.raw`);
  assert.deepEqual([file?.words, file?.format], [{ 2: 'b' }, 'raw']);
  assert.equal((await world.control.getTask(ofImage)).status, 'Finished');
  await world.control.deleteImage({ imageId, force: true });
  await checked(world);
});

test('cancelled, no file is left, not even those that were whole', async (t) => {
  const world = await createWorld(t);
  const { imageId } = await prepare(world);
  const second = Promise.withResolvers<void>();
  let times = 0;
  world.exchange.during = async ({ signal }) => {
    if (++times < 2) return;
    second.resolve();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  };
  const { taskId } = await world.control.exportImage(request(imageId));
  await second.promise;
  assert.equal(world.exchange.list().length, 1);
  await world.control.cancelTask({ taskId });
  await world.settle();
  assert.equal(world.exchange.files.size, 0);
  const { status, endedParts } = await world.control.getTask(taskId);
  assert.deepEqual([status, endedParts[0]?.errorCode], ['Failed', 'TaskCancelled']);
  await checked(world);
});

test('a bucket without room fails it, with the reason and without files', async (t) => {
  const world = await createWorld(t);
  const { imageId } = await prepare(world);
  world.exchange.during = async () => {
    throw new OperationalError('ENOSPC: no space left on device, write', { retryable: false });
  };
  const { taskId } = await world.control.exportImage(request(imageId));
  await world.settle();
  const { status, endedParts } = await world.control.getTask(taskId);
  assert.deepEqual(
    [status, endedParts[0]],
    ['Failed', { errorCode: 'ExportImageFailed', errorMessage: 'ENOSPC: no space left on device, write', items: {} }],
  );
  assert.equal(world.exchange.files.size, 0);
  await checked(world);
});

test('what cannot be exported is refused', async (t) => {
  const world = await createWorld(t);
  const { imageId, diskId } = await prepare(world);
  const refuse = (asked: ExportImageRequest, code: string) =>
    assert.rejects(world.control.exportImage(asked), { code });
  await refuse(request(EMPTY_IMAGE_ID), 'ImageNotSupported');
  await refuse(request('m-none'), 'InvalidImageId.NotFound');
  await refuse(request(imageId, { bucket: 'none' }), 'InvalidOSSBucket.NotFound');
  world.exchange.hasConverter = false;
  await refuse(request(imageId), 'ExportImageFailed');
  await world.control.exportImage(request(imageId, { format: 'raw' }));
  await world.settle();
  world.holdUploads();
  const snapshotId = await world.beginSnapshot(diskId);
  await assert.rejects(world.control.exportSnapshot({ snapshotId, bucket: 'images' }), {
    code: 'InvalidSnapshotId.NotReady',
  });
});
