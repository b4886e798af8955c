import test from 'node:test';
import type { TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { OperationalError, RequestError } from '../lib/errors.ts';
import type { Snapshot } from '../ecs/resources.ts';
import { dieEverywhere } from '../../test/control/die-everywhere.ts';
import { allRows, checked, createWorld, imageRequest, plainDisk } from '../../test/control/world.ts';
import type { World } from '../../test/control/world.ts';

const HOUR_MS = 3_600_000;

interface Prepared {
  instanceId: string;
  diskId: string;
  snapshotId: string;
}

/** A stopped instance whose disk held `then` when its snapshot was taken, and holds `now`. */
async function prepare(world: World, kind = {}): Promise<Prepared> {
  const { instanceId, diskId } = await world.runOne(kind);
  world.diskd.write(diskId, 1, 'then');
  const snapshotId = await world.takeSnapshot(diskId);
  world.diskd.write(diskId, 1, 'now');
  await world.power('stop', instanceId);
  await world.settle();
  return { instanceId, diskId, snapshotId };
}

async function openWorld(t: TestContext, undoMs = HOUR_MS): Promise<World> {
  const world = await createWorld(t);
  world.undoMs = undoMs;
  await world.restart();
  return world;
}

async function listUndo(world: World, diskId: string): Promise<Snapshot[]> {
  return (await world.control.listSnapshots({ diskId, undo: true }, allRows)).items;
}

for (const [name, kind] of [
  ['an ESSD disk', {}],
  ['another disk', plainDisk],
] as const) {
  test(`what a rollback of ${name} replaces is listed at once, and brought back by rolling back to it`, async (t) => {
    const world = await openWorld(t);
    const { diskId, snapshotId } = await prepare(world, kind);
    const held = world.holdUploads();
    await world.control.resetDisk({ diskId, snapshotId });
    assert.deepEqual(world.diskWords(diskId), { 1: 'then' });
    const [undo, ...more] = await listUndo(world, diskId);
    assert.ok(undo !== undefined);
    assert.deepEqual([more, undo.available, undo.status], [[], true, 'progressing']);
    assert.match(undo.description, new RegExp(snapshotId));
    assert.ok(Math.abs((undo.undoUntilMs ?? 0) - world.clock.nowMs() - HOUR_MS) < HOUR_MS / 10);
    held.release();
    await world.settle();
    await world.control.resetDisk({ diskId, snapshotId: undo.snapshotId });
    await world.settle();
    assert.deepEqual(world.diskWords(diskId), { 1: 'now' });
    const [redo] = (await listUndo(world, diskId)).filter((found) => found.snapshotId !== undo.snapshotId);
    assert.deepEqual(world.snapshotWords(redo!.snapshotId), { 1: 'then' });
    await checked(world);
  });
}

test('ReInitDisk is undone the same way', async (t) => {
  const world = await openWorld(t);
  const { diskId } = await prepare(world);
  await world.control.reInitDisk({ diskId, autoStartInstance: false });
  await world.settle();
  assert.deepEqual(world.diskWords(diskId), {});
  const [undo] = await listUndo(world, diskId);
  await world.control.resetDisk({ diskId, snapshotId: undo!.snapshotId });
  await world.settle();
  assert.deepEqual(world.diskWords(diskId), { 1: 'now' });
});

test('it goes when its time is over; one that an image is made from stays, as any other snapshot', async (t) => {
  const world = await openWorld(t);
  const { instanceId, diskId, snapshotId } = await prepare(world);
  const { items } = await world.control.listDisks({ instanceId, type: 'system' }, allRows);
  const systemDiskId = items[0]?.diskId ?? '';
  await world.power('start', instanceId);
  world.diskd.write(systemDiskId, 1, 'system');
  const ofSystem = await world.takeSnapshot(systemDiskId);
  await world.power('stop', instanceId);
  await world.control.resetDisk({ diskId, snapshotId });
  await world.control.resetDisk({ diskId: systemDiskId, snapshotId: ofSystem });
  await world.settle();
  const [going] = await listUndo(world, diskId);
  const [staying] = await listUndo(world, systemDiskId);
  await world.control.createImage(imageRequest({ snapshotId: staying!.snapshotId }));
  await world.settle();
  await world.catalog.queries
    .updateTable('snapshots')
    .set({ undo_until_ms: world.clock.nowMs() - 1 })
    .where('undo_until_ms', 'is not', null)
    .execute();
  await world.restart();
  await world.until('it to go', async () => (await world.snapshot(going!.snapshotId)) === undefined);
  await world.until('it to stay', async () => (await world.snapshot(staying!.snapshotId))?.undoUntilMs === null);
  await checked(world);
});

test('a rollback goes on without it where the disk cannot be frozen, where there is no room, and where it is not wanted', async (t) => {
  const world = await openWorld(t);
  const { diskId, snapshotId } = await prepare(world);
  const reset = async () => {
    await world.control.resetDisk({ diskId, snapshotId });
    await world.settle();
    assert.deepEqual(world.diskWords(diskId), { 1: 'then' });
    assert.deepEqual(await listUndo(world, diskId), []);
    assert.equal((await world.catalog.queries.selectFrom('snapshots').selectAll().execute()).length, 1);
  };
  world.diskd.before = async (call) => {
    if (call === 'freeze') throw new OperationalError('the map is damaged', { retryable: false });
  };
  await reset();
  world.diskd.before = async () => undefined;
  world.assertRoom = (code) => {
    throw new RequestError(code, 'no room');
  };
  await reset();
  world.assertRoom = () => undefined;
  assert.equal(world.warnings.filter((line) => line.includes('is not kept')).length, 2);
  world.undoMs = 0;
  await world.restart();
  await reset();
  await checked(world);
});

test('wherever the server dies in a rollback, the disk is as before or rolled back, and then what it held is kept', async () => {
  await dieEverywhere<Prepared>({
    prepare: async (world) => {
      world.undoMs = HOUR_MS;
      await world.restart();
      return await prepare(world);
    },
    act: (world, { diskId, snapshotId }) => world.control.resetDisk({ diskId, snapshotId }),
    verify: async (world, { diskId }) => {
      const undo = await listUndo(world, diskId);
      const [word] = Object.values(world.diskWords(diskId));
      assert.ok(undo.length <= 1);
      if (word === 'then') assert.equal(undo.length, 1);
      for (const { snapshotId } of undo) assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'now' });
    },
  });
});
