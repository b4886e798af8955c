/** Copies of snapshots and images, within a region and between two regions of one server. */
import test from 'node:test';
import type { TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { DEFAULT_RESOURCE_GROUP_ID } from '../ecs/resource-groups.ts';
import { RequestError } from '../lib/errors.ts';
import { World, allRows, checked, imageRequest, snapshotRequest, token } from '../../test/control/world.ts';

interface Pair {
  near: World;
  far: World;
}

async function createPair(t: TestContext): Promise<Pair> {
  const near = await World.create(200);
  const far = await World.create(200, 'cn-beijing', near.regions);
  t.after(async () => {
    await near.end();
    await far.end();
  });
  return { near, far };
}

function copyRequest(snapshotId: string, destinationRegionId: string) {
  return {
    ...{ snapshotId, destinationRegionId, snapshotName: 'a copy', description: 'of it' },
    ...{ resourceGroupId: DEFAULT_RESOURCE_GROUP_ID, tags: [{ key: 'k', value: 'v' }] },
  };
}

function copyImageRequest(imageId: string, destinationRegionId: string | null) {
  return {
    ...{ imageId, destinationRegionId, imageName: 'copied', description: '' },
    ...{ resourceGroupId: DEFAULT_RESOURCE_GROUP_ID, tags: [] },
  };
}

async function accomplished(world: World, snapshotId: string): Promise<void> {
  await world.until('the copy', async () => (await world.snapshot(snapshotId))?.status === 'accomplished');
}

function refused(code: string) {
  return (error: unknown) => error instanceof RequestError && error.code === code;
}

test('a copy in another region is a snapshot of its own, whose bytes do not need the source', async (t) => {
  const { near, far } = await createPair(t);
  const { diskId } = await near.runOne();
  for (const [at, word] of ['a', 'b', 'c'].entries()) near.diskd.write(diskId, at, word);
  const source = await near.takeSnapshot(diskId);
  const { snapshotId } = await near.control.copySnapshot(copyRequest(source, 'cn-beijing'));
  assert.match(snapshotId, /^s-2ze/);
  await accomplished(far, snapshotId);
  const copy = await far.snapshot(snapshotId);
  assert.deepEqual(copy?.copyOf, { regionId: 'cn-hangzhou', snapshotId: source });
  assert.deepEqual([copy?.snapshotName, copy?.description, copy?.sourceDiskId], ['a copy', 'of it', diskId]);
  assert.deepEqual(copy?.tags, [{ key: 'k', value: 'v' }]);
  assert.deepEqual(far.snapshotWords(snapshotId), { 0: 'a', 1: 'b', 2: 'c' });
  assert.deepEqual(far.repository.manifests.get(snapshotId)?.copyOf, { regionId: 'cn-hangzhou', snapshotId: source });
  // A word a part: what was reached was written down after each.
  assert.equal(far.transfer.copyJobs.length, 3);
  await near.control.deleteSnapshot({ snapshotId: source, force: false });
  await checked(near);
  await checked(far);
  assert.deepEqual(far.diskWords(await far.makeDisk(snapshotId)), { 0: 'a', 1: 'b', 2: 'c' });
});

test('the next copy of a chain begins as the latest one that is there', async (t) => {
  const { near, far } = await createPair(t);
  const { diskId } = await near.runOne();
  for (const [at, word] of ['a', 'b', 'c'].entries()) near.diskd.write(diskId, at, word);
  const first = await near.control.copySnapshot(copyRequest(await near.takeSnapshot(diskId), 'cn-beijing'));
  await accomplished(far, first.snapshotId);
  near.diskd.write(diskId, 1, 'later');
  const count = far.transfer.copyJobs.length;
  const second = await near.control.copySnapshot(copyRequest(await near.takeSnapshot(diskId), 'cn-beijing'));
  await far.control.deleteSnapshot({ snapshotId: first.snapshotId, force: false });
  await accomplished(far, second.snapshotId);
  assert.equal(far.transfer.copyJobs.length, count + 1);
  assert.deepEqual(far.snapshotWords(second.snapshotId), { 0: 'a', 1: 'later', 2: 'c' });
  await checked(far);
});

test('a copy within the region moves nothing, and no disk is rolled back to it', async (t) => {
  const { near } = await createPair(t);
  const { diskId, instanceId } = await near.runOne();
  near.diskd.write(diskId, 1, 'then');
  const source = await near.takeSnapshot(diskId);
  const { snapshotId } = await near.control.copySnapshot(copyRequest(source, 'cn-hangzhou'));
  await accomplished(near, snapshotId);
  assert.equal(near.transfer.copyJobs.length, 0);
  await near.control.deleteSnapshot({ snapshotId: source, force: false });
  await checked(near);
  assert.deepEqual(near.snapshotWords(snapshotId), { 1: 'then' });
  await near.power('stop', instanceId);
  await assert.rejects(near.control.resetDisk({ diskId, snapshotId }), refused('InvalidParameter.Mismatch'));
  // Its disk's next snapshot is compared with none: the copy is no state of the disk.
  await near.power('start', instanceId);
  await near.until('it to run', async () => (await near.instance(instanceId))?.status === 'Running');
  near.diskd.write(diskId, 2, 'now');
  assert.deepEqual(near.snapshotWords(await near.takeSnapshot(diskId)), { 1: 'then', 2: 'now' });
  await checked(near);
});

test('a copy that is being made neither counts for its disk nor blocks it; deleting it cancels', async (t) => {
  const { near, far } = await createPair(t);
  const { diskId } = await near.runOne();
  near.diskd.write(diskId, 1, 'then');
  const source = await near.takeSnapshot(diskId);
  const held = far.holdUploads();
  const { snapshotId } = await near.control.copySnapshot(copyRequest(source, 'cn-beijing'));
  assert.equal((await far.snapshot(snapshotId))?.status, 'progressing');
  await assert.rejects(
    near.control.deleteSnapshot({ snapshotId: source, force: true }),
    refused('InvalidOperation.RelatedSnapshotNotFinished'),
  );
  await near.takeSnapshot(diskId);
  await far.control.deleteSnapshot({ snapshotId, force: false });
  held.release();
  await checked(far);
  assert.deepEqual((await far.control.listSnapshots({}, allRows)).items, []);
  assert.equal(far.repository.manifests.size, 0);
  await near.control.deleteSnapshot({ snapshotId: source, force: false });
});

test('what cannot be copied is refused with its code', async (t) => {
  const { near, far } = await createPair(t);
  const { diskId } = await near.runOne();
  near.diskd.write(diskId, 1, 'then');
  const source = await near.takeSnapshot(diskId);
  const copy = (snapshotId: string, regionId: string) => near.control.copySnapshot(copyRequest(snapshotId, regionId));
  await assert.rejects(copy('s-none', 'cn-beijing'), refused('InvalidSnapshotId.NotFound'));
  await assert.rejects(copy(source, 'cn-nowhere'), refused('InvalidRegionId.NotExists'));
  await assert.rejects(copy(source, 'cn-nowhere'), /cn-hangzhou, cn-beijing/);
  const held = near.holdUploads();
  const { snapshotId: unfinished } = await near.control.createSnapshot(snapshotRequest(diskId));
  await assert.rejects(copy(unfinished, 'cn-beijing'), refused('InvalidSnapshotId.NotReady'));
  held.release();
  await near.settle();
  const ofFar = await near.control.copySnapshot(copyRequest(source, 'cn-beijing'));
  await accomplished(far, ofFar.snapshotId);
  const back = await far.control.copySnapshot(copyRequest(ofFar.snapshotId, 'cn-hangzhou'));
  await accomplished(near, back.snapshotId);
  assert.deepEqual(near.snapshotWords(back.snapshotId), { 1: 'then' });
});

test('the same token gets the same copy, also after the source is gone', async (t) => {
  const { near, far } = await createPair(t);
  const { diskId } = await near.runOne();
  near.diskd.write(diskId, 1, 'then');
  const source = await near.takeSnapshot(diskId);
  const request = copyRequest(source, 'cn-beijing');
  const first = await near.control.copySnapshot(request, token('CopySnapshot', 'x'));
  await accomplished(far, first.snapshotId);
  await near.control.deleteSnapshot({ snapshotId: source, force: false });
  assert.deepEqual(await near.control.copySnapshot(request, token('CopySnapshot', 'x')), first);
  assert.equal((await far.control.listSnapshots({}, allRows)).totalCount, 1);
});

test('a copy whose source or region is gone fails and says so', async (t) => {
  const { near, far } = await createPair(t);
  const { diskId } = await near.runOne();
  for (const [at, word] of ['a', 'b', 'c'].entries()) near.diskd.write(diskId, at, word);
  const source = await near.takeSnapshot(diskId);
  const held = far.holdUploads();
  const { snapshotId } = await near.control.copySnapshot(copyRequest(source, 'cn-beijing'));
  // As if its region had been served by itself: nobody there knows of the copy.
  await near.catalog.queries.deleteFrom('snapshots').where('snapshot_id', '=', source).execute();
  near.repository.trees.clear();
  held.release();
  await far.until('its failure', async () => (await far.snapshot(snapshotId))?.status === 'failed');
  assert.match(
    (await far.snapshot(snapshotId))?.failureReason ?? '',
    new RegExp(`${source} of cn-hangzhou was deleted`),
  );
  await checked(far);
});

test('an image is copied with snapshots of its own, and can be made instances of', async (t) => {
  const { near, far } = await createPair(t);
  const { diskId, instanceId } = await near.runOne();
  near.diskd.write(diskId, 1, 'then');
  const { imageId: source } = await near.control.createImage(imageRequest({ instanceId }));
  await near.settle();
  const { imageId } = await near.control.copyImage(copyImageRequest(source, 'cn-beijing'));
  assert.match(imageId, /^m-2ze/);
  await far.settle();
  const { items } = await far.control.listImages({ imageIds: [imageId] }, allRows);
  assert.deepEqual([items[0]?.status, items[0]?.imageName, items[0]?.isCopied], ['Available', 'copied', true]);
  assert.equal((await near.control.listImages({ imageIds: [source] }, allRows)).items[0]?.isCopied, false);
  assert.equal(items[0]?.disks.length, 2);
  await near.control.deleteImage({ imageId: source, force: true });
  await checked(near);
  await checked(far);
  const data = items[0]?.disks.find(({ type }) => type === 'data');
  assert.deepEqual(far.snapshotWords(data?.snapshotId ?? ''), { 1: 'then' });
});

test('a copy of an image that is cancelled leaves nothing, and one that is done is not cancelled', async (t) => {
  const { near, far } = await createPair(t);
  const { diskId, instanceId } = await near.runOne();
  near.diskd.write(diskId, 1, 'then');
  const { imageId: source } = await near.control.createImage(imageRequest({ instanceId }));
  await near.settle();
  const held = far.holdUploads();
  const { imageId } = await near.control.copyImage(copyImageRequest(source, 'cn-beijing'));
  await assert.rejects(
    near.control.deleteImage({ imageId: source, force: true }),
    refused('OperationDenied.ImageCopying'),
  );
  await far.control.cancelCopyImage({ imageId });
  held.release();
  await checked(far);
  assert.equal((await far.control.listImages({ ownerAlias: 'self' }, allRows)).totalCount, 0);
  assert.equal((await far.control.listSnapshots({}, allRows)).totalCount, 0);
  const { imageId: again } = await near.control.copyImage(copyImageRequest(source, 'cn-beijing'));
  await far.settle();
  await assert.rejects(far.control.cancelCopyImage({ imageId: again }), refused('IncorrectImageStatus'));
  const { imageId: beside } = await near.control.copyImage({ ...copyImageRequest(source, null), imageName: 'beside' });
  await near.settle();
  assert.equal((await near.control.listImages({ imageIds: [beside] }, allRows)).items[0]?.status, 'Available');
  await checked(near);
});

test('cancelling a copy of an image leaves what others made of it, and an image of copies is no copy', async (t) => {
  const { near, far } = await createPair(t);
  const { diskId, instanceId } = await near.runOne();
  near.diskd.write(diskId, 1, 'then');
  const { imageId: source } = await near.control.createImage(imageRequest({ instanceId }));
  await near.settle();
  const held = far.holdUploads();
  const { imageId } = await near.control.copyImage(copyImageRequest(source, 'cn-beijing'));
  const { items } = await far.control.listSnapshots({}, allRows);
  const [kept = '', other = ''] = items.map(({ snapshotId }) => snapshotId);
  await far.control.lockSnapshot({ snapshotId: kept, lockDays: 7, coolOffHours: 0 });
  await far.control.cancelCopyImage({ imageId });
  held.release();
  await far.settle();
  assert.equal(await far.snapshot(other), undefined);
  assert.equal((await far.snapshot(kept))?.status, 'accomplished');
  // An image that is made of a copy by CreateImage keeps it, and is not cancelled.
  const copied = await near.control.copySnapshot(copyRequest(await near.takeSnapshot(diskId), 'cn-beijing'));
  await accomplished(far, copied.snapshotId);
  const disks = [{ device: null, type: 'system' as const, sizeGib: null, snapshotId: copied.snapshotId }];
  const made = await far.control.createImage(imageRequest({ disks }));
  await assert.rejects(far.control.cancelCopyImage({ imageId: made.imageId }), RequestError);
  await far.settle();
  assert.notEqual(await far.snapshot(copied.snapshotId), undefined);
  await checked(far);
});

test('a copy that fails keeps its token: asked again, the same image is told', async (t) => {
  const { near, far } = await createPair(t);
  const { instanceId } = await near.runOne();
  const { imageId: source } = await near.control.createImage(imageRequest({ instanceId }));
  await near.settle();
  far.transfer.failuresLeft = 1;
  const request = copyImageRequest(source, 'cn-beijing');
  near.repository.trees.clear();
  near.repository.put({ 1: 'another' });
  const first = await near.control.copyImage(request, token('CopyImage', 'x'));
  await far.settle();
  assert.deepEqual(await near.control.copyImage(request, token('CopyImage', 'x')), first);
});

test('what was copied for an image whose copy failed goes with it', async (t) => {
  const { near, far } = await createPair(t);
  const { instanceId, diskId } = await near.runOne();
  near.diskd.write(diskId, 1, 'a');
  const { imageId: source } = await near.control.createImage(imageRequest({ instanceId }));
  await near.settle();
  const held = far.holdUploads();
  const { imageId } = await near.control.copyImage(copyImageRequest(source, 'cn-beijing'));
  await near.catalog.queries.deleteFrom('snapshots').execute();
  near.repository.trees.clear();
  held.release();
  const image = async () => (await far.control.listImages({ imageIds: [imageId] }, allRows)).items[0];
  await far.until('its failure', async () => (await image())?.status === 'CreateFailed');
  await far.settle();
  const list = async () => (await far.control.listSnapshots({}, allRows)).items;
  assert.equal((await list()).length, 2);
  await far.control.deleteImage({ imageId, force: false });
  await far.settle();
  assert.deepEqual(await list(), []);
  await checked(far);
});

test('a copy whose chain is damaged here begins again with nothing', async (t) => {
  const { near, far } = await createPair(t);
  const { diskId } = await near.runOne();
  near.diskd.write(diskId, 1, 'a');
  const first = await near.control.copySnapshot(copyRequest(await near.takeSnapshot(diskId), 'cn-beijing'));
  await accomplished(far, first.snapshotId);
  near.diskd.write(diskId, 2, 'b');
  far.transfer.failuresLeft = 1;
  const second = await near.control.copySnapshot(copyRequest(await near.takeSnapshot(diskId), 'cn-beijing'));
  await accomplished(far, second.snapshotId);
  assert.deepEqual(far.snapshotWords(second.snapshotId), { 1: 'a', 2: 'b' });
  const begins = far.transfer.copyJobs.map(({ begin }) => begin.root);
  assert.deepEqual(begins.slice(1, 3), [far.repository.manifests.get(first.snapshotId)?.tree.root, null]);
  await checked(far);
});

test('what is only kept for undoing a rollback is not copied', async (t) => {
  const near = await World.create(200);
  near.undoMs = 3_600_000;
  await near.restart();
  t.after(() => near.end());
  const { diskId, instanceId } = await near.runOne();
  near.diskd.write(diskId, 1, 'a');
  const snapshotId = await near.takeSnapshot(diskId);
  await near.power('stop', instanceId);
  await near.control.resetDisk({ diskId, snapshotId });
  await near.settle();
  const [undo] = (await near.control.listSnapshots({ undo: true }, allRows)).items;
  await assert.rejects(
    near.control.copySnapshot(copyRequest(undo?.snapshotId ?? '', 'cn-hangzhou')),
    /only kept for undoing a rollback/,
  );
});
