/** Images: what they are made of, what is made of them, and what keeps their bytes. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { isImageSource } from '../catalog/snapshots.ts';
import type { TreeBase } from '../disk/protocol.ts';
import type { Image } from '../ecs/resources.ts';
import { OperationalError } from '../lib/errors.ts';
import type { World } from '../../test/control/world.ts';
import {
  allRows,
  createWorld,
  dataDisk,
  imageRequest,
  runRequest,
  snapshotRequest,
  token,
} from '../../test/control/world.ts';
import { createImageOperation } from './operations/create-image.ts';
import type { Parts } from './parts.ts';
import type { CreateImageRequest, ImageDiskRequest, RunInstancesRequest } from './requests.ts';

async function checked(world: World): Promise<void> {
  await world.settle();
  await world.checkSettled();
  const disks = await world.catalog.queries.selectFrom('image_disks').selectAll().execute();
  for (const { base } of disks) {
    if (base !== null) world.repository.words((JSON.parse(base) as TreeBase).tree);
  }
}

function mapping(change: Partial<ImageDiskRequest>): ImageDiskRequest {
  return { device: null, type: null, sizeGib: null, snapshotId: null, ...change };
}

async function findImage(world: World, imageId: string): Promise<Image | undefined> {
  return (await world.control.listImages({ imageIds: [imageId] }, allRows)).items[0];
}

async function createImage(world: World, change: Partial<CreateImageRequest>): Promise<string> {
  const { imageId } = await world.control.createImage(imageRequest(change));
  await world.until('the image', async () => (await findImage(world, imageId))?.status !== 'Creating');
  return imageId;
}

/** A running instance whose system disk holds `a` and whose data disk holds `b`. */
async function runWritten(world: World) {
  const { instanceId, diskId } = await world.runOne();
  const systemDiskId = await diskAt(world, instanceId, '/dev/xvda');
  world.diskd.write(systemDiskId, 1, 'a');
  world.diskd.write(diskId, 2, 'b');
  return { instanceId, diskId, systemDiskId };
}

async function diskAt(world: World, instanceId: string, device: string): Promise<string> {
  const { items } = await world.control.listDisks({ instanceId }, allRows);
  return items.find((disk) => disk.device === device)?.diskId ?? '';
}

/** The disks of an instance that is made so, in device order. */
async function run(world: World, change: Partial<RunInstancesRequest>) {
  const { instanceIds } = await world.control.runInstances(runRequest({ dataDisks: [], ...change }));
  await world.settle();
  const instanceId = instanceIds[0] ?? '';
  const { items } = await world.control.listDisks({ instanceId }, allRows);
  return { instanceId, disks: items.toSorted((a, b) => (a.device ?? '').localeCompare(b.device ?? '')) };
}

/** Uploads of the disk wait for the result, or end with the server. */
function holdUploads(world: World, diskId: string): () => void {
  const released = Promise.withResolvers<void>();
  world.transfer.during = async (signal) => {
    if (world.transfer.jobs.at(-1)?.diskId !== diskId) return;
    signal.addEventListener('abort', () => released.reject(signal.reason as Error));
    await released.promise;
  };
  return released.resolve;
}

test('an image of a system disk snapshot makes system disks that read its bytes, also when all else is deleted', async (t) => {
  const world = await createWorld(t, 200);
  const { systemDiskId } = await runWritten(world);
  const snapshotId = await world.takeSnapshot(systemDiskId);
  const imageId = await createImage(world, { snapshotId, imageName: 'walk', tags: [{ key: 'k', value: 'v' }] });
  const image = await findImage(world, imageId);
  assert.deepEqual(image?.disks, [{ device: '/dev/xvda', type: 'system', sizeGib: 40, snapshotId }]);
  assert.deepEqual(
    [image?.status, image?.progressPercent, image?.sizeGib, image?.platform, image?.osType, image?.tags],
    ['Available', 100, 40, 'Others Linux', 'linux', [{ key: 'k', value: 'v' }]],
  );
  const { instanceId, disks } = await run(world, { imageId });
  const [disk] = disks;
  assert.deepEqual(world.diskWords(disk?.diskId ?? ''), { 1: 'a' });
  assert.deepEqual([disk?.imageId, disk?.sourceSnapshotId, disk?.sizeGib], [imageId, null, 40]);
  assert.equal((await world.instance(instanceId))?.imageId, imageId);
  await world.control.deleteImage({ imageId, force: true });
  await world.control.deleteSnapshot({ snapshotId, force: true });
  await checked(world);
  assert.equal(await findImage(world, imageId), undefined);
  assert.deepEqual(world.diskWords(disk?.diskId ?? ''), { 1: 'a' }, 'the disk keeps its bytes');
});

test('an image of an instance has a snapshot of each disk, taken at once, and its instances have its data disks', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId, diskId, systemDiskId } = await runWritten(world);
  const imageId = await createImage(world, { instanceId, platform: 'Ubuntu' });
  const image = await findImage(world, imageId);
  assert.equal(image?.status, 'Available');
  assert.deepEqual([image.imageName, image.platform, image.osName], [imageId, 'Ubuntu', 'Ubuntu 64 bit']);
  assert.deepEqual(
    image.disks.map(({ device, type, sizeGib }) => [device, type, sizeGib]),
    [
      ['/dev/xvda', 'system', 40],
      ['/dev/xvdb', 'data', 20],
    ],
  );
  const { items } = await world.control.listSnapshots({ usage: 'image' }, allRows);
  assert.deepEqual(new Set(items.map((one) => one.sourceDiskId)), new Set([systemDiskId, diskId]));
  assert.ok(items.every((one) => one.status === 'accomplished' && one.snapshotName?.endsWith(imageId)));
  const { disks } = await run(world, { imageId });
  assert.deepEqual(
    disks.map((disk) => [disk.device, disk.type, world.diskWords(disk.diskId), disk.imageId, disk.deleteWithInstance]),
    [
      ['/dev/xvda', 'system', { 1: 'a' }, imageId, true],
      ['/dev/xvdb', 'data', { 2: 'b' }, imageId, true],
    ],
  );
  await checked(world);
});

test('while an image is created it has its progress, makes nothing, and is not deleted', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId, diskId } = await runWritten(world);
  const release = holdUploads(world, diskId);
  const { imageId } = await world.control.createImage(imageRequest({ instanceId }));
  await world.until('one of two', async () => (await findImage(world, imageId))?.progressPercent === 50);
  const image = await findImage(world, imageId);
  assert.equal(image?.status, 'Creating');
  await assert.rejects(world.control.runInstances(runRequest({ imageId })), { code: 'OperationDenied.ImageNotValid' });
  await assert.rejects(world.control.deleteImage({ imageId, force: true }), { code: 'ImageIsCreating' });
  await assert.rejects(world.control.modifyImage({ imageId, status: 'Available' }), { code: 'IncorrectImageStatus' });
  await assert.rejects(world.control.deleteInstances({ instanceIds: [instanceId], force: true }), {
    code: 'OperationConflict',
  });
  for (const { snapshotId } of image.disks) {
    assert.ok(snapshotId !== null && (await isImageSource(world.catalog.queries, snapshotId)));
  }
  const snapshotId = image.disks.at(-1)?.snapshotId ?? '';
  await assert.rejects(world.control.createImage(imageRequest({ disks: [mapping({ snapshotId })] })), {
    code: 'InvalidSnapshotId.NotReady',
  });
  await assert.rejects(world.control.deleteSnapshot({ snapshotId, force: true }), { code: 'SnapshotCreatedImage' });
  release();
  await world.until('the image', async () => (await findImage(world, imageId))?.status === 'Available');
  await checked(world);
});

test('a snapshot that fails makes the image CreateFailed with the reason, and it can be deleted', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId, diskId } = await runWritten(world);
  world.transfer.during = async () => {
    if (world.transfer.jobs.at(-1)?.diskId === diskId) throw new OperationalError('a bad slot', { retryable: false });
  };
  const imageId = await createImage(world, { instanceId, imageName: 'broken' });
  const image = await findImage(world, imageId);
  assert.equal(image?.status, 'CreateFailed');
  assert.match(image.failureReason ?? '', /s-\w+ of \/dev\/xvd[ab] failed: a bad slot/);
  await world.settle();
  for (const { snapshotId } of image.disks) {
    assert.equal(await isImageSource(world.catalog.queries, snapshotId ?? ''), false, 'its snapshots are free');
  }
  await assert.rejects(world.control.runInstances(runRequest({ imageId })), { code: 'OperationDenied.ImageNotValid' });
  await world.control.deleteImage({ imageId, force: false });
  assert.equal(await findImage(world, imageId), undefined);
  await checked(world);
});

test('a disk that cannot be frozen is told, its image is CreateFailed, and the same request makes another of its name', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId } = await runWritten(world);
  world.diskd.after = async (call) => {
    if (call === 'freezeGroup') throw new OperationalError('no room for a view', { retryable: false });
  };
  const create = () => world.control.createImage(imageRequest({ instanceId, imageName: 'web' }), token('CreateImage'));
  const answers = await Promise.allSettled([create(), create()]);
  for (const answer of answers) {
    assert.match(answer.status === 'rejected' ? String(answer.reason) : answer.status, /no room for a view/);
  }
  await world.settle();
  const { items } = await world.control.listImages({ ownerAlias: 'self' }, allRows);
  assert.deepEqual(
    items.map(({ imageName, status }) => [imageName, status]),
    [['web', 'CreateFailed']],
  );
  assert.match(items[0]?.failureReason ?? '', /no room for a view/);
  assert.equal((await world.control.listSnapshots({}, allRows)).totalCount, 0, 'nothing was frozen');
  world.diskd.after = async () => undefined;
  const { imageId } = await create();
  assert.notEqual(imageId, items[0]?.imageId);
  await world.settle();
  assert.equal((await findImage(world, imageId))?.status, 'Available');
  assert.deepEqual(await create(), { imageId });
  await checked(world);
});

test('an image that was answered and fails later is told again for its token', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId } = await runWritten(world);
  world.transfer.during = async () => {
    throw new OperationalError('a bad slot', { retryable: false });
  };
  const create = () => world.control.createImage(imageRequest({ instanceId }), token('CreateImage'));
  const { imageId } = await create();
  await world.settle();
  assert.equal((await findImage(world, imageId))?.status, 'CreateFailed');
  assert.deepEqual(await create(), { imageId });
  await checked(world);
});

test('the disks of an image are frozen at one instant, and nothing of that is a group', async (t) => {
  const world = await createWorld(t);
  const { instanceId } = await runWritten(world);
  world.diskd.calls.length = 0;
  await world.control.createImage(imageRequest({ instanceId }));
  await world.settle();
  assert.deepEqual(
    world.diskd.calls.filter((call) => call.startsWith('freeze')),
    ['freezeGroup'],
  );
  const { items } = await world.control.listSnapshots({}, allRows);
  assert.ok(items.length > 1);
  assert.equal(new Set(items.map(({ createdAtMs }) => createdAtMs)).size, 1);
  assert.equal((await world.control.listSnapshotGroups({}, allRows)).totalCount, 0);
  await checked(world);
});

test('an image that fails tells no path of this machine', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId, diskId } = await runWritten(world);
  const release = holdUploads(world, diskId);
  const { imageId } = await world.control.createImage(imageRequest({ instanceId }));
  await world.until('one of two', async () => (await findImage(world, imageId))?.progressPercent === 50);
  const { abandon } = createImageOperation({ dataFolder: world.folder } as Parts, () => assert.fail('nothing is run'));
  const reason = `${world.folder}/catalog.db cannot be read: EIO /usr/lib/libc.so`;
  await world.catalog.transaction(async (transaction) => {
    await abandon?.(transaction, { state: { imageId, token: null, snapshots: [] }, step: 'gather', reason });
    const image = transaction.selectFrom('images').select('failure_reason').where('image_id', '=', imageId);
    assert.equal((await image.executeTakeFirst())?.failure_reason, 'catalog.db cannot be read: EIO libc.so');
    await transaction.updateTable('images').set({ status: 'Creating', failure_reason: null }).execute();
  });
  release();
  await world.settle();
});

test('an image of several snapshots and an empty disk is put together by device', async (t) => {
  const world = await createWorld(t, 200);
  const { diskId, systemDiskId } = await runWritten(world);
  const [system, data] = [await world.takeSnapshot(systemDiskId), await world.takeSnapshot(diskId)];
  const disks = [
    mapping({ snapshotId: data, device: '/dev/xvdd', sizeGib: 30 }),
    mapping({ snapshotId: system }),
    mapping({ device: '/dev/xvdb', sizeGib: 25 }),
  ];
  const imageId = await createImage(world, { disks, snapshotId: 's-ignored' });
  const made = await run(world, { imageId, systemDisk: dataDisk({ sizeGib: 60 }) });
  assert.deepEqual(
    made.disks.map((disk) => [disk.device, disk.sizeGib, world.diskWords(disk.diskId)]),
    [
      ['/dev/xvda', 60, { 1: 'a' }],
      ['/dev/xvdb', 25, {}],
      ['/dev/xvdd', 30, { 2: 'b' }],
    ],
  );
  const dataAsSystem = await createImage(world, { disks: [mapping({ snapshotId: data, type: 'system' })] });
  const booted = await run(world, { imageId: dataAsSystem });
  assert.deepEqual(world.diskWords(booted.disks[0]?.diskId ?? ''), { 2: 'b' });
  assert.equal(booted.disks[0]?.sizeGib, 40, 'the default of a system disk');
  await checked(world);
});

test('a request says how the image’s data disks are to be, and adds others', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId, diskId } = await runWritten(world);
  const imageId = await createImage(world, { instanceId });
  const snapshotId = await world.takeSnapshot(diskId);
  const own = dataDisk({
    device: '/dev/xvdb',
    category: 'cloud_ssd',
    performanceLevel: null,
    sizeGib: 33,
    diskName: 'mine',
    deleteWithInstance: false,
  });
  const tags = [{ key: 'k', value: 'v' }];
  const { disks } = await run(world, { imageId, tags, dataDisks: [dataDisk({ snapshotId }), own] });
  assert.deepEqual(
    disks.map((disk) => [disk.device, disk.category, disk.sizeGib, disk.diskName, disk.deleteWithInstance]),
    [
      ['/dev/xvda', 'cloud_essd', 40, '', true],
      ['/dev/xvdb', 'cloud_ssd', 33, 'mine', false],
      ['/dev/xvdc', 'cloud_essd', 20, '', true],
    ],
  );
  assert.deepEqual(
    disks.map((disk) => [disk.sourceSnapshotId, disk.imageId]),
    [
      [null, imageId],
      [null, imageId],
      [snapshotId, null],
    ],
  );
  for (const disk of disks) assert.deepEqual(disk.tags, tags);
  const same = await run(world, { imageId, dataDisks: [dataDisk({ device: '/dev/xvdb', sizeGib: null })] });
  assert.equal(same.disks[1]?.sizeGib, 20);
  const refused: [string, RunInstancesRequest['dataDisks']][] = [
    ['InvalidDiskSize.TooSmall', [dataDisk({ device: '/dev/xvdb', sizeGib: 19 })]],
    ['InvalidDevice.InUse', [dataDisk({ device: '/dev/xvdb', snapshotId })]],
    ['MissingParameter', [dataDisk({ device: '/dev/xvdc', sizeGib: null })]],
    ['InstanceDiskNumber.LimitExceed', Array.from({ length: 16 }, () => dataDisk())],
  ];
  for (const [code, dataDisks] of refused) {
    await assert.rejects(world.control.runInstances(runRequest({ imageId, dataDisks })), { code }, code);
  }
  const most = [own, ...Array.from({ length: 15 }, () => dataDisk())];
  assert.equal((await run(world, { imageId, dataDisks: most })).disks.length, 17);
  await checked(world);
});

test('a disk that began as an image’s has a snapshot before it is first started, an empty one has none', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId: source, systemDiskId } = await runWritten(world);
  const imageId = await createImage(world, { snapshotId: await world.takeSnapshot(systemDiskId) });
  const { instanceId, disks } = await run(world, { imageId, start: false, dataDisks: [dataDisk()] });
  const [system, data] = disks.map(({ diskId }) => diskId);
  assert.deepEqual(world.snapshotWords(await world.takeSnapshot(system ?? '')), { 1: 'a' });
  await assert.rejects(world.control.createSnapshot(snapshotRequest(data ?? '')), {
    code: 'IncorrectDiskStatus.NeverUsed',
  });
  await world.control.deleteInstances({ instanceIds: [source, instanceId], force: true });
  await checked(world);
});

test('an instance that is not to be started ends Stopped, unused, and starts afterwards', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId, disks } = await run(world, { start: false, dataDisks: [dataDisk()] });
  assert.equal((await world.instance(instanceId))?.status, 'Stopped');
  assert.ok(disks.every((disk) => disk.status === 'In_use' && disk.nbdUri === null && !disk.everAttached));
  await assert.rejects(world.control.createImage(imageRequest({ instanceId })), {
    code: 'IncorrectDiskStatus.NeverUsed',
  });
  await checked(world);
  await world.power('start', instanceId);
  assert.equal((await world.instance(instanceId))?.status, 'Running');
  await checked(world);
});

test('a family gives its newest Available image', async (t) => {
  const world = await createWorld(t, 200);
  const { systemDiskId } = await runWritten(world);
  const snapshotId = await world.takeSnapshot(systemDiskId);
  const older = await createImage(world, { snapshotId, imageFamily: 'web' });
  await world.clock.sleep(40);
  const newer = await createImage(world, { snapshotId, imageFamily: 'web' });
  const ofFamily = async () => {
    const { instanceId } = await run(world, { imageId: null, imageFamily: 'web' });
    return (await world.instance(instanceId))?.imageId;
  };
  assert.equal(await ofFamily(), newer);
  await world.control.modifyImage({ imageId: newer, status: 'Deprecated' });
  assert.equal(await ofFamily(), older);
  assert.equal((await run(world, { imageId: newer })).disks.length, 1, 'a Deprecated image makes instances by its id');
  await world.control.modifyImage({ imageId: older, imageFamily: 'other' });
  await assert.rejects(ofFamily(), { code: 'InvalidImageId.NotFound' });
  await world.control.modifyImage({ imageId: newer, status: 'Available' });
  assert.equal(await ofFamily(), newer);
  await checked(world);
});

test('what makes no image is refused with its documented code, and leaves nothing', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId, diskId, systemDiskId } = await runWritten(world);
  const [system, data] = [await world.takeSnapshot(systemDiskId), await world.takeSnapshot(diskId)];
  await createImage(world, { snapshotId: system, imageName: 'taken' });
  const cases: [string, Partial<CreateImageRequest>][] = [
    ['InvalidInstanceId.NotFound', { instanceId: 'i-none' }],
    ['InvalidSnapshotId.NotFound', { snapshotId: 's-none' }],
    ['InvalidSnapshotId.NotFound', { disks: [mapping({ snapshotId: 's-none' })] }],
    ['OperationDenied', { snapshotId: data }],
    ['InvalidSystemSnapshot.Missing', { disks: [mapping({ snapshotId: data })] }],
    ['OperationDenied', { disks: [mapping({ snapshotId: system }), mapping({ snapshotId: system })] }],
    ['InvalidSize.ValueNotSupported', { disks: [mapping({ snapshotId: system, sizeGib: 20 })] }],
    ['InvalidImageName.Duplicated', { snapshotId: system, imageName: 'taken' }],
    ['InvalidImageName.Duplicated', { instanceId, imageName: 'taken' }],
  ];
  const before = await world.control.listSnapshots({}, allRows);
  for (const [code, change] of cases) {
    await assert.rejects(world.control.createImage(imageRequest(change)), { code }, JSON.stringify(change));
  }
  const dryRun = { idempotency: null, dryRun: true };
  await assert.rejects(world.control.createImage(imageRequest({ instanceId }), dryRun), { code: 'DryRunOperation' });
  assert.equal((await world.control.listSnapshots({}, allRows)).totalCount, before.totalCount);
  const release = holdUploads(world, diskId);
  const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId));
  await assert.rejects(world.control.createImage(imageRequest({ instanceId })), {
    code: 'IncorrectDiskStatus.CreatingSnapshot',
  });
  release();
  await world.until('the snapshot', async () => (await world.snapshot(snapshotId))?.status === 'accomplished');
  await checked(world);
  assert.equal((await world.control.listImages({ ownerAlias: 'self' }, allRows)).totalCount, 1);
});

test('the snapshot of a system disk that is a data disk now makes no image', async (t) => {
  const world = await createWorld(t, 200);
  const { systemDiskId } = await runWritten(world);
  const snapshotId = await world.takeSnapshot(systemDiskId);
  await world.catalog.queries
    .updateTable('disks')
    .set({ type: 'data', device: '/dev/xvdz' })
    .where('disk_id', '=', systemDiskId)
    .execute();
  await assert.rejects(world.control.createImage(imageRequest({ snapshotId })), { code: 'OperationDenied' });
  await assert.rejects(world.control.createImage(imageRequest({ disks: [mapping({ snapshotId })] })), {
    code: 'OperationDenied',
  });
});

test('a system disk is as large as its image and as 20 GiB, and no larger than its category allows', async (t) => {
  const world = await createWorld(t, 200);
  const { diskId, systemDiskId } = await runWritten(world);
  const large = await createImage(world, { snapshotId: await world.takeSnapshot(systemDiskId) });
  const data = await world.takeSnapshot(diskId);
  const small = await createImage(world, { disks: [mapping({ snapshotId: data, type: 'system' })] });
  const huge = await createImage(world, { disks: [mapping({ snapshotId: data, type: 'system', sizeGib: 600 })] });
  const systemDisk = (sizeGib: number | null) => dataDisk({ category: 'cloud_auto', performanceLevel: null, sizeGib });
  const cases: [string, Partial<RunInstancesRequest>][] = [
    ['InvalidSystemDiskSize.LessThanImageSize', { imageId: large, systemDisk: systemDisk(39) }],
    ['InvalidSystemDiskSize.LessThanImageSize', { imageId: small, systemDisk: systemDisk(19) }],
    [
      'InvalidSystemDiskSize.MoreThanMaxSize',
      { imageId: huge, systemDisk: dataDisk({ category: 'cloud', performanceLevel: null, sizeGib: null }) },
    ],
  ];
  for (const [code, change] of cases) {
    await assert.rejects(world.control.runInstances(runRequest(change)), { code }, code);
  }
  assert.equal((await run(world, { imageId: small, systemDisk: systemDisk(20) })).disks[0]?.sizeGib, 20);
  assert.equal((await run(world, { imageId: huge, systemDisk: systemDisk(null) })).disks[0]?.sizeGib, 600);
  await checked(world);
});

test('attributes of an image change one by one, and those of the public image never', async (t) => {
  const world = await createWorld(t, 200);
  const { systemDiskId } = await runWritten(world);
  const snapshotId = await world.takeSnapshot(systemDiskId);
  const imageId = await createImage(world, { snapshotId, imageName: 'first', bootMode: 'UEFI' });
  await createImage(world, { snapshotId, imageName: 'second' });
  await world.control.modifyImage({ imageId, description: 'new' });
  await world.control.modifyImage({ imageId, imageName: 'first', imageFamily: 'fam' });
  const image = await findImage(world, imageId);
  assert.deepEqual(
    [image?.imageName, image?.description, image?.imageFamily, image?.bootMode],
    ['first', 'new', 'fam', 'UEFI'],
  );
  await world.control.modifyImage({ imageId, bootMode: 'BIOS', imageName: 'third' });
  assert.equal((await findImage(world, imageId))?.bootMode, 'BIOS');
  await assert.rejects(world.control.modifyImage({ imageId, imageName: 'second' }), {
    code: 'InvalidImageName.Duplicated',
  });
  for (const other of ['m-none', 'hupo_empty_20G']) {
    await assert.rejects(world.control.modifyImage({ imageId: other, description: 'mine' }), {
      code: 'InvalidImageId.NotFound',
    });
  }
  await assert.rejects(world.control.deleteImage({ imageId: 'hupo_empty_20G', force: true }), {
    code: 'ImageIsPublic',
  });
  await assert.rejects(world.control.deleteImage({ imageId: 'm-none', force: true }), {
    code: 'InvalidImageId.NotFound',
  });
});

test('a deleted image is gone at once; its row goes with the last instance that was made from it', async (t) => {
  const world = await createWorld(t, 200);
  const { systemDiskId } = await runWritten(world);
  const snapshotId = await world.takeSnapshot(systemDiskId);
  const imageId = await createImage(world, { snapshotId, imageName: 'web', tags: [{ key: 'k', value: 'v' }] });
  const { instanceId } = await run(world, { imageId });
  await assert.rejects(world.control.deleteImage({ imageId, force: false }), { code: 'ImageUsingByInstance' });
  await world.control.deleteImage({ imageId, force: true });
  await assert.rejects(world.control.runInstances(runRequest({ imageId })), { code: 'InvalidImageId.NotFound' });
  await assert.rejects(world.control.deleteImage({ imageId, force: true }), { code: 'InvalidImageId.NotFound' });
  assert.equal((await world.snapshot(snapshotId))?.usage, 'none');
  await createImage(world, { snapshotId, imageName: 'web' });
  const rows = () =>
    world.catalog.queries.selectFrom('images').select('image_id').where('image_id', '=', imageId).execute();
  assert.equal((await rows()).length, 1);
  const kept = await world.catalog.queries
    .selectFrom('image_disks')
    .where('image_id', '=', imageId)
    .selectAll()
    .execute();
  assert.deepEqual(kept, [], 'what it held is kept for nobody');
  assert.equal(
    (await world.control.listImages({}, allRows)).items.some((image) => image.imageId === imageId),
    false,
  );
  await world.control.deleteInstances({ instanceIds: [instanceId], force: true });
  await world.until('the row to go', async () => (await rows()).length === 0);
  await checked(world);
});

test('every disk of an image is re-initialised as the image has it, whatever it is now, until the image is deleted', async (t) => {
  const world = await createWorld(t, 200);
  const { control } = world;
  const { instanceId: source } = await runWritten(world);
  const imageId = await createImage(world, { instanceId: source });
  const { instanceId, disks } = await run(world, { imageId });
  const [system = '', data = ''] = disks.map(({ diskId }) => diskId);
  for (const id of [system, data]) world.diskd.write(id, 1, 'x');
  const other = await world.runOne();
  await world.power('stop', instanceId);
  await world.power('stop', other.instanceId);
  await control.detachDisk({ diskId: system, instanceId, deleteWithInstance: false });
  await control.deleteInstances({ instanceIds: [source], force: true });
  const attachment = { device: null, deleteWithInstance: true, bootable: false };
  await control.attachDisk({ ...attachment, diskId: system, instanceId: other.instanceId });
  await control.detachDisk({ diskId: data, instanceId, deleteWithInstance: false });
  await control.deleteInstances({ instanceIds: [instanceId], force: true });
  await control.attachDisk({ ...attachment, diskId: data, instanceId: other.instanceId });
  await world.settle();
  const reInit = (diskId: string) => control.reInitDisk({ diskId, autoStartInstance: false });
  for (const id of [system, data]) await reInit(id);
  assert.equal((await world.disk(system))?.type, 'data', 'its instance is deleted');
  assert.deepEqual([world.diskWords(system), world.diskWords(data)], [{ 1: 'a' }, { 2: 'b' }]);
  await checked(world);
  await world.power('start', other.instanceId);
  for (const id of [system, data]) world.diskd.write(id, 3, 'y');
  await world.power('stop', other.instanceId);
  await control.deleteImage({ imageId, force: true });
  for (const id of [system, data]) await assert.rejects(reInit(id), { code: 'InvalidImageId.NotFound' });
  assert.deepEqual(
    [world.diskWords(system), world.diskWords(data)],
    [
      { 1: 'a', 3: 'y' },
      { 2: 'b', 3: 'y' },
    ],
  );
  await checked(world);
});

test('an image, its snapshot and its disks go in any order, and the rest keeps the bytes', async (t) => {
  const orders = [
    ['image', 'snapshot', 'disk'],
    ['image', 'disk', 'snapshot'],
    ['disk', 'image', 'snapshot'],
  ];
  for (const order of orders) {
    const world = await createWorld(t, 200);
    const { instanceId: source, systemDiskId } = await runWritten(world);
    const snapshotId = await world.takeSnapshot(systemDiskId);
    const imageId = await createImage(world, { snapshotId });
    const { instanceId, disks } = await run(world, { imageId });
    const diskId = disks[0]?.diskId ?? '';
    await world.control.deleteInstances({ instanceIds: [source], force: true });
    const left = new Set(order);
    for (const what of order) {
      left.delete(what);
      if (what === 'image') await world.control.deleteImage({ imageId, force: true });
      if (what === 'snapshot') await world.control.deleteSnapshot({ snapshotId, force: true });
      if (what === 'disk') await world.control.deleteInstances({ instanceIds: [instanceId], force: true });
      await checked(world);
      if (left.has('disk')) assert.deepEqual(world.diskWords(diskId), { 1: 'a' });
      if (left.has('snapshot')) assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'a' });
      if (left.has('image')) {
        const again = await run(world, { imageId });
        assert.deepEqual(world.diskWords(again.disks[0]?.diskId ?? ''), { 1: 'a' });
        await world.control.deleteInstances({ instanceIds: [again.instanceId], force: true });
        await world.settle();
      }
    }
    assert.equal(world.repository.trees.size, 0, `nothing is kept for nobody: ${order.join(', ')}`);
  }
});

test('images are found by each filter', async (t) => {
  const world = await createWorld(t, 200);
  const { systemDiskId } = await runWritten(world);
  const [first, second] = [await world.takeSnapshot(systemDiskId), await world.takeSnapshot(systemDiskId)];
  const web = await createImage(world, {
    snapshotId: first,
    imageName: 'web_1',
    imageFamily: 'web',
    platform: 'Windows Server 2019',
    tags: [{ key: 'k', value: 'v' }],
  });
  const startMs = (await findImage(world, web))?.createdAtMs ?? 0;
  await world.clock.sleep(1000);
  const arm = await createImage(world, { snapshotId: second, imageName: 'webx1', architecture: 'arm64' });
  await world.control.modifyImage({ imageId: arm, status: 'Deprecated' });
  await run(world, { imageId: web });
  const cases: [Parameters<World['control']['listImages']>[0], string[]][] = [
    [{}, [arm, web, 'hupo_empty_20G']],
    [{ imageIds: [web, 'm-none'] }, [web]],
    [{ imageName: 'web' }, [arm, web]],
    [{ imageName: 'web_' }, [web]],
    [{ imageFamily: 'web' }, [web]],
    [{ ownerAlias: 'self' }, [arm, web]],
    [{ ownerAlias: 'marketplace' }, []],
    [{ osType: 'windows' }, [web]],
    [{ architectures: ['arm64'] }, [arm]],
    [{ architectures: [] }, []],
    [{ statuses: ['Deprecated'] }, [arm]],
    [{ statuses: [] }, []],
    [{ snapshotId: first }, [web]],
    [{ isUsed: true }, [web, 'hupo_empty_20G']],
    [{ isUsed: false }, [arm]],
    [{ createdFromMs: startMs + 1, ownerAlias: 'self' }, [arm]],
    [{ createdUntilMs: startMs, ownerAlias: 'self' }, [web]],
    [{ tags: [{ key: 'k', value: null }] }, [web]],
    [{ tags: [{ key: 'k', value: 'w' }] }, []],
  ];
  for (const [filter, expected] of cases) {
    const { items, totalCount } = await world.control.listImages(filter, allRows);
    assert.deepEqual(
      items.map(({ imageId }) => imageId),
      expected,
      JSON.stringify(filter),
    );
    assert.equal(totalCount, expected.length, JSON.stringify(filter));
  }
  const { items } = await world.control.listImages({}, { pageNumber: 2, pageSize: 1, nextToken: null });
  assert.deepEqual(
    items.map((image) => [image.imageId, image.isUsed]),
    [[web, true]],
  );
});

test('the usage of a snapshot says whether images and disks are made from it', async (t) => {
  const world = await createWorld(t, 200);
  const { diskId, systemDiskId } = await runWritten(world);
  const [system, data] = [await world.takeSnapshot(systemDiskId), await world.takeSnapshot(diskId)];
  await createImage(world, { disks: [mapping({ snapshotId: system }), mapping({ snapshotId: data })] });
  await run(world, { dataDisks: [dataDisk({ snapshotId: data })] });
  assert.equal((await world.snapshot(system))?.usage, 'image');
  assert.equal((await world.snapshot(data))?.usage, 'image_disk');
  for (const [usage, expected] of [
    ['image', [system]],
    ['image_disk', [data]],
    ['disk', []],
    ['none', []],
  ] as const) {
    const { items } = await world.control.listSnapshots({ usage }, allRows);
    assert.deepEqual(
      items.map(({ snapshotId }) => snapshotId),
      expected,
      usage,
    );
  }
  await assert.rejects(world.control.deleteSnapshot({ snapshotId: system, force: true }), {
    code: 'SnapshotCreatedImage',
  });
});

test('a repeated client token gives the one image', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId } = await runWritten(world);
  const create = (digest?: string) =>
    world.control.createImage(imageRequest({ instanceId }), token('CreateImage', digest));
  const [first, second] = await Promise.all([create(), create()]);
  assert.deepEqual(second, first);
  await world.settle();
  assert.deepEqual(await create(), first);
  await assert.rejects(create('other'), { code: 'IdempotentParameterMismatch' });
  assert.equal((await world.control.listSnapshots({}, allRows)).totalCount, 2);
  await checked(world);
});
