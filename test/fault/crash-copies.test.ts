/** Wherever the server dies, a copy of a snapshot or image comes to its end, whole, or was never begun. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { DEFAULT_RESOURCE_GROUP_ID } from '../../src/ecs/resource-groups.ts';
import { dieEverywhere } from '../control/die-everywhere.ts';
import { World, allRows, imageRequest } from '../control/world.ts';

interface Prepared {
  /** Another region of the server, which does not die. */
  source: World;
  snapshotId: string;
  imageId: string;
}

const WORDS = { 0: 'a', 1: 'b', 2: 'c' };
const named = {
  description: '',
  resourceGroupId: DEFAULT_RESOURCE_GROUP_ID,
  tags: [],
  destinationRegionId: 'cn-hangzhou',
};

async function prepare(world: World): Promise<Prepared> {
  const source = await World.create(200, 'cn-beijing', world.regions);
  const { diskId, instanceId } = await source.runOne();
  for (const [at, word] of Object.values(WORDS).entries()) source.diskd.write(diskId, at, word);
  const snapshotId = await source.takeSnapshot(diskId);
  const { imageId } = await source.control.createImage(imageRequest({ instanceId }));
  await source.settle();
  return { source, snapshotId, imageId };
}

test('CopySnapshot', async () => {
  const acts = await dieEverywhere<Prepared>({
    prepare,
    act: (_world, { source, snapshotId }) =>
      source.control.copySnapshot({ ...named, snapshotId, snapshotName: 'copied' }),
    verify: async (world, { source }) => {
      const { items } = await world.control.listSnapshots({}, allRows);
      assert.ok(items.length <= 1);
      for (const { status, snapshotId } of items) {
        assert.equal(status, 'accomplished');
        assert.deepEqual(world.snapshotWords(snapshotId), WORDS);
      }
      await source.end();
    },
  });
  assert.ok(acts > 10, `only ${acts} acts`);
});

test('DeleteSnapshot of a copy that is being made', async () => {
  await dieEverywhere<Prepared>({
    prepare,
    act: async (world, { source, snapshotId }) => {
      const copy = await source.control.copySnapshot({ ...named, snapshotId, snapshotName: 'copied' });
      await world.control.deleteSnapshot({ snapshotId: copy.snapshotId, force: false });
    },
    verify: async (world, { source }) => {
      const { items } = await world.control.listSnapshots({}, allRows);
      for (const { snapshotId } of items) assert.deepEqual(world.snapshotWords(snapshotId), WORDS);
      assert.equal(world.repository.manifests.size, items.length);
      await source.end();
    },
  });
});

test('CopyImage, and its cancelling', async () => {
  for (const isCancelled of [false, true]) {
    const acts = await dieEverywhere<Prepared>({
      prepare,
      act: async (world, { source, imageId }) => {
        const copy = await source.control.copyImage({ ...named, imageId, imageName: 'copied' });
        if (isCancelled) await world.control.cancelCopyImage(copy);
      },
      verify: async (world, { source }) => {
        const { items } = await world.control.listImages({ ownerAlias: 'self' }, allRows);
        const { items: snapshots } = await world.control.listSnapshots({}, allRows);
        assert.equal(snapshots.length, items.length * 2);
        for (const { status } of items) assert.equal(status, 'Available');
        await source.end();
      },
    });
    assert.ok(acts > 10, `only ${acts} acts`);
  }
});
