/** DeleteInstance and DeleteInstances on a real catalog with a fake diskd and repository. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type World,
  allRows,
  checked,
  createWorld,
  dataDisk,
  runRequest,
  snapshotRequest,
  token,
} from '../../test/control/world.ts';
import { OperationalError, RequestError } from '../lib/errors.ts';

/** A running instance whose system disk and second data disk are kept when it goes; the first data disk goes with it. */
async function runKeeping(world: World) {
  const { instanceIds } = await world.control.runInstances(
    runRequest({
      systemDisk: dataDisk({ sizeGib: null, deleteWithInstance: false }),
      dataDisks: [dataDisk(), dataDisk({ deleteWithInstance: false, diskName: 'kept' })],
      tags: [{ key: 'k', value: 'v' }],
    }),
  );
  const [instanceId = ''] = instanceIds;
  await world.settle();
  const { items } = await world.control.listDisks({ instanceId }, allRows);
  const find = (wanted: (disk: (typeof items)[number]) => boolean) => items.find(wanted)?.diskId ?? '';
  return {
    instanceId,
    system: find(({ type }) => type === 'system'),
    going: find(({ type, diskName }) => type === 'data' && diskName !== 'kept'),
    kept: find(({ diskName }) => diskName === 'kept'),
  };
}

function deletion(instanceIds: string[], force = false) {
  return { instanceIds, force };
}

test('a deleted instance is gone at once, with its tags and the disks that go with it; the others are free', async (t) => {
  const world = await createWorld(t);
  const { instanceId, system, going, kept } = await runKeeping(world);
  world.diskd.write(kept, 1, 'a');
  world.diskd.write(going, 1, 'b');
  const snapshotId = await world.takeSnapshot(going);
  await world.power('stop', instanceId);
  await world.control.deleteInstances(deletion([instanceId]));
  assert.equal(await world.instance(instanceId), undefined);
  assert.equal(await world.disk(going), undefined);
  for (const diskId of [system, kept]) {
    const disk = await world.disk(diskId);
    assert.ok(disk);
    const { status, type, device, portable, deleteWithInstance } = disk;
    assert.deepEqual(
      { status, type, device, portable, deleteWithInstance, instanceId: disk.instanceId },
      { status: 'Available', type: 'data', device: null, portable: true, deleteWithInstance: false, instanceId: null },
    );
    assert.notEqual(disk.detachedAtMs, null);
  }
  await checked(world);
  assert.deepEqual([...world.diskd.disks.keys()].sort(), [system, kept].sort());
  assert.deepEqual(world.diskWords(kept), { 1: 'a' });
  assert.equal((await world.snapshot(snapshotId))?.status, 'accomplished', 'snapshots stay');
  assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'b' });
  const { items: tags } = await world.control.listTagsOfResources({}, allRows);
  const tagged = new Set(tags.map(({ resourceId }) => resourceId));
  assert.ok(!tagged.has(instanceId) && !tagged.has(going), 'their tags are gone');
  assert.deepEqual((await world.disk(kept))?.tags, [{ key: 'k', value: 'v' }]);
});

test('a kept disk goes on with what it began as, although its snapshot is deleted and collected', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  const snapshotId = await world.takeSnapshot(diskId);
  const made = (deleteWithInstance: boolean) => dataDisk({ snapshotId, deleteWithInstance });
  const { instanceIds } = await world.control.runInstances(runRequest({ dataDisks: [made(true), made(false)] }));
  await world.settle();
  const { items } = await world.control.listDisks({ instanceId: instanceIds[0] ?? '', type: 'data' }, allRows);
  const kept = items.find(({ deleteWithInstance }) => !deleteWithInstance)?.diskId ?? '';
  await world.control.deleteSnapshot({ snapshotId, force: true });
  await world.control.deleteInstances(deletion(instanceIds, true));
  await checked(world);
  assert.deepEqual(world.diskWords(kept), { 1: 'a' });
  const other = await world.control.runInstances(runRequest());
  await world.settle();
  const attach = { diskId: kept, instanceId: other.instanceIds[0] ?? '', device: null, deleteWithInstance: true };
  await world.control.attachDisk({ ...attach, bootable: false });
  await world.control.deleteInstances(deletion(other.instanceIds, true));
  await checked(world);
  assert.equal(world.repository.trees.size, 0, 'the last disk that needed the tree is gone');
});

test('a running instance is deleted by force only, which stops it first', async (t) => {
  const world = await createWorld(t);
  const { instanceId } = await world.runOne();
  await assert.rejects(world.control.deleteInstances(deletion([instanceId])), { code: 'IncorrectInstanceStatus' });
  await world.control.deleteInstances(deletion([instanceId], true));
  assert.equal(await world.instance(instanceId), undefined);
  await checked(world);
  assert.equal(world.diskd.disks.size, 0);
  await assert.rejects(world.control.deleteInstances(deletion([instanceId], true)), {
    code: 'InvalidInstanceId.NotFound',
  });
});

test('a forced deletion that cannot flush a disk leaves the instance Running, and tells why', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  const disk = world.diskd.disks.get(diskId);
  assert.ok(disk);
  disk.syncFailure = 'a sync failed';
  const forced = () => world.control.deleteInstances(deletion([instanceId], true), token('DeleteInstances'));
  await assert.rejects(forced(), /a sync failed/);
  await world.settle();
  assert.equal((await world.instance(instanceId))?.status, 'Running');
  assert.equal((await world.disk(diskId))?.status, 'In_use');
  await world.checkSettled();
  await forced();
  assert.equal(await world.instance(instanceId), undefined, 'the token of the failed request does not stick');
  await checked(world);
});

test('folders that cannot be removed at once are removed later; the instance is gone meanwhile', async (t) => {
  const world = await createWorld(t);
  const { instanceId } = await world.runOne();
  let failures = 3;
  world.diskd.before = async (call) => {
    if (call === 'deleteDisk' && failures-- > 0) throw new OperationalError('in use', { retryable: false });
  };
  await world.control.deleteInstances(deletion([instanceId], true));
  assert.equal(await world.instance(instanceId), undefined);
  await checked(world);
  assert.equal(world.diskd.disks.size, 0);
});

test('several go together or none', async (t) => {
  const world = await createWorld(t);
  const { instanceIds } = await world.control.runInstances(runRequest({ amount: 3 }));
  const [a = '', b = '', c = ''] = instanceIds;
  await world.settle();
  await world.power('stop', a);
  await world.control.modifyInstance({ instanceId: b, deletionProtection: true });
  const all = deletion([a, b, c, a], true);
  await assert.rejects(world.control.deleteInstances(all), { code: 'InvalidOperation.DeletionProtection' });
  await assert.rejects(world.control.deleteInstances(deletion([a, 'i-none'])), { code: 'InvalidInstanceId.NotFound' });
  assert.equal((await world.control.listInstances({}, allRows)).totalCount, 3);
  assert.equal((await world.instance(a))?.status, 'Stopped');
  assert.equal((await world.instance(c))?.status, 'Running');
  await world.control.modifyInstance({ instanceId: b, deletionProtection: false });
  await world.control.deleteInstances(all, token('DeleteInstances'));
  assert.equal((await world.control.listInstances({}, allRows)).totalCount, 0);
  await world.control.deleteInstances(all, token('DeleteInstances'));
  await checked(world);
  assert.equal(world.diskd.disks.size, 0);
});

test('a dry run deletes nothing', async (t) => {
  const world = await createWorld(t);
  const { instanceId } = await world.runOne();
  const dryRun = { ...token('DeleteInstances'), dryRun: true };
  await assert.rejects(world.control.deleteInstances(deletion([instanceId], true), dryRun), {
    code: 'DryRunOperation',
  });
  assert.equal((await world.instance(instanceId))?.status, 'Running');
  await checked(world);
});

test('an instance with a busy disk is not deleted: a snapshot is made, cleared away, or the disk is changing', async (t) => {
  const world = await createWorld(t);
  const { instanceId, kept } = await runKeeping(world);
  const refused = async () =>
    await assert.rejects(world.control.deleteInstances(deletion([instanceId], true)), { code: 'OperationConflict' });
  const upload = Promise.withResolvers<void>();
  world.transfer.during = () => upload.promise;
  const { snapshotId } = await world.control.createSnapshot(snapshotRequest(kept));
  await refused();
  const release = Promise.withResolvers<void>();
  world.diskd.before = async (call) => {
    if (call === 'cancelFreeze') await release.promise;
  };
  const cancelling = world.control.deleteSnapshot({ snapshotId, force: false });
  await world.until('the row to go', async () => (await world.snapshot(snapshotId)) === undefined);
  await refused();
  upload.resolve();
  release.resolve();
  await cancelling;
  await world.settle();
  await world.control.deleteInstances(deletion([instanceId], true));
  await checked(world);
});

test('while an instance is deleted, nothing else is done with it', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  const closing = Promise.withResolvers<void>();
  world.diskd.before = async (call) => {
    if (call === 'closeDisk') await closing.promise;
  };
  const deleting = world.control.deleteInstances(deletion([instanceId], true));
  await world.until('it to stop', async () => (await world.instance(instanceId))?.status === 'Stopping');
  const cases: [string, () => Promise<unknown>][] = [
    ['start', () => world.power('start', instanceId)],
    ['stop', () => world.power('stop', instanceId)],
    ['reboot', () => world.power('reboot', instanceId)],
    ['delete', () => world.control.deleteInstances(deletion([instanceId], true))],
    ['modify', () => world.control.modifyInstance({ instanceId, deletionProtection: true })],
    ['snapshot', () => world.control.createSnapshot(snapshotRequest(diskId))],
  ];
  for (const [name, request] of cases) await assert.rejects(request(), { code: 'IncorrectInstanceStatus' }, name);
  closing.resolve();
  await deleting;
  await checked(world);
  assert.equal(await world.instance(instanceId), undefined);
});

test('the last instance that was made from a deleted image takes its row along, and the bytes of its disk', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  const snapshotId = await world.takeSnapshot(diskId);
  const { queries } = world.catalog;
  const image = await queries.selectFrom('images').selectAll().executeTakeFirstOrThrow();
  const imageId = 'm-1';
  await queries
    .insertInto('images')
    .values({ ...image, image_id: imageId, image_name: imageId, owner_alias: 'self' })
    .execute();
  const base = JSON.stringify({ snapshotId, tree: world.repository.manifests.get(snapshotId)?.tree });
  const disk = { device: '/dev/xvda', type: 'system', size_gib: 20, snapshot_id: snapshotId, base } as const;
  await queries
    .insertInto('image_disks')
    .values({ ...disk, image_id: imageId })
    .execute();
  const { instanceIds } = await world.control.runInstances(runRequest({ imageId, amount: 2 }));
  await world.settle();
  await world.control.deleteImage({ imageId, force: true });
  await world.control.deleteSnapshot({ snapshotId, force: true });
  await world.control.deleteInstances(deletion([instanceId], true));
  const [first = '', second = ''] = instanceIds;
  await world.control.deleteInstances(deletion([first], true));
  await checked(world);
  assert.equal(world.repository.trees.size, 1, 'the other instance needs it');
  await world.control.deleteInstances(deletion([second], true));
  await checked(world);
  const rows = await queries.selectFrom('images').select('image_id').execute();
  assert.deepEqual(
    rows.map((row) => row.image_id),
    [image.image_id],
  );
  assert.equal(world.repository.trees.size, 0);
});

test('a detached system disk goes with its instance if it was detached so, else it stays as a data disk', async (t) => {
  const world = await createWorld(t);
  for (const deleteWithInstance of [null, false]) {
    const { instanceId, system } = await runKeeping(world);
    await world.power('stop', instanceId);
    await world.control.detachDisk({ diskId: system, instanceId, deleteWithInstance });
    await world.control.deleteInstances(deletion([instanceId]));
    await world.settle();
    const left = await world.disk(system);
    const expected = deleteWithInstance === null ? undefined : ['Available', 'data', true];
    assert.deepEqual(left && [left.status, left.type, left.portable], expected);
    assert.equal(world.diskd.disks.has(system), deleteWithInstance !== null);
  }
  await checked(world);
});

test('a snapshot of a detached system disk is whole, though the instance that it would go with is deleted at once', async (t) => {
  const world = await createWorld(t);
  const { instanceId, system } = await runKeeping(world);
  world.diskd.write(system, 1, 'a');
  await world.power('stop', instanceId);
  await world.control.detachDisk({ diskId: system, instanceId, deleteWithInstance: true });
  const [, { snapshotId }] = await Promise.all([
    world.control.deleteInstances(deletion([instanceId])),
    world.control.createSnapshot(snapshotRequest(system)),
  ]);
  assert.equal(await world.instance(instanceId), undefined);
  await world.until('the snapshot', async () => (await world.snapshot(snapshotId))?.status !== 'progressing');
  await checked(world);
  assert.equal((await world.snapshot(snapshotId))?.status, 'accomplished');
  assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'a' });
  const left = await world.disk(system);
  assert.deepEqual([left?.status, left?.type, left?.portable], ['Available', 'data', true]);
});

test('a system disk that could not be attached elsewhere is a data disk when its instance went meanwhile', async (t) => {
  for (const isDeleted of [false, true]) {
    const world = await createWorld(t);
    const { instanceId, system } = await runKeeping(world);
    const other = await world.runOne();
    await world.power('stop', instanceId);
    await world.control.detachDisk({ diskId: system, instanceId, deleteWithInstance: true });
    const opening = Promise.withResolvers<void>();
    world.diskd.before = async (call) => {
      if (call === 'openDisk') await opening.promise;
    };
    const request = { diskId: system, instanceId: other.instanceId, device: null, deleteWithInstance: true };
    const attaching = world.control.attachDisk({ ...request, bootable: false });
    await world.until('it to begin', async () => (await world.disk(system))?.status === 'Attaching');
    if (isDeleted) await world.control.deleteInstances(deletion([instanceId]));
    opening.reject(new RequestError('OperationConflict', 'it does not open'));
    await assert.rejects(attaching, { code: 'OperationConflict' });
    await world.settle();
    const left = await world.disk(system);
    assert.deepEqual([left?.status, left?.type], ['Available', isDeleted ? 'data' : 'system']);
    world.diskd.before = async () => undefined;
    await checked(world);
  }
});
