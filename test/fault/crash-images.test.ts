/**
 * The crash table of images (`docs/design.md`): the server dies before, and after, each of its acts while an image is made,
 * deleted, or makes instances. The next one must come to a whole image or to one that says why it failed.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { dieEverywhere } from '../control/die-everywhere.ts';
import { type World, allRows, imageRequest, runRequest, token } from '../control/world.ts';
import type { Image } from '../../src/ecs/resources.ts';

const nothing = imageRequest({ imageName: 'web' });

/** A running instance whose system disk holds `a` and whose data disk holds `b`. */
async function runWritten(world: World) {
  const { instanceId, diskId } = await world.runOne();
  const { items } = await world.control.listDisks({ instanceId, type: 'system' }, allRows);
  const systemDiskId = items[0]?.diskId ?? '';
  world.diskd.write(systemDiskId, 1, 'a');
  world.diskd.write(diskId, 2, 'b');
  return { instanceId, systemDiskId };
}

async function ownImages(world: World): Promise<Image[]> {
  return (await world.control.listImages({ ownerAlias: 'self' }, allRows)).items;
}

/** What the disks of a new instance of the image hold, in device order. */
async function readInstanceOf(world: World, imageId: string) {
  const { instanceIds } = await world.control.runInstances(runRequest({ imageId, dataDisks: [] }));
  await world.settle();
  const { items } = await world.control.listDisks({ instanceId: instanceIds[0] ?? '' }, allRows);
  const disks = items.toSorted((a, b) => (a.device ?? '').localeCompare(b.device ?? ''));
  return disks.map(({ diskId }) => world.diskWords(diskId));
}

test('an image of an instance ends Available or CreateFailed, whenever the server dies, and asking again makes it once', async () => {
  const statuses = new Set<string>();
  const acts = await dieEverywhere({
    prepare: async (world) => ({ ...(await runWritten(world)), answered: '' }),
    act: async (world, prepared) => {
      const request = { ...nothing, instanceId: prepared.instanceId };
      prepared.answered = (await world.control.createImage(request, token('CreateImage'))).imageId;
    },
    verify: async (world, { instanceId, answered }) => {
      const before = await ownImages(world);
      for (const { status, failureReason } of before) {
        statuses.add(status);
        assert.ok(['Available', 'CreateFailed'].includes(status), status);
        if (status === 'CreateFailed') assert.match(failureReason ?? '', /the server ended/);
      }
      const { imageId } = await world.control.createImage({ ...nothing, instanceId }, token('CreateImage'));
      await world.settle();
      const [image, ...more] = (await ownImages(world)).filter(({ status }) => status !== 'CreateFailed');
      assert.deepEqual(more, [], 'one token, one image');
      assert.deepEqual(
        [image?.imageId, image?.status],
        [imageId, 'Available'],
        'asking again makes it, whatever failed',
      );
      if (answered !== '') assert.equal(imageId, answered, 'what was answered comes to be');
      assert.deepEqual(await readInstanceOf(world, imageId), [{ 1: 'a' }, { 2: 'b' }]);
      await world.settle();
      await world.checkSettled();
    },
  });
  assert.ok(acts >= 16, `only ${acts} acts`);
  assert.deepEqual([...statuses].sort(), ['Available', 'CreateFailed'], 'both ends were met');
});

test('an image of a snapshot is there or not, whenever the server dies', async () => {
  const acts = await dieEverywhere({
    prepare: async (world) => {
      const { systemDiskId } = await runWritten(world);
      return { snapshotId: await world.takeSnapshot(systemDiskId) };
    },
    act: (world, { snapshotId }) => world.control.createImage({ ...nothing, snapshotId }, token('CreateImage')),
    verify: async (world, { snapshotId }) => {
      const { imageId } = await world.control.createImage({ ...nothing, snapshotId }, token('CreateImage'));
      await world.settle();
      assert.deepEqual(
        (await ownImages(world)).map((image) => [image.imageId, image.status]),
        [[imageId, 'Available']],
      );
      assert.deepEqual(await readInstanceOf(world, imageId), [{ 1: 'a' }]);
    },
  });
  assert.ok(acts >= 2, `only ${acts} acts`);
});

test('a deleted image returns its bytes, whenever the server dies', async () => {
  const acts = await dieEverywhere({
    prepare: async (world) => {
      const { instanceId, systemDiskId } = await runWritten(world);
      const snapshotId = await world.takeSnapshot(systemDiskId);
      const { imageId } = await world.control.createImage({ ...nothing, snapshotId });
      await world.settle();
      await world.control.deleteInstances({ instanceIds: [instanceId], force: true });
      return { snapshotId, imageId };
    },
    act: async (world, { snapshotId, imageId }) => {
      await world.control.deleteImage({ imageId, force: false });
      await world.control.deleteSnapshot({ snapshotId, force: false });
    },
    verify: async (world, { snapshotId, imageId }) => {
      const image = (await ownImages(world))[0];
      const snapshot = await world.snapshot(snapshotId);
      assert.equal(snapshot === undefined && image !== undefined, false, 'the snapshot goes after its image');
      assert.equal(world.repository.trees.size, snapshot === undefined ? 0 : 1);
      if (image !== undefined) assert.deepEqual(await readInstanceOf(world, imageId), [{ 1: 'a' }]);
    },
  });
  assert.ok(acts >= 4, `only ${acts} acts`);
});

test('instances that are not started are all Stopped or not there, whenever the server dies', async () => {
  const acts = await dieEverywhere({
    prepare: async () => undefined,
    act: (world) => world.control.runInstances(runRequest({ start: false }), token('CreateInstance')),
    verify: async (world) => {
      const { instanceIds } = await world.control.runInstances(runRequest({ start: false }), token('CreateInstance'));
      await world.settle();
      assert.equal((await world.instance(instanceIds[0] ?? ''))?.status, 'Stopped');
      assert.equal(world.diskd.disks.size, 2, 'no disk twice');
    },
  });
  assert.ok(acts >= 5, `only ${acts} acts`);
});
