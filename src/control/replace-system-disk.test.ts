/** ReplaceSystemDisk: what the new system disk is, what stays of the old one, and what a death of the server leaves. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { dieEverywhere } from '../../test/control/die-everywhere.ts';
import { allRows, checked, createWorld, imageRequest, plainDisk, token } from '../../test/control/world.ts';
import type { World } from '../../test/control/world.ts';
import { EMPTY_IMAGE_ID } from './empty-image.ts';
import type { ReplaceSystemDiskRequest } from './requests.ts';

/** A stopped instance whose system disk holds `a`, a snapshot of that, an image of it, and what was written since. */
async function prepare(world: World) {
  const { instanceId, diskId: dataDiskId } = await world.runOne();
  const { diskId } = await systemDiskOf(world, instanceId);
  world.diskd.write(diskId, 1, 'a');
  const snapshotId = await world.takeSnapshot(diskId);
  const { imageId } = await world.control.createImage(imageRequest({ snapshotId }));
  await world.settle();
  world.diskd.write(diskId, 1, 'b');
  await world.power('stop', instanceId);
  return { instanceId, diskId, dataDiskId, snapshotId, imageId };
}

async function systemDiskOf(world: World, instanceId: string) {
  const { items } = await world.control.listDisks({ instanceId, type: 'system' }, allRows);
  const [disk, ...more] = items;
  assert.ok(disk !== undefined && more.length === 0, `${instanceId} has ${items.length} system disks`);
  return disk;
}

async function begin(t: TestContext) {
  const world = await createWorld(t);
  return { world, ...(await prepare(world)) };
}

function replace(world: World, request: Partial<ReplaceSystemDiskRequest> & { instanceId: string }, options?: object) {
  const whole = { imageId: EMPTY_IMAGE_ID, sizeGib: null, ...request };
  return world.control.replaceSystemDisk(whole, { idempotency: null, dryRun: false, ...options });
}

test('the new system disk has what the image holds, and the kind, name, flags and tags of the old one, which is gone', async (t) => {
  const { world, instanceId, diskId, snapshotId, imageId } = await begin(t);
  const changes = { diskIds: [diskId], diskName: 'boot', description: 'what it boots from', deleteWithInstance: false };
  await world.control.modifyDisks({ ...changes, enableAutoSnapshot: false });
  const tags = [{ key: 'k', value: 'v' }];
  await world.control.tagResources({ resourceType: 'disk', resourceIds: [diskId], tags });
  const before = await systemDiskOf(world, instanceId);
  const { diskId: newId } = await replace(world, { instanceId, imageId });
  assert.notEqual(newId, diskId);
  await world.settle();
  const after = await systemDiskOf(world, instanceId);
  assert.equal(after.diskId, newId);
  for (const name of [
    'diskName',
    'description',
    'category',
    'performanceLevel',
    'sizeGib',
    'device',
    'status',
  ] as const)
    assert.equal(after[name], before[name], name);
  for (const name of ['deleteWithInstance', 'deleteAutoSnapshot', 'enableAutoSnapshot', 'portable'] as const)
    assert.equal(after[name], before[name], name);
  assert.deepEqual([after.imageId, after.sourceSnapshotId, after.tags], [imageId, null, tags]);
  assert.equal((await world.instance(instanceId))?.imageId, imageId);
  assert.deepEqual(world.diskWords(newId), { 1: 'a' });
  assert.equal(world.diskd.disks.has(diskId), false, 'its bytes are gone');
  assert.equal(await world.disk(diskId), undefined);
  assert.equal((await world.snapshot(snapshotId))?.sourceDiskId, diskId, 'its snapshots stay');
  await assert.rejects(world.control.resetDisk({ diskId: newId, snapshotId }), { code: 'InvalidParameter.Mismatch' });
  await world.power('start', instanceId);
  world.diskd.write(newId, 2, 'c');
  await world.takeSnapshot(newId);
  await checked(world);
});

test('the size is that of the old disk, of the image, or 40 GiB, whichever is most; or a larger one that is asked for', async (t) => {
  const { world, instanceId, diskId } = await begin(t);
  const sizeAfter = async (sizeGib: number | null) => {
    const { diskId: newId } = await replace(world, { instanceId, sizeGib });
    await world.settle();
    return (await world.disk(newId))?.sizeGib;
  };
  assert.equal((await world.disk(diskId))?.sizeGib, 40);
  assert.equal(await sizeAfter(null), 40);
  assert.equal(await sizeAfter(60), 60);
  assert.equal(await sizeAfter(null), 60);
  await assert.rejects(sizeAfter(59), { code: 'InvalidSystemDiskSize.LessThanMinSize' });
  await assert.rejects(sizeAfter(19), { code: 'InvalidSystemDiskSize.LessThanImageSize' });
  await assert.rejects(sizeAfter(2049), { code: 'InvalidSystemDiskSize.MoreThanMaxSize' });
  await checked(world);
});

test('the same token gives the same disk, also while it is being made; another request with it is refused', async (t) => {
  const { world, instanceId } = await begin(t);
  const once = token('ReplaceSystemDisk');
  const held = Promise.withResolvers<void>();
  world.diskd.before = (name) => (name === 'createDisk' ? held.promise : Promise.resolve());
  const first = replace(world, { instanceId }, once);
  await world.until('it to be asked', async () => world.diskd.calls.includes('createDisk'));
  const second = replace(world, { instanceId }, once);
  held.resolve();
  assert.deepEqual(await second, await first);
  await world.settle();
  assert.deepEqual(await replace(world, { instanceId }, once), await first);
  await assert.rejects(replace(world, { instanceId }, token('ReplaceSystemDisk', 'other')), {
    code: 'IdempotentParameterMismatch',
  });
  await checked(world);
});

test('while it is replaced the instance cannot be started, deleted or imaged, and its disk is ReIniting', async (t) => {
  const { world, instanceId, diskId, imageId } = await begin(t);
  const held = Promise.withResolvers<void>();
  world.diskd.before = (name) => (name === 'createDisk' ? held.promise : Promise.resolve());
  const { diskId: newId } = await replace(world, { instanceId, imageId });
  assert.equal((await systemDiskOf(world, instanceId)).status, 'ReIniting');
  assert.equal((await world.disk(newId))?.status, 'Creating');
  await assert.rejects(world.power('start', instanceId), { code: 'IncorrectInstanceStatus' });
  await assert.rejects(world.control.deleteInstances({ instanceIds: [instanceId], force: true }));
  await assert.rejects(world.control.createImage(imageRequest({ instanceId })), { code: 'IncorrectDiskStatus' });
  await assert.rejects(replace(world, { instanceId }), { code: 'IncorrectDiskStatus' });
  await assert.rejects(world.control.deleteDisk({ diskId: newId }), { code: 'IncorrectDiskStatus.Initializing' });
  await world.control.deleteImage({ imageId, force: true });
  held.resolve();
  await world.settle();
  assert.equal((await systemDiskOf(world, instanceId)).diskId, newId);
  assert.equal(
    (await world.instance(instanceId))?.imageId,
    imageId,
    'an image that is deleted meanwhile is still named',
  );
  assert.deepEqual(world.diskWords(newId), { 1: 'a' });
  assert.deepEqual((await world.disk(diskId)) ?? null, null);
  await checked(world);
});

test('a disk that cannot be made leaves the instance as it was, and the token free', async (t) => {
  const { world, instanceId, diskId, imageId } = await begin(t);
  world.diskd.before = async (name) => {
    if (name === 'createDisk') throw new Error('no room');
  };
  const once = token('ReplaceSystemDisk');
  await assert.rejects(replace(world, { instanceId, imageId }, once));
  await world.control.deleteImage({ imageId, force: true });
  await world.settle();
  const left = await systemDiskOf(world, instanceId);
  assert.deepEqual([left.diskId, left.status], [diskId, 'In_use']);
  assert.deepEqual(world.diskWords(diskId), { 1: 'b' });
  world.diskd.before = async () => undefined;
  const { diskId: newId } = await replace(world, { instanceId }, once);
  await world.settle();
  assert.equal((await systemDiskOf(world, instanceId)).diskId, newId);
  await checked(world);
});

test('of a basic disk the new one is basic, and it is refused while a snapshot of the old one is made', async (t) => {
  const world = await createWorld(t);
  const { instanceId } = await world.runOne(plainDisk);
  const { diskId } = await systemDiskOf(world, instanceId);
  await assert.rejects(replace(world, { instanceId }), { code: 'IncorrectInstanceStatus' });
  const upload = world.holdUploads();
  await world.beginSnapshot(diskId);
  await world.power('stop', instanceId);
  await assert.rejects(replace(world, { instanceId }), { code: 'DiskCreatingSnapshot' });
  upload.release();
  await world.settle();
  await replace(world, { instanceId });
  await checked(world);
});

test('an instance has one system disk, the old or the new one, whenever the server dies', async () => {
  const ends = new Set<string>();
  const acts = await dieEverywhere({
    prepare: async (world) => ({ ...(await prepare(world)), answered: '' }),
    act: async (world, prepared) => {
      const { instanceId, imageId } = prepared;
      prepared.answered = (await replace(world, { instanceId, imageId }, token('ReplaceSystemDisk'))).diskId;
    },
    verify: async (world, { instanceId, imageId, diskId, answered }) => {
      const now = await systemDiskOf(world, instanceId);
      ends.add(now.diskId === diskId ? 'old' : 'new');
      if (answered !== '') assert.equal(now.diskId, answered, 'what was answered comes to be');
      assert.deepEqual(world.diskWords(now.diskId), { 1: now.diskId === diskId ? 'b' : 'a' });
      assert.equal(world.diskd.disks.size, 2, 'no disk is left behind');
      const again = await replace(world, { instanceId, imageId }, token('ReplaceSystemDisk'));
      await world.settle();
      assert.equal((await systemDiskOf(world, instanceId)).diskId, again.diskId);
      if (now.diskId !== diskId) assert.equal(again.diskId, now.diskId, 'one token, one disk');
      await world.power('start', instanceId);
      assert.equal((await world.instance(instanceId))?.status, 'Running');
      await world.takeSnapshot(again.diskId);
      await world.checkSettled();
    },
  });
  assert.ok(acts >= 4, `only ${acts} acts`);
  assert.deepEqual([...ends].sort(), ['new', 'old'], 'both ends were met');
});

test('undone after the swap, as in a catalog that was restored from a copy, it goes forward', async (t) => {
  const { world, instanceId, diskId, imageId } = await begin(t);
  world.diskd.before = async (name) => {
    if (name === 'deleteDisk') throw new Error('not now');
  };
  const { diskId: newId } = await replace(world, { instanceId, imageId });
  await world.catalog.queries.updateTable('operations').set({ undoing: 1, reason: 'restored' }).execute();
  world.diskd.before = async () => undefined;
  await world.restart();
  await world.settle();
  assert.equal((await systemDiskOf(world, instanceId)).diskId, newId);
  assert.equal(world.diskd.disks.has(diskId), false);
  assert.deepEqual(world.diskWords(newId), { 1: 'a' });
  await checked(world);
});
