/** The crash tables of rebooting and deleting instances: the server dies before, and after, each of its acts. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { dieEverywhere } from '../control/die-everywhere.ts';
import { allRows, dataDisk, runRequest, token } from '../control/world.ts';
import type { World } from '../control/world.ts';

test('RebootInstance ends Running with its data, whenever the server dies', async () => {
  const acts = await dieEverywhere({
    prepare: async (world) => {
      const ids = await world.runOne();
      world.diskd.write(ids.diskId, 1, 'a');
      return ids;
    },
    act: (world, { instanceId }) => world.power('reboot', instanceId),
    verify: async (world, { instanceId, diskId }) => {
      assert.equal((await world.instance(instanceId))?.status, 'Running');
      assert.deepEqual(world.diskWords(diskId), { 1: 'a' });
      world.diskd.write(diskId, 2, 'b');
      await world.power('reboot', instanceId);
      await world.takeSnapshot(diskId);
    },
  });
  assert.ok(acts >= 7, `only ${acts} acts`);
});

test('a reboot that cannot flush is undone to Running, whenever the server dies', async () => {
  await dieEverywhere({
    prepare: async (world) => {
      const ids = await world.runOne();
      const disk = world.diskd.disks.get(ids.diskId);
      assert.ok(disk);
      disk.syncFailure = 'a sync failed';
      return ids;
    },
    act: (world, { instanceId }) => world.power('reboot', instanceId),
    verify: async (world, { instanceId }) => {
      assert.equal((await world.instance(instanceId))?.status, 'Running');
    },
  });
});

async function prepareDeletion(world: World) {
  const source = await world.runOne();
  world.diskd.write(source.diskId, 1, 'a');
  const snapshotId = await world.takeSnapshot(source.diskId);
  const made = (deleteWithInstance: boolean) => dataDisk({ snapshotId, deleteWithInstance });
  const request = runRequest({ dataDisks: [made(true), made(false)], tags: [{ key: 'k', value: 'v' }] });
  const { instanceIds } = await world.control.runInstances(request);
  const [instanceId = ''] = instanceIds;
  await world.settle();
  const { items } = await world.control.listDisks({ instanceId, type: 'data' }, allRows);
  const kept = items.find(({ deleteWithInstance }) => !deleteWithInstance)?.diskId ?? '';
  await world.control.deleteSnapshot({ snapshotId, force: true });
  return { instanceId, kept, other: source.instanceId, answered: false };
}

async function verifyDeletion(
  world: World,
  { instanceId, kept, answered }: Awaited<ReturnType<typeof prepareDeletion>>,
): Promise<void> {
  if (answered) assert.equal(await world.instance(instanceId), undefined, 'it was answered');
  if ((await world.instance(instanceId)) !== undefined) {
    await world.control.deleteInstances({ instanceIds: [instanceId], force: true });
    await world.settle();
  }
  assert.equal((await world.disk(kept))?.status, 'Available');
  assert.deepEqual(world.diskWords(kept), { 1: 'a' });
  assert.equal(world.diskd.disks.size, 3, 'the disks that go with it are gone, no other');
  const tags = await world.catalog.queries.selectFrom('tags').select('resource_id').execute();
  assert.deepEqual(
    tags.map((row) => row.resource_id),
    [kept],
    'tags go with what they are of',
  );
  await world.checkSettled();
}

for (const running of [true, false]) {
  test(`a ${running ? 'running' : 'stopped'} instance is deleted whole or is there, whenever the server dies`, async () => {
    const acts = await dieEverywhere({
      prepare: async (world) => {
        const prepared = await prepareDeletion(world);
        if (!running) await world.power('stop', prepared.instanceId);
        return prepared;
      },
      act: async (world, prepared) => {
        await world.control.deleteInstances({ instanceIds: [prepared.instanceId], force: running });
        prepared.answered = true;
      },
      verify: verifyDeletion,
    });
    assert.ok(acts >= 5, `only ${acts} acts`);
  });
}

test('DeleteInstances with a token is repeated safely, whenever the server dies', async () => {
  await dieEverywhere({
    prepare: async (world) => {
      const { instanceIds } = await world.control.runInstances(runRequest({ amount: 2 }));
      return instanceIds;
    },
    act: (world, instanceIds) => world.control.deleteInstances({ instanceIds, force: true }, token('DeleteInstances')),
    verify: async (world, instanceIds) => {
      await world.control.deleteInstances({ instanceIds, force: true }, token('DeleteInstances'));
      await world.settle();
      assert.equal((await world.control.listInstances({}, allRows)).totalCount, 0);
      assert.equal(world.diskd.disks.size, 0);
    },
  });
});
