/**
 * The crash tables of `docs/design.md`: the server dies before, and after, its first, second, third … act on the world
 * (a transaction, a call to diskd, an upload, an act on the repository). The next one must finish or undo everything.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { dieEverywhere } from '../../test/control/die-everywhere.ts';
import { diskRequest, runRequest, snapshotRequest, token } from '../../test/control/world.ts';

test('CreateSnapshot survives a death at each of its steps', async () => {
  const acts = await dieEverywhere({
    prepare: async (world) => {
      const { diskId } = await world.runOne();
      world.diskd.write(diskId, 1, 'a');
      const parent = await world.takeSnapshot(diskId);
      world.diskd.write(diskId, 2, 'b');
      return { diskId, parent };
    },
    act: (world, { diskId }) => world.control.createSnapshot(snapshotRequest(diskId), token('CreateSnapshot')),
    verify: async (world, { diskId, parent }) => {
      const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId), token('CreateSnapshot'));
      await world.until('the snapshot', async () => (await world.snapshot(snapshotId))?.status !== 'progressing');
      assert.equal((await world.snapshot(snapshotId))?.status, 'accomplished', 'asking again comes to a snapshot');
      assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'a', 2: 'b' });
      assert.deepEqual(world.snapshotWords(parent), { 1: 'a' });
    },
  });
  assert.ok(acts >= 12, `only ${acts} acts`);
});

test('a snapshot that was answered is never lost by a death', async () => {
  await dieEverywhere({
    prepare: async (world) => ({ ...(await world.runOne()), answered: '' }),
    act: async (world, prepared) => {
      world.diskd.write(prepared.diskId, 1, 'a');
      prepared.answered = (await world.control.createSnapshot(snapshotRequest(prepared.diskId))).snapshotId;
    },
    verify: async (world, { answered }) => {
      if (answered === '') return;
      assert.equal((await world.snapshot(answered))?.status, 'accomplished');
      assert.deepEqual(world.snapshotWords(answered), { 1: 'a' });
    },
  });
});

test('a cancelled snapshot leaves nothing, whenever the server dies', async () => {
  await dieEverywhere({
    prepare: (world) => world.runOne(),
    act: async (world, { diskId }) => {
      const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId));
      await world.control.deleteSnapshot({ snapshotId, force: false });
    },
    verify: async (world, { diskId }) => {
      const next = await world.takeSnapshot(diskId);
      assert.deepEqual(world.snapshotWords(next), {});
    },
  });
});

test('DeleteSnapshot is finished whenever the server dies', async () => {
  const acts = await dieEverywhere({
    prepare: async (world) => {
      const { diskId } = await world.runOne();
      world.diskd.write(diskId, 1, 'a');
      const first = await world.takeSnapshot(diskId);
      world.diskd.write(diskId, 1, 'b');
      return { first, second: await world.takeSnapshot(diskId) };
    },
    act: (world, { first }) => world.control.deleteSnapshot({ snapshotId: first, force: false }),
    verify: async (world, { first, second }) => {
      assert.deepEqual(world.snapshotWords(second), { 1: 'b' });
      const isThere = (await world.snapshot(first)) !== undefined;
      assert.equal(world.repository.trees.size, isThere ? 2 : 1, 'its bytes go with it');
    },
  });
  assert.ok(acts >= 4, `only ${acts} acts`);
});

test('ResetDisk has happened or not, whenever the server dies', async () => {
  const acts = await dieEverywhere({
    prepare: async (world) => {
      const { diskId, instanceId } = await world.runOne();
      world.diskd.write(diskId, 1, 'a');
      const snapshotId = await world.takeSnapshot(diskId);
      world.diskd.write(diskId, 1, 'b');
      await world.power('stop', instanceId);
      return { diskId, instanceId, snapshotId, answered: false };
    },
    act: async (world, prepared) => {
      await world.control.resetDisk(prepared);
      prepared.answered = true;
    },
    verify: async (world, { diskId, instanceId, answered }) => {
      const words = world.diskWords(diskId);
      assert.ok(words[1] === 'a' || (!answered && words[1] === 'b'));
      await world.power('start', instanceId);
      assert.equal((await world.instance(instanceId))?.status, 'Running');
      await world.takeSnapshot(diskId);
    },
  });
  assert.ok(acts >= 3, `only ${acts} acts`);
});

test('RunInstances gives running instances or none, whenever the server dies', async () => {
  const acts = await dieEverywhere({
    prepare: async () => undefined,
    act: (world) => world.control.runInstances(runRequest({ amount: 2 }), token('RunInstances')),
    verify: async (world) => {
      const { instanceIds } = await world.control.runInstances(runRequest({ amount: 2 }), token('RunInstances'));
      await world.settle();
      for (const instanceId of instanceIds) assert.equal((await world.instance(instanceId))?.status, 'Running');
      assert.equal(world.diskd.disks.size, 4, 'no disk twice');
    },
  });
  assert.ok(acts >= 11, `only ${acts} acts`);
});

test('CreateDisk, AttachDisk, StopInstance and StartInstance are finished whenever the server dies', async () => {
  await dieEverywhere({
    prepare: (world) => world.runOne(),
    act: async (world, { instanceId }) => {
      const { diskId } = await world.control.createDisk(diskRequest(), token('CreateDisk'));
      await world.control.attachDisk({ diskId, instanceId, device: null, deleteWithInstance: false, bootable: false });
      await world.power('stop', instanceId);
      await world.power('start', instanceId);
    },
    verify: async (world, { instanceId }) => {
      const status = (await world.instance(instanceId))?.status ?? '';
      assert.ok(['Running', 'Stopped'].includes(status), status);
      const { diskId } = await world.control.createDisk(diskRequest(), token('CreateDisk'));
      assert.ok(['Available', 'In_use'].includes((await world.disk(diskId))?.status ?? ''));
    },
  });
});

test('an import is complete or gone, whenever the server dies', async () => {
  await dieEverywhere({
    prepare: async () => ({ diskId: '', completed: false }),
    act: async (world, prepared) => {
      prepared.diskId = (await world.control.beginImport(diskRequest())).diskId;
      world.diskd.write(prepared.diskId, 1, 'a');
      await world.control.completeImport({ diskId: prepared.diskId });
      prepared.completed = true;
    },
    verify: async (world, { diskId, completed }) => {
      const disk = await world.disk(diskId);
      if (completed) assert.equal(disk?.status, 'Available');
      if (disk !== undefined) assert.deepEqual(world.diskWords(diskId), { 1: 'a' });
    },
  });
});
