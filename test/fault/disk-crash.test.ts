/** What a death of the server at each act leaves of detaching, deleting, growing and re-initialising a disk. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { dieEverywhere } from '../control/die-everywhere.ts';
import { diskRequest, snapshotRequest, token } from '../control/world.ts';
import { RequestError } from '../../src/lib/errors.ts';
import { GIB } from '../../src/lib/geometry.ts';

test('DetachDisk is finished whenever the server dies, and the bytes are the same', async () => {
  const acts = await dieEverywhere({
    prepare: async (world) => {
      const { diskId, instanceId } = await world.runOne();
      world.diskd.write(diskId, 1, 'a');
      return { diskId, instanceId, answered: false };
    },
    act: async (world, prepared) => {
      await world.control.detachDisk({ ...prepared, deleteWithInstance: null });
      prepared.answered = true;
    },
    verify: async (world, { diskId, instanceId, answered }) => {
      const disk = await world.disk(diskId);
      const isAttached = disk?.instanceId === instanceId;
      assert.equal(disk?.status, isAttached ? 'In_use' : 'Available');
      assert.ok(!answered || !isAttached, 'it was answered');
      assert.deepEqual(world.diskWords(diskId), { 1: 'a' });
      if (isAttached) await world.control.detachDisk({ diskId, instanceId, deleteWithInstance: null });
      await world.power('stop', instanceId);
      await world.control.attachDisk({ diskId, instanceId, device: null, deleteWithInstance: false, bootable: false });
      await world.checkSettled();
    },
  });
  assert.ok(acts >= 3, `only ${acts} acts`);
});

test('DeleteDisk is finished whenever the server dies, and what the disk alone kept goes with it', async () => {
  const acts = await dieEverywhere({
    prepare: async (world) => {
      const { diskId } = await world.runOne();
      world.diskd.write(diskId, 1, 'a');
      const snapshotId = await world.takeSnapshot(diskId);
      const made = await world.control.createDisk(diskRequest({ snapshotId }));
      await world.control.deleteSnapshot({ snapshotId, force: true });
      return { diskId: made.diskId, answered: false };
    },
    act: async (world, prepared) => {
      await world.control.deleteDisk(prepared);
      prepared.answered = true;
    },
    verify: async (world, { diskId, answered }) => {
      const isThere = (await world.disk(diskId)) !== undefined;
      assert.ok(!answered || !isThere, 'it was answered');
      assert.equal(world.diskd.disks.has(diskId), isThere, 'the folder goes with the row');
      assert.equal(world.repository.trees.size, isThere ? 1 : 0, 'its base goes with it');
    },
  });
  assert.ok(acts >= 4, `only ${acts} acts`);
});

test('ResizeDisk has happened or not, whenever the server dies, and asking again with its token comes to it', async () => {
  const acts = await dieEverywhere({
    prepare: async (world) => {
      const { diskId } = await world.runOne();
      return { diskId, answered: false };
    },
    act: async (world, prepared) => {
      await world.control.resizeDisk({ ...prepared, sizeGib: 30, online: true }, token('ResizeDisk'));
      prepared.answered = true;
    },
    verify: async (world, { diskId, answered }) => {
      const sizeGib = (await world.disk(diskId))?.sizeGib;
      assert.ok(sizeGib === 30 || (!answered && sizeGib === 20), `${sizeGib} GiB`);
      assert.equal(world.diskd.disks.get(diskId)?.sizeBytes, (sizeGib ?? 0) * GIB);
      await world.control.resizeDisk({ diskId, sizeGib: 30, online: true }, token('ResizeDisk'));
      assert.equal((await world.disk(diskId))?.sizeGib, 30);
      const snapshotId = await world.takeSnapshot(diskId);
      assert.equal((await world.snapshot(snapshotId))?.sourceDiskSizeGib, 30);
    },
  });
  assert.ok(acts >= 3, `only ${acts} acts`);
});

test('a size that diskd refuses is taken back whenever the server dies, and asking again comes to it', async () => {
  await dieEverywhere({
    prepare: async (world) => {
      const { diskId } = await world.runOne();
      world.diskd.before = async (call) => {
        if (call === 'resizeDisk') throw new RequestError('OperationDenied', 'it refuses');
      };
      return { diskId };
    },
    act: (world, { diskId }) => world.control.resizeDisk({ diskId, sizeGib: 30, online: false }, token('ResizeDisk')),
    verify: async (world, { diskId }) => {
      assert.equal((await world.disk(diskId))?.sizeGib, 20);
      world.diskd.before = async () => undefined;
      await world.control.resizeDisk({ diskId, sizeGib: 30, online: false }, token('ResizeDisk'));
      assert.equal(world.diskd.disks.get(diskId)?.sizeBytes, 30 * GIB);
    },
  });
});

test('ReInitDisk has happened or not, whenever the server dies, and starts the instance where that was asked', async () => {
  const acts = await dieEverywhere({
    prepare: async (world) => {
      const { diskId, instanceId } = await world.runOne();
      world.diskd.write(diskId, 1, 'a');
      await world.power('stop', instanceId);
      return { diskId, instanceId, answered: false };
    },
    act: async (world, prepared) => {
      await world.control.reInitDisk({ diskId: prepared.diskId, autoStartInstance: true });
      prepared.answered = true;
    },
    verify: async (world, { diskId, instanceId, answered }) => {
      const isAnew = world.diskWords(diskId)[1] === undefined;
      const status = (await world.instance(instanceId))?.status;
      assert.equal(status, isAnew ? 'Running' : 'Stopped');
      assert.ok(!answered || isAnew, 'it was answered');
      if (!isAnew) await world.power('start', instanceId);
      await world.takeSnapshot(diskId);
    },
  });
  assert.ok(acts >= 6, `only ${acts} acts`);
});

test('a disk that is detached while its snapshot is made loses neither, whenever the server dies', async () => {
  await dieEverywhere({
    prepare: async (world) => {
      const { diskId, instanceId } = await world.runOne();
      world.diskd.write(diskId, 1, 'a');
      return { diskId, instanceId, snapshotId: '' };
    },
    act: async (world, prepared) => {
      prepared.snapshotId = (await world.control.createSnapshot(snapshotRequest(prepared.diskId))).snapshotId;
      await world.control.detachDisk({ ...prepared, deleteWithInstance: null });
    },
    verify: async (world, { diskId, snapshotId }) => {
      assert.ok(['Available', 'In_use'].includes((await world.disk(diskId))?.status ?? ''));
      if (snapshotId === '') return;
      assert.equal((await world.snapshot(snapshotId))?.status, 'accomplished');
      assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'a' });
    },
  });
});
