/** The crash tables of imports and exports of images: the server dies before, and after, each of its acts. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { dieEverywhere } from '../control/die-everywhere.ts';
import { type World, allRows, imageRequest, token } from '../control/world.ts';
import { importRequest, putFiles, ownImages, readInstanceOf } from '../control/imports.ts';

test('an import is whole and made once, whenever the server dies', async () => {
  const acts = await dieEverywhere({
    prepare: async (world) => {
      putFiles(world);
      return { answered: '' };
    },
    act: async (world, prepared) => {
      prepared.answered = (await world.control.importImage(importRequest(), token('ImportImage'))).imageId;
    },
    verify: async (world, { answered }) => {
      const { imageId } = await world.control.importImage(importRequest(), token('ImportImage'));
      await world.settle();
      if (answered !== '') assert.equal(imageId, answered);
      const [image, ...more] = await ownImages(world);
      assert.deepEqual([image?.imageId, image?.status, more], [imageId, 'Available', []]);
      assert.equal(world.repository.manifests.size, 2, 'a snapshot for each disk, and no more');
      assert.equal((await world.control.listSnapshots({}, allRows)).totalCount, 2);
      assert.equal(world.diskd.disks.size, 0);
      const { items } = await world.control.listTasks({}, allRows);
      assert.deepEqual(
        items.map(({ status }) => status),
        ['Finished'],
      );
      assert.deepEqual(await readInstanceOf(world, imageId), [
        { 1: 'a', 2: 'b' },
        { 3: 'c', 4: 'd' },
      ]);
      await world.checkSettled();
    },
  });
  assert.ok(acts >= 30, `only ${acts} acts`);
});

test('a cancelled import leaves nothing, or had come to its end, whenever the server dies', async () => {
  const ends = new Set<string>();
  await dieEverywhere({
    prepare: async (world) => {
      putFiles(world);
      return { taskId: '' };
    },
    act: async (world, prepared) => {
      prepared.taskId = (await world.control.importImage(importRequest())).taskId;
      await world.until('a snapshot', async () => world.diskd.calls.includes('freeze'));
      await world.control.cancelTask(prepared);
    },
    verify: async (world, { taskId }) => {
      if (taskId === '') return;
      const { status } = await world.control.getTask(taskId);
      ends.add(status);
      const images = await ownImages(world);
      assert.deepEqual(
        images.map((image) => image.status),
        status === 'Finished' ? ['Available'] : [],
      );
      assert.equal(world.diskd.disks.size, 0);
      assert.equal(world.repository.trees.size, status === 'Finished' ? 2 : 0, 'no bytes are left');
    },
  });
  assert.deepEqual([...ends].sort(), ['Failed', 'Finished'], 'both ends were met');
});

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

test('an export has all of its files or none, whenever the server dies, and is cancelled like that', async () => {
  for (const isCancelled of [false, true]) {
    const acts = await dieEverywhere({
      prepare: async (world) => ({ ...(await prepare(world)), taskId: '' }),
      act: async (world, prepared) => {
        prepared.taskId = (
          await world.control.exportImage({ imageId: prepared.imageId, bucket: 'images', prefix: '', format: 'qcow2' })
        ).taskId;
        if (isCancelled) await world.control.cancelTask(prepared);
      },
      verify: async (world, { taskId }) => {
        const tasks = (await world.control.listTasks({}, allRows)).items;
        if (taskId !== '') assert.equal(tasks.length, 1, 'what was answered is there');
        const isWhole = tasks[0]?.status === 'Finished';
        if (!isCancelled && tasks.length > 0) assert.ok(isWhole, 'nothing but CancelTask ends it');
        assert.equal(world.exchange.files.size, isWhole ? 2 : 0);
        assert.equal(world.exchange.list().length, isWhole ? 2 : 0);
        const words = [...world.exchange.files.values()].map((file) => file.words);
        assert.deepEqual(words, isWhole ? [{ 1: 'a' }, { 2: 'b' }] : []);
      },
    });
    assert.ok(acts >= 4, `only ${acts} acts`);
  }
});
