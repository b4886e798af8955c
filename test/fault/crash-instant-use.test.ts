/** What a death of the server at each act leaves of disks that stand on snapshots which are not stored yet (C12). */
import assert from 'node:assert/strict';
import test from 'node:test';
import { dieEverywhere } from '../control/die-everywhere.ts';
import { type World, allRows, diskRequest } from '../control/world.ts';

interface Made {
  diskId: string;
  instanceId: string;
  /** Once it was answered, and Available. */
  snapshotId?: string;
  /** Once it was answered. */
  madeId?: string;
}

const prepare = async (world: World): Promise<Made> => {
  const one = await world.runOne();
  world.diskd.write(one.diskId, 1, 'a');
  return one;
};

async function makeDisk(world: World, made: Made): Promise<void> {
  made.snapshotId = await world.beginSnapshot(made.diskId);
  const { diskId } = await world.control.createDisk(diskRequest({ snapshotId: made.snapshotId }));
  made.madeId = diskId;
}

/** Nobody loses what was answered. */
async function verifyMade(world: World, { snapshotId, madeId }: Made): Promise<void> {
  if (madeId !== undefined) assert.deepEqual(world.diskWords(madeId), { 1: 'a' });
  if (snapshotId === undefined) return;
  assert.equal((await world.snapshot(snapshotId))?.status, 'accomplished');
  assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'a' });
  const { items } = await world.control.listDisks({ sourceSnapshotId: snapshotId }, allRows);
  for (const { diskId } of items) assert.deepEqual(world.diskWords(diskId), { 1: 'a' });
}

test('a disk that is made from a snapshot before it is stored keeps its bytes, whenever the server dies', async () => {
  const acts = await dieEverywhere<Made>({ prepare, holdsUploads: true, act: makeDisk, verify: verifyMade });
  assert.ok(acts >= 20, `only ${acts} acts`);
});

test('a disk that goes before the snapshot that it stands on is stored holds nothing up, whenever the server dies', async () => {
  const acts = await dieEverywhere<Made>({
    prepare,
    holdsUploads: true,
    act: async (world, made) => {
      await makeDisk(world, made);
      const { madeId: diskId = '' } = made;
      delete made.madeId;
      await world.control.deleteDisk({ diskId });
    },
    verify: verifyMade,
  });
  assert.ok(acts >= 20, `only ${acts} acts`);
});

test('a rollback to a snapshot before it is stored has happened or not, whenever the server dies', async () => {
  const acts = await dieEverywhere<Made & { isBack?: true }>({
    prepare,
    holdsUploads: true,
    act: async (world, made) => {
      made.snapshotId = await world.beginSnapshot(made.diskId);
      world.diskd.write(made.diskId, 1, 'b');
      await world.power('stop', made.instanceId);
      await world.control.resetDisk({ diskId: made.diskId, snapshotId: made.snapshotId });
      made.isBack = true;
    },
    verify: async (world, made) => {
      await verifyMade(world, made);
      const word = world.diskWords(made.diskId)[1];
      assert.ok(word === 'a' || (made.isBack === undefined && word === 'b'), `it holds ${word}`);
      const next = await world.takeSnapshot(made.diskId);
      assert.deepEqual(world.snapshotWords(next), { 1: word });
    },
  });
  assert.ok(acts >= 18, `only ${acts} acts`);
});

test('a disk made from a snapshot of a disk that stands on another keeps its bytes, whenever the server dies', async () => {
  const acts = await dieEverywhere<Made & { ofChild?: string; grandchild?: string }>({
    prepare,
    holdsUploads: true,
    act: async (world, made) => {
      await makeDisk(world, made);
      const { madeId: diskId = '', instanceId } = made;
      await world.control.attachDisk({ diskId, instanceId, device: null, deleteWithInstance: false, bootable: false });
      made.ofChild = await world.beginSnapshot(diskId);
      made.grandchild = (await world.control.createDisk(diskRequest({ snapshotId: made.ofChild }))).diskId;
      await world.power('stop', instanceId);
      await world.control.resetDisk({ diskId, snapshotId: made.ofChild });
    },
    verify: async (world, made) => {
      await verifyMade(world, made);
      if (made.ofChild !== undefined) assert.deepEqual(world.snapshotWords(made.ofChild), { 1: 'a' });
      if (made.grandchild !== undefined) assert.deepEqual(world.diskWords(made.grandchild), { 1: 'a' });
    },
  });
  assert.ok(acts >= 35, `only ${acts} acts`);
});

test('a snapshot that is deleted by force under a disk goes, and the disk stays, whenever the server dies', async () => {
  const acts = await dieEverywhere<Made & { isDeleted?: true }>({
    prepare,
    holdsUploads: true,
    act: async (world, made) => {
      await makeDisk(world, made);
      await world.control.deleteSnapshot({ snapshotId: made.snapshotId ?? '', force: true });
      made.isDeleted = true;
    },
    verify: async (world, made) => {
      const { snapshotId = '', isDeleted } = made;
      const isThere = (await world.snapshot(snapshotId)) !== undefined;
      assert.equal(world.repository.manifests.has(snapshotId), isThere);
      assert.ok(!isThere || isDeleted === undefined);
      if (made.madeId !== undefined) assert.deepEqual(world.diskWords(made.madeId), { 1: 'a' });
    },
  });
  assert.ok(acts >= 20, `only ${acts} acts`);
});

test('a snapshot that fails under a disk is tried until it works, whenever the server dies', async () => {
  const acts = await dieEverywhere<Made>({
    prepare,
    holdsUploads: true,
    act: async (world, made) => {
      world.transfer.failuresLeft = 3;
      await makeDisk(world, made);
    },
    verify: async (world, { snapshotId, madeId }) => {
      if (madeId !== undefined) assert.deepEqual(world.diskWords(madeId), { 1: 'a' });
      const status = snapshotId === undefined ? 'failed' : (await world.snapshot(snapshotId))?.status;
      assert.ok(['failed', 'accomplished'].includes(status ?? ''), `it is ${status}`);
      world.transfer.failuresLeft = 0;
    },
  });
  assert.ok(acts >= 20, `only ${acts} acts`);
});
