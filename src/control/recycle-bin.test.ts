import test from 'node:test';
import type { TestContext } from 'node:test';
import assert from 'node:assert/strict';
import type { RequestError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { listAllRecycled } from '../catalog/recycle-bin.ts';
import { commitManifest } from '../repository/manifest.ts';
import { MemoryStore } from '../repository/object-store/memory-store.ts';
import { EMPTY_IMAGE_ID } from './empty-image.ts';
import { importInto } from './import-repository.ts';
import { dieEverywhere } from '../../test/control/die-everywhere.ts';
import { manifestOf } from '../../test/support/repositories.ts';
import {
  allRows,
  checked,
  createWorld,
  dataDisk,
  diskRequest,
  groupRequest,
  runRequest,
  snapshotRequest,
} from '../../test/control/world.ts';
import type { World } from '../../test/control/world.ts';

const HOUR_MS = 3_600_000;

async function turnOn(world: World, recycleMs = 24 * HOUR_MS): Promise<void> {
  world.recycleMs = recycleMs;
  await world.restart();
}

async function openWorld(t: TestContext, speed?: number): Promise<World> {
  const world = await createWorld(t, speed);
  await turnOn(world);
  return world;
}

interface Prepared {
  instanceId: string;
  diskId: string;
  snapshotId: string;
}

/** A free disk that holds `now`, with a snapshot that holds `then`. */
async function prepare(world: World): Promise<Prepared> {
  const { instanceId, diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'then');
  const snapshotId = await world.takeSnapshot(diskId);
  world.diskd.write(diskId, 1, 'now');
  await world.control.detachDisk({ diskId, instanceId, deleteWithInstance: null });
  await world.settle();
  return { instanceId, diskId, snapshotId };
}

async function listBin(world: World): Promise<string[]> {
  const { items } = await world.control.recycleBin.list({}, allRows);
  return items.map(({ resourceId }) => resourceId);
}

test('a deleted snapshot and a deleted disk are in no list, and come back as they were', async (t) => {
  const world = await openWorld(t);
  const { control } = world;
  const { instanceId, diskId, snapshotId } = await prepare(world);
  await control.tagResources({
    ...{ resourceType: 'disk', resourceIds: [diskId], tags: [{ key: 'of', value: 'disk' }] },
  });
  await control.tagResources({
    ...{ resourceType: 'snapshot', resourceIds: [snapshotId], tags: [{ key: 'of', value: 'snapshot' }] },
  });
  await control.joinResourceGroup({ resourceType: 'disk', resourceId: diskId, resourceGroupId: 'rg-team' });
  const before = [await world.disk(diskId), await world.snapshot(snapshotId)];
  await control.deleteSnapshot({ snapshotId, force: false });
  await control.deleteDisk({ diskId });
  await world.settle();
  assert.deepEqual([await world.disk(diskId), await world.snapshot(snapshotId)], [undefined, undefined]);
  assert.equal((await control.listTagsOfResources({ resourceIds: [diskId, snapshotId] }, allRows)).items.length, 0);
  assert.equal((await control.measureSnapshots()).snapshotCount, 0);
  await checked(world);
  const { items } = await control.recycleBin.list({}, allRows);
  assert.deepEqual(
    items.map(({ resourceType, heldBytes, ...item }) => [resourceType, item.diskId, heldBytes !== null]),
    [
      ['disk', diskId, true],
      ['snapshot', diskId, true],
    ],
  );
  for (const { deletedAtMs, goesAtMs } of items) assert.ok(Math.abs(goesAtMs - deletedAtMs - 24 * HOUR_MS) < 60_000);
  await world.restart();
  await world.control.recycleBin.restore({ resourceIds: await listBin(world) });
  assert.deepEqual([await world.disk(diskId), await world.snapshot(snapshotId)], before);
  assert.deepEqual(await listBin(world), []);
  assert.deepEqual(world.diskWords(diskId), { 1: 'now' });
  await checked(world);
  await world.attach(diskId, instanceId);
  await world.power('stop', instanceId);
  await world.control.resetDisk({ diskId, snapshotId });
  await world.settle();
  assert.deepEqual(world.diskWords(diskId), { 1: 'then' });
  await checked(world);
});

test('emptying frees what nothing else needs; nothing that is not there can be emptied or restored', async (t) => {
  const world = await openWorld(t);
  const { diskId, snapshotId } = await prepare(world);
  await world.control.deleteSnapshot({ snapshotId, force: false });
  await world.control.deleteDisk({ diskId });
  await world.settle();
  const { recycledCount, recycledBytes } = await world.control.measureSnapshots();
  assert.deepEqual([recycledCount, recycledBytes], [1, CHUNK_BYTES]);
  assert.ok(world.repository.manifests.has(snapshotId) && world.diskd.disks.has(diskId));
  await world.control.recycleBin.empty({ resourceIds: [snapshotId] });
  await world.settle();
  assert.ok(!world.repository.manifests.has(snapshotId) && world.diskd.disks.has(diskId));
  await world.control.recycleBin.emptyAll();
  await checked(world);
  assert.ok(!world.diskd.disks.has(diskId));
  assert.deepEqual(await listBin(world), []);
  for (const act of ['restore', 'empty'] as const) {
    const refused = world.control.recycleBin[act]({ resourceIds: [diskId] });
    await assert.rejects(refused, (error: RequestError) => error.code === 'InvalidResourceId.NotFound');
  }
});

test('a dry run changes nothing, and one id that is not there keeps the others where they are', async (t) => {
  const world = await openWorld(t);
  const { snapshotId } = await prepare(world);
  await world.control.deleteSnapshot({ snapshotId, force: false });
  const { recycleBin } = world.control;
  const dry = { idempotency: null, dryRun: true };
  const asked = { resourceIds: [snapshotId] };
  for (const tried of [recycleBin.restore(asked, dry), recycleBin.empty(asked, dry), recycleBin.emptyAll(dry)]) {
    await assert.rejects(tried, (error: RequestError) => error.code === 'DryRunOperation');
  }
  await assert.rejects(recycleBin.restore({ resourceIds: [snapshotId, 's-none'] }));
  await assert.rejects(recycleBin.empty({ resourceIds: [snapshotId, 's-none'] }));
  assert.deepEqual(await listBin(world), [snapshotId]);
  await checked(world);
});

test('what is not whole does not go there: a progressing snapshot, one that failed, and what is kept for undoing', async (t) => {
  const world = await createWorld(t);
  world.undoMs = HOUR_MS;
  await turnOn(world);
  const { instanceId, diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'then');
  const snapshotId = await world.takeSnapshot(diskId);
  const held = world.holdUploads();
  const early = await world.beginSnapshot(diskId);
  await world.control.deleteSnapshot({ snapshotId: early, force: false });
  held.release();
  world.transfer.failuresLeft = 1;
  const { snapshotId: failed } = await world.control.createSnapshot(snapshotRequest(diskId));
  await world.until('it to fail', async () => (await world.snapshot(failed))?.status === 'failed');
  await world.control.deleteSnapshot({ snapshotId: failed, force: false });
  await world.settle();
  world.diskd.write(diskId, 1, 'now');
  await world.power('stop', instanceId);
  await world.control.resetDisk({ diskId, snapshotId });
  await world.settle();
  const [undo] = (await world.control.listSnapshots({ diskId, undo: true }, allRows)).items;
  await world.control.deleteSnapshot({ snapshotId: undo!.snapshotId, force: false });
  await world.settle();
  assert.deepEqual(await listBin(world), []);
  await checked(world);
});

test('what was kept for undoing rollbacks of a disk goes with it, and is cancelled while it is being stored', async (t) => {
  const world = await createWorld(t);
  world.undoMs = HOUR_MS;
  await turnOn(world);
  const { instanceId, diskId, snapshotId } = await prepare(world);
  await world.control.resetDisk({ diskId, snapshotId });
  await world.settle();
  const held = world.holdUploads();
  await world.control.resetDisk({ diskId, snapshotId });
  await world.control.deleteDisk({ diskId });
  await world.settle(); // nothing waits for the upload that is held
  held.release();
  assert.deepEqual(await listBin(world), [diskId]);
  assert.equal((await world.control.listSnapshots({ undo: true }, allRows)).items.length, 0);
  await world.control.recycleBin.restore({ resourceIds: [diskId] });
  await world.attach(diskId, instanceId);
  assert.deepEqual(world.diskWords(diskId), { 1: 'then' });
  await checked(world);
});

test('a group goes with its last snapshot and comes back with any of them', async (t) => {
  const world = await openWorld(t);
  const { instanceId } = await world.runOne();
  const tags = [{ key: 'of', value: 'group' }];
  const { groupId } = await world.control.createSnapshotGroup(groupRequest({ instanceId, tags }));
  await world.settle();
  await world.control.deleteSnapshotGroup({ groupId });
  await world.settle();
  assert.equal((await world.control.listSnapshotGroups({}, allRows)).items.length, 0);
  const [first = '', second = ''] = await listBin(world);
  await world.control.recycleBin.restore({ resourceIds: [second] });
  await world.control.recycleBin.restore({ resourceIds: [first] });
  const [group] = (await world.control.listSnapshotGroups({}, allRows)).items;
  assert.deepEqual([group?.groupId, group?.tags, group?.snapshots.length], [groupId, tags, 2]);
  await checked(world);
});

test('disks that go with their instance, and one that is replaced, can be restored; a system disk without its instance is a data disk', async (t) => {
  const world = await openWorld(t);
  const { instanceIds } = await world.control.runInstances(runRequest({ dataDisks: [dataDisk()] }));
  const [instanceId = ''] = instanceIds;
  await world.settle();
  const { items } = await world.control.listDisks({ instanceId }, allRows);
  const systemId = items.find(({ type }) => type === 'system')?.diskId ?? '';
  const dataId = items.find(({ type }) => type === 'data')?.diskId ?? '';
  world.diskd.write(systemId, 1, 'system');
  world.diskd.write(dataId, 1, 'data');
  await world.power('stop', instanceId);
  const { diskId: newId } = await world.control.replaceSystemDisk({
    instanceId,
    imageId: EMPTY_IMAGE_ID,
    sizeGib: null,
  });
  await world.settle();
  assert.deepEqual(await listBin(world), [systemId]);
  await world.control.recycleBin.restore({ resourceIds: [systemId] });
  const old = await world.disk(systemId);
  assert.deepEqual([old?.status, old?.type, old?.deleteWithInstance], ['Available', 'system', false]);
  await world.control.deleteDisk({ diskId: systemId });
  await world.control.deleteInstances({ instanceIds: [instanceId], force: false });
  await world.settle();
  assert.deepEqual(new Set(await listBin(world)), new Set([systemId, dataId, newId]));
  await checked(world);
  await world.control.recycleBin.restore({ resourceIds: [systemId, dataId] });
  for (const [diskId, word] of [
    [systemId, 'system'],
    [dataId, 'data'],
  ] as const) {
    const disk = await world.disk(diskId);
    assert.deepEqual([disk?.status, disk?.type, disk?.portable, disk?.instanceId], ['Available', 'data', true, null]);
    assert.deepEqual(world.diskWords(diskId), { 1: word });
  }
  await checked(world);
});

test('a disk in the bin is moved from a view to its tree, and its snapshot is stored for it', async (t) => {
  const world = await openWorld(t);
  const { diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'one');
  const held = world.holdUploads();
  const snapshotId = await world.beginSnapshot(diskId);
  const clone = await world.makeDisk(snapshotId);
  await world.control.deleteDisk({ diskId: clone });
  await world.control.deleteSnapshot({ snapshotId, force: false });
  assert.deepEqual(await listBin(world), [clone]);
  held.release();
  await checked(world);
  await world.control.recycleBin.restore({ resourceIds: [clone] });
  assert.deepEqual(world.diskWords(clone), { 1: 'one' });
  await checked(world);
});

test('a disk whose base is being fetched goes on with what it has when it is restored', async (t) => {
  const world = await openWorld(t);
  const { snapshotId } = await prepare(world);
  const clone = await world.makeDisk(snapshotId);
  await world.control.fetchBase({ diskId: clone, action: 'start' });
  await world.control.deleteDisk({ diskId: clone });
  await checked(world);
  await world.control.recycleBin.restore({ resourceIds: [clone] });
  assert.deepEqual(world.diskWords(clone), { 1: 'then' });
  await checked(world);
});

test('a snapshot in the bin is no source: its disks can be re-initialised again when it is restored', async (t) => {
  const world = await openWorld(t);
  const { instanceId, snapshotId } = await prepare(world);
  const clone = await world.makeDisk(snapshotId);
  await world.attach(clone, instanceId);
  world.diskd.write(clone, 1, 'changed');
  await assert.rejects(world.control.deleteSnapshot({ snapshotId, force: false }));
  await world.control.deleteSnapshot({ snapshotId, force: true });
  await world.power('stop', instanceId);
  const reInit = () => world.control.reInitDisk({ diskId: clone, autoStartInstance: false });
  await assert.rejects(reInit(), (error: RequestError) => error.code === 'InvalidSourceSnapshot');
  await assert.rejects(world.control.createDisk(diskRequest({ snapshotId })));
  await world.control.recycleBin.restore({ resourceIds: [snapshotId] });
  assert.equal((await world.snapshot(snapshotId))?.usage, 'disk');
  await reInit();
  await world.settle();
  assert.deepEqual(world.diskWords(clone), { 1: 'then' });
  await checked(world);
});

test('a snapshot of a disk that has as many as may be stays in the bin', async (t) => {
  const world = await openWorld(t);
  const { diskId, snapshotId } = await prepare(world);
  await world.control.deleteSnapshot({ snapshotId, force: false });
  const { content } = await world.catalog.queries.selectFrom('recycle_bin').selectAll().executeTakeFirstOrThrow();
  const { snapshot } = JSON.parse(content) as { snapshot: object };
  for (let i = 0; i < 256; i++) {
    const row = { ...snapshot, snapshot_id: `s-many${i}` } as never;
    await world.catalog.queries.insertInto('snapshots').values(row).execute();
  }
  const refused = world.control.recycleBin.restore({ resourceIds: [snapshotId] });
  await assert.rejects(refused, (error: RequestError) => error.code === 'QuotaExceed.Snapshot');
  await world.catalog.queries.deleteFrom('snapshots').where('source_disk_id', '=', diskId).execute();
  await world.control.recycleBin.restore({ resourceIds: [snapshotId] });
  await checked(world);
});

test('when room is short the one that would go first goes before what is kept for undoing', async (t) => {
  const world = await createWorld(t);
  world.undoMs = HOUR_MS;
  await turnOn(world);
  const { instanceId, diskId, snapshotId } = await prepare(world);
  const second = await world.makeDisk(snapshotId);
  await world.control.resetDisk({ diskId, snapshotId });
  await world.settle();
  await world.control.deleteDisk({ diskId: second });
  await world.control.deleteSnapshot({ snapshotId, force: true });
  await world.power('stop', instanceId);
  for (const left of [[snapshotId], []]) {
    assert.equal(await world.giveWay('nothing is free'), true);
    assert.deepEqual(await listBin(world), left);
  }
  assert.match(world.warnings.join('\n'), new RegExp(`room is short \\(nothing is free\\): ${second} goes`));
  const listUndo = async () => (await world.control.listSnapshots({ undo: true }, allRows)).items.length;
  assert.equal(await listUndo(), 1);
  assert.equal(await world.giveWay('nothing is free'), true);
  assert.equal(await listUndo(), 0);
  assert.equal(await world.giveWay('nothing is free'), false);
  await checked(world);
});

test('an entry goes when its time is over, which setting the clock forth does not hurry', async (t) => {
  const world = await createWorld(t, 100);
  await turnOn(world, HOUR_MS);
  const { snapshotId } = await prepare(world);
  await world.control.deleteSnapshot({ snapshotId, force: false });
  const setClock = (aheadMs: number) => {
    const { nowMs } = world.clock;
    world.clock.nowMs = () => nowMs() + aheadMs;
  };
  setClock(100 * HOUR_MS);
  await world.clock.sleep(130_000);
  const [item] = (await world.control.recycleBin.list({}, allRows)).items;
  assert.equal(item?.resourceId, snapshotId);
  assert.ok(item.goesAtMs > world.clock.nowMs(), 'its end is told by the clock that people have');
  setClock(-200 * HOUR_MS);
  await world.restart();
  assert.deepEqual(await listBin(world), [snapshotId]);
  await world.catalog.queries.updateTable('recycle_bin').set({ until_ms: 1 }).execute();
  await world.until('it to go', async () => (await listBin(world)).length === 0);
  await checked(world);
  assert.ok(!world.repository.manifests.has(snapshotId));
});

test('an import leaves the bin of a catalog that is ours as it is, and drops entries without their bytes', async (t) => {
  const world = await openWorld(t);
  const { diskId, snapshotId } = await prepare(world);
  await world.control.deleteSnapshot({ snapshotId, force: false });
  await world.control.deleteDisk({ diskId });
  await world.settle();
  await world.control.stop();
  const store = new MemoryStore();
  const manifest = world.repository.manifests.get(snapshotId);
  assert.ok(manifest);
  await commitManifest(store, { ...manifestOf(snapshotId, manifest.tree), diskId });
  const stored = [...world.diskd.disks.values()];
  const given = { hasTree: () => true, zoneId: 'cn-hangzhou-a', clock: world.clock };
  assert.deepEqual(await importInto(world.catalog, { ...given, store, disks: stored, isOld: false }), []);
  const rows = async (table: 'disks' | 'snapshots') =>
    (await world.catalog.queries.selectFrom(table).selectAll().execute()).length;
  assert.deepEqual([(await listAllRecycled(world.catalog.queries)).length, await rows('snapshots')], [2, 0]);
  const empty = { ...given, store: new MemoryStore(), disks: [], isOld: false };
  assert.equal((await importInto(world.catalog, empty)).filter((line) => line.includes(snapshotId)).length, 1);
  assert.deepEqual([(await listAllRecycled(world.catalog.queries)).length, await rows('disks')], [0, 0]);
});

test('an import with an older copy of the catalog puts what was in its bin back', async (t) => {
  const world = await openWorld(t);
  const { diskId, snapshotId } = await prepare(world);
  await world.control.deleteSnapshot({ snapshotId, force: false });
  await world.control.deleteDisk({ diskId });
  await world.settle();
  await world.control.stop();
  const store = new MemoryStore();
  const manifest = world.repository.manifests.get(snapshotId);
  assert.ok(manifest);
  await commitManifest(store, { ...manifestOf(snapshotId, manifest.tree), diskId });
  const disks = [...world.diskd.disks.values()];
  const given = { store, hasTree: () => true, disks, zoneId: 'cn-hangzhou-a', clock: world.clock };
  const done = await importInto(world.catalog, { ...given, isOld: true });
  assert.equal(done.filter((line) => line.includes('it is put back')).length, 2);
  await world.restart();
  assert.deepEqual(await listBin(world), []);
  assert.equal((await world.snapshot(snapshotId))?.status, 'accomplished');
  assert.equal((await world.disk(diskId))?.status, 'Available');
  await checked(world);
});

for (const then of ['empty', 'restore'] as const) {
  test(`wherever the server dies in a deletion that is followed by ${then}, snapshot and disk are there, in the bin, or gone`, async () => {
    await dieEverywhere<Prepared>({
      prepare: async (world) => {
        await turnOn(world);
        return await prepare(world);
      },
      act: async (world, { diskId, snapshotId }) => {
        await world.control.deleteSnapshot({ snapshotId, force: false });
        await world.control.deleteDisk({ diskId });
        await world.control.recycleBin[then]({ resourceIds: [snapshotId, diskId] });
      },
      verify: async (world, { diskId, snapshotId }) => {
        const bin = await listBin(world);
        const listed = [await world.disk(diskId), await world.snapshot(snapshotId)].map((found) => found !== undefined);
        const binned = [diskId, snapshotId].map((id) => bin.includes(id));
        const stored = [world.diskd.disks.has(diskId), world.repository.manifests.has(snapshotId)];
        for (const i of [0, 1]) {
          assert.ok(!(listed[i] && binned[i]), 'never both');
          assert.equal(stored[i], listed[i] || binned[i], 'its bytes are there as long as it is');
        }
        if (then === 'restore') assert.deepEqual(stored, [true, true]);
        if (stored[0]) assert.deepEqual(world.diskWords(diskId), { 1: 'now' });
        if (stored[1]) assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'then' });
      },
    });
  });
}

test('wherever the server dies while an instance is deleted, its disks are there or in the bin', async () => {
  await dieEverywhere<{ instanceId: string; diskId: string }>({
    prepare: async (world) => {
      await turnOn(world);
      const made = await world.runOne();
      world.diskd.write(made.diskId, 1, 'now');
      return made;
    },
    act: (world, { instanceId }) => world.control.deleteInstances({ instanceIds: [instanceId], force: true }),
    verify: async (world, { instanceId, diskId }) => {
      const isThere = (await world.instance(instanceId)) !== undefined;
      assert.equal((await world.disk(diskId)) !== undefined, isThere);
      assert.equal((await listBin(world)).includes(diskId), !isThere);
      assert.deepEqual(world.diskWords(diskId), { 1: 'now' });
    },
  });
});
