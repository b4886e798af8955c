/** What is kept for undoing a rollback gives way while it is being stored: nobody is refused anything, or waits, because of it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { dieEverywhere } from '../../test/control/die-everywhere.ts';
import { allRows, checked, createWorld, groupRequest, plainDisk, snapshotRequest } from '../../test/control/world.ts';
import type { World } from '../../test/control/world.ts';
import type { Snapshot } from '../ecs/resources.ts';
import { EMPTY_IMAGE_ID } from './empty-image.ts';

const kinds = [
  ['an ESSD disk', {}],
  ['another disk', plainDisk],
] as const;

/** A stopped instance whose disk held `then` when its snapshot was taken, and holds `now`; what a rollback replaces is kept. */
async function prepare(world: World, kind = {}) {
  world.undoMs = 3_600_000;
  await world.restart();
  const { instanceId, diskId } = await world.runOne(kind);
  world.diskd.write(diskId, 1, 'then');
  const snapshotId = await world.takeSnapshot(diskId);
  world.diskd.write(diskId, 1, 'now');
  await world.power('stop', instanceId);
  await world.settle();
  return { instanceId, diskId, snapshotId };
}

/** Rolled back; what that replaced, and whatever else rollbacks replace, is stored when `held` is released. */
async function rollBack(t: TestContext, kind = {}) {
  const world = await createWorld(t);
  const prepared = await prepare(world, kind);
  const { control } = world;
  const { diskId, snapshotId } = prepared;
  const held = world.holdUploads(async (id) => ((await world.snapshot(id))?.undoUntilMs ?? null) !== null);
  await control.resetDisk({ diskId, snapshotId });
  const [undo] = await listUndo(world, diskId);
  assert.deepEqual([undo?.status, undo?.available], ['progressing', true]);
  return { world, control, held, ...prepared, undoId: undo?.snapshotId ?? '' };
}

/** Newest first. */
async function listUndo(world: World, diskId: string): Promise<Snapshot[]> {
  return (await world.control.listSnapshots({ diskId, undo: true }, allRows)).items;
}

async function undoTo(world: World, diskId: string, snapshotId: string): Promise<Record<string, string>> {
  await world.control.resetDisk({ diskId, snapshotId });
  await world.until('the rollback', async () => (await world.disk(diskId))?.status !== 'ReIniting');
  return world.diskWords(diskId);
}

/** Nothing that was kept of the disk is anywhere any more. */
async function assertDropped(world: World, diskId: string, undoId: string): Promise<void> {
  await world.settle();
  assert.equal(world.diskd.disks.has(diskId), false, 'its folder is there');
  assert.equal(await world.snapshot(undoId), undefined);
  assert.equal(world.repository.manifests.has(undoId), false);
  await checked(world);
}

for (const [name, kind] of kinds) {
  test(`while it is stored, ${name} is resized, started, changed and detached, and it survives all that`, async (t) => {
    const { world, control, held, instanceId, diskId, undoId } = await rollBack(t, kind);
    await control.resizeDisk({ diskId, sizeGib: 30, online: false });
    await world.power('start', instanceId);
    await world.until('it to run', async () => (await world.instance(instanceId))?.status === 'Running');
    await control.resizeDisk({ diskId, sizeGib: 40, online: true });
    await world.power('reboot', instanceId);
    await world.until('it to run', async () => (await world.instance(instanceId))?.status === 'Running');
    await control.modifyDiskSpec({ diskId, category: 'cloud_essd', performanceLevel: 'PL2' }).catch(() => undefined);
    await world.power('stop', instanceId);
    await control.detachDisk({ diskId, instanceId, deleteWithInstance: null });
    assert.deepEqual(await undoTo(world, diskId, undoId), { 1: 'now' });
    assert.equal((await world.disk(diskId))?.sizeGib, 40);
    held.release();
    await checked(world);
    assert.deepEqual(world.snapshotWords(undoId), { 1: 'now' });
    assert.equal(world.diskd.disks.get(diskId)?.sizeBytes, 40 * 1024 ** 3);
  });

  test(`while it is stored, snapshots of ${name} are taken and stored before it`, async (t) => {
    const { world, control, held, instanceId, diskId, undoId } = await rollBack(t, kind);
    await world.power('start', instanceId);
    await world.until('it to run', async () => (await world.instance(instanceId))?.status === 'Running');
    world.diskd.write(diskId, 2, 'later');
    const snapshotId = await world.takeSnapshot(diskId);
    assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'then', 2: 'later' });
    if (kind !== plainDisk) await control.createSnapshotGroup(groupRequest({ diskIds: [diskId] }));
    assert.equal((await world.snapshot(undoId))?.status, 'progressing');
    held.release();
    await checked(world);
    assert.deepEqual(world.snapshotWords(undoId), { 1: 'now' });
  });

  test(`DeleteDisk of ${name} drops it while it is stored, and when it is`, async (t) => {
    for (const isStored of [false, true]) {
      const { world, control, held, instanceId, diskId, undoId, snapshotId } = await rollBack(t, kind);
      if (isStored) {
        held.release();
        await world.settle();
      }
      await control.detachDisk({ diskId, instanceId, deleteWithInstance: null });
      await control.deleteDisk({ diskId });
      assert.equal(await world.disk(diskId), undefined);
      await assertDropped(world, diskId, undoId);
      assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'then' }, 'its snapshots stay');
    }
  });

  test(`DeleteInstance drops it with ${name}`, async (t) => {
    const { world, control, instanceId, diskId, undoId } = await rollBack(t, kind);
    await control.deleteInstances({ instanceIds: [instanceId], force: false });
    assert.equal(await world.instance(instanceId), undefined);
    await assertDropped(world, diskId, undoId);
  });

  test(`${name} is rolled back again and again: the first three and the last are undone`, async (t) => {
    const { world, control, held, diskId, snapshotId, undoId } = await rollBack(t, kind);
    const keptIds = [undoId];
    for (const reset of [
      () => control.reInitDisk({ diskId, autoStartInstance: false }),
      () => control.resetDisk({ diskId, snapshotId }),
      () => control.reInitDisk({ diskId, autoStartInstance: false }),
    ]) {
      await reset();
      keptIds.push((await listUndo(world, diskId))[0]?.snapshotId ?? '');
    }
    const [first = '', second = '', third = '', fourth = ''] = keptIds;
    assert.deepEqual(
      (await listUndo(world, diskId)).map((one) => one.snapshotId),
      [fourth, second, first],
    );
    assert.equal(await world.snapshot(third), undefined, 'it gave way');
    held.release();
    await checked(world);
    assert.deepEqual(await undoTo(world, diskId, fourth), { 1: 'then' });
    assert.deepEqual(await undoTo(world, diskId, first), { 1: 'now' });
    assert.deepEqual(await undoTo(world, diskId, second), { 1: 'then' });
    await checked(world);
  });
}

test('neither what the disk is rolled back to nor what a disk stands on gives way', async (t) => {
  const { world, control, held, diskId, snapshotId, undoId } = await rollBack(t);
  await control.reInitDisk({ diskId, autoStartInstance: false });
  await control.resetDisk({ diskId, snapshotId });
  const [third, second] = await listUndo(world, diskId);
  const madeId = await world.makeDisk(second?.snapshotId ?? '');
  assert.deepEqual(await undoTo(world, diskId, third?.snapshotId ?? ''), {});
  assert.equal((await listUndo(world, diskId)).length, 3, 'none was kept of it, for none could go');
  assert.ok(world.warnings.some((line) => line.includes('still being stored')));
  assert.deepEqual(await undoTo(world, diskId, undoId), { 1: 'now' });
  assert.equal(await world.snapshot(third?.snapshotId ?? ''), undefined);
  held.release();
  await checked(world);
  assert.deepEqual(world.diskWords(madeId), { 1: 'then' });
});

test('ReplaceSystemDisk drops what is kept of the old disk', async (t) => {
  const world = await createWorld(t);
  const { instanceId } = await prepare(world);
  const { items } = await world.control.listDisks({ instanceId, type: 'system' }, allRows);
  const systemId = items[0]?.diskId ?? '';
  await world.power('start', instanceId);
  await world.until('it to run', async () => (await world.instance(instanceId))?.status === 'Running');
  world.diskd.write(systemId, 1, 'system');
  await world.power('stop', instanceId);
  const held = world.holdUploads();
  await world.control.reInitDisk({ diskId: systemId, autoStartInstance: false });
  const [undo] = await listUndo(world, systemId);
  await world.control.replaceSystemDisk({ instanceId, imageId: EMPTY_IMAGE_ID, sizeGib: null });
  await assertDropped(world, systemId, undo?.snapshotId ?? '');
  held.release();
});

test('a disk that was made from it keeps its bytes when the disk that it is of is deleted meanwhile', async (t) => {
  const { world, control, held, instanceId, diskId, undoId } = await rollBack(t);
  const madeId = await world.makeDisk(undoId);
  await control.detachDisk({ diskId, instanceId, deleteWithInstance: null });
  await control.deleteDisk({ diskId });
  assert.equal(await world.disk(diskId), undefined);
  assert.equal(await world.snapshot(undoId), undefined);
  assert.ok(world.diskd.disks.has(diskId), 'the folder has the view still');
  held.release();
  await assertDropped(world, diskId, undoId);
  assert.deepEqual(world.diskWords(madeId), { 1: 'now' });
});

test('an instance goes with a disk and with one that was made from what is kept of that', async (t) => {
  const { world, control, held, instanceId, diskId, undoId } = await rollBack(t);
  const madeId = await world.makeDisk(undoId);
  await control.attachDisk({ diskId: madeId, instanceId, device: null, deleteWithInstance: true, bootable: false });
  await control.deleteInstances({ instanceIds: [instanceId], force: false });
  assert.equal(await world.instance(instanceId), undefined);
  await world.until('the one to go', async () => !world.diskd.disks.has(madeId));
  held.release();
  await assertDropped(world, diskId, undoId);
});

test('it is in no list but its own, in no quota and in no chain, and its bytes are told apart', async (t) => {
  const { world, control, held, diskId, snapshotId, undoId } = await rollBack(t);
  held.release();
  await world.settle();
  const ids = async (filter: object) => {
    const { items, totalCount } = await control.listSnapshots(filter, allRows);
    assert.equal(totalCount, items.length);
    return items.map((one) => one.snapshotId).toSorted();
  };
  assert.deepEqual(await ids({}), [snapshotId]);
  assert.deepEqual(await ids({ diskId }), [snapshotId]);
  assert.deepEqual(await ids({ undo: true }), [undoId]);
  assert.deepEqual(await ids({ snapshotIds: [undoId, snapshotId] }), [undoId, snapshotId].toSorted());
  assert.deepEqual(await ids({ snapshotIds: [undoId], undo: false }), []);
  const { items: chains } = await control.listSnapshotChains({}, allRows);
  assert.deepEqual(
    chains.map(({ totals }) => totals.snapshotCount),
    [1],
  );
  const { snapshotCount, undoCount } = await control.measureSnapshots();
  assert.deepEqual([snapshotCount, undoCount], [1, 1]);
  await control.deleteSnapshot({ snapshotId, force: false });
  const { items: none } = await control.listSnapshotChains({}, allRows);
  assert.deepEqual(none, []);
  await checked(world);
});

test('when room is short the oldest go first, stored or not, and are told; one that is locked stays', async (t) => {
  const { world, control, held, diskId, undoId } = await rollBack(t);
  held.release();
  await world.settle();
  await control.lockSnapshot({ snapshotId: undoId, lockDays: 1, coolOffHours: 0 });
  world.holdUploads();
  await control.reInitDisk({ diskId, autoStartInstance: false });
  const [newest] = await listUndo(world, diskId);
  assert.notEqual(newest?.snapshotId, undoId);
  assert.equal(await world.giveWay('1 MiB free'), true);
  assert.deepEqual(
    (await listUndo(world, diskId)).map((one) => one.snapshotId),
    [undoId],
  );
  assert.ok(world.warnings.some((line) => line.includes('1 MiB free') && line.includes(newest?.snapshotId ?? 'none')));
  assert.equal(await world.giveWay('1 MiB free'), false);
  await checked(world);
});

const ends: [string, (world: World, of: Awaited<ReturnType<typeof prepare>>) => Promise<unknown>][] = [
  ['DeleteDisk', (world, { diskId }) => world.control.deleteDisk({ diskId })],
  ['ResizeDisk', (world, { diskId }) => world.control.resizeDisk({ diskId, sizeGib: 30, online: false })],
  [
    'more of them',
    async (world, { diskId, snapshotId }) => {
      for (let count = 0; count < 3; count++) await world.control.resetDisk({ diskId, snapshotId });
    },
  ],
  [
    'undoing it',
    async (world, { diskId }) => {
      const [undo] = await listUndo(world, diskId);
      await world.control.resetDisk({ diskId, snapshotId: undo?.snapshotId ?? '' });
    },
  ],
  ['CreateSnapshot', (world, { diskId }) => world.control.createSnapshot(snapshotRequest(diskId))],
];

for (const [name, act] of ends) {
  test(`wherever the server dies in a rollback with ${name} right after, nothing is lost or left behind`, async () => {
    await dieEverywhere<Awaited<ReturnType<typeof prepare>>>({
      holdsUploads: true,
      prepare: async (world) => {
        const prepared = await prepare(world);
        const { diskId, instanceId } = prepared;
        await world.control.detachDisk({ diskId, instanceId, deleteWithInstance: null });
        return prepared;
      },
      act: async (world, prepared) => {
        const { diskId, snapshotId } = prepared;
        await world.control.resetDisk({ diskId, snapshotId });
        await act(world, prepared);
      },
      verify: async (world, { diskId, snapshotId }) => {
        const undo = await listUndo(world, diskId);
        assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'then' });
        if ((await world.disk(diskId)) === undefined) {
          assert.deepEqual([world.diskd.disks.has(diskId), undo.length], [false, 0]);
          return;
        }
        const kept = undo.map((one) => world.snapshotWords(one.snapshotId)[1]);
        const [word] = Object.values(world.diskWords(diskId));
        assert.ok([word, ...kept].includes('now'), 'what it held is on the disk, or kept');
        assert.ok(undo.every(({ status }) => status === 'accomplished'));
      },
    });
  });
}

test('wherever the server dies in a rollback with DeleteInstance right after, nothing is left behind', async () => {
  await dieEverywhere<Awaited<ReturnType<typeof prepare>>>({
    holdsUploads: true,
    prepare,
    act: async (world, { diskId, snapshotId, instanceId }) => {
      await world.control.resetDisk({ diskId, snapshotId });
      await world.control.deleteInstances({ instanceIds: [instanceId], force: false });
    },
    verify: async (world, { diskId, instanceId }) => {
      const isThere = (await world.instance(instanceId)) !== undefined;
      assert.equal(world.diskd.disks.has(diskId), isThere);
      if (!isThere) assert.deepEqual(await listUndo(world, diskId), []);
    },
  });
});

test('wherever the server dies in a rollback of a system disk with ReplaceSystemDisk right after, nothing is left behind', async () => {
  await dieEverywhere<Awaited<ReturnType<typeof prepare>>>({
    holdsUploads: true,
    prepare: async (world) => {
      const { instanceId, snapshotId } = await prepare(world);
      const { items } = await world.control.listDisks({ instanceId, type: 'system' }, allRows);
      return { instanceId, snapshotId, diskId: items[0]?.diskId ?? '' };
    },
    act: async (world, { diskId, instanceId }) => {
      await world.control.reInitDisk({ diskId, autoStartInstance: false });
      await world.control.replaceSystemDisk({ instanceId, imageId: EMPTY_IMAGE_ID, sizeGib: null });
    },
    verify: async (world, { diskId, instanceId }) => {
      const { items } = await world.control.listDisks({ instanceId, type: 'system' }, allRows);
      assert.equal(items.length, 1);
      const isReplaced = items[0]?.diskId !== diskId;
      assert.equal(world.diskd.disks.has(diskId), !isReplaced);
      if (isReplaced) assert.deepEqual(await listUndo(world, diskId), []);
    },
  });
});
