/** What the control plane does with disks: detaching, going back, growing, deleting, and what it refuses meanwhile. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type World,
  allRows,
  checked,
  createWorld,
  dataDisk,
  diskRequest,
  plainDisk,
  runRequest,
  snapshotRequest,
  token,
} from '../../test/control/world.ts';
import { GIB } from '../lib/geometry.ts';
import { OperationalError, RequestError } from '../lib/errors.ts';

function attachment(diskId: string, instanceId: string, change: { bootable?: boolean; device?: string } = {}) {
  return { diskId, instanceId, device: null, deleteWithInstance: false, bootable: false, ...change };
}

function detachment(diskId: string, instanceId: string, deleteWithInstance: boolean | null = null) {
  return { diskId, instanceId, deleteWithInstance };
}

async function systemDiskOf(world: World, instanceId: string): Promise<string> {
  const { items } = await world.control.listDisks({ instanceId, type: 'system' }, allRows);
  return items[0]?.diskId ?? '';
}

function grow(diskId: string, sizeGib: number, online = false) {
  return { diskId, sizeGib, online };
}

function sizeInDiskd(world: World, diskId: string): number {
  return (world.diskd.disks.get(diskId)?.sizeBytes ?? 0) / GIB;
}

test('a disk is detached from a running instance: closed, Available, and free for another', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  const other = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  const before = await world.disk(diskId);
  await world.control.detachDisk(detachment(diskId, instanceId));
  const disk = await world.disk(diskId);
  assert.deepEqual([disk?.status, disk?.instanceId, disk?.device, disk?.nbdUri], ['Available', null, null, null]);
  assert.equal(disk?.deleteWithInstance, false, 'the default of a data disk');
  assert.ok((disk?.detachedAtMs ?? 0) >= (before?.attachedAtMs ?? Infinity));
  assert.equal(world.diskd.disks.get(diskId)?.open, false);
  await world.control.attachDisk(attachment(diskId, other.instanceId));
  assert.deepEqual(world.diskWords(diskId), { 1: 'a' });
  await checked(world);
});

test('what is detached, and from what, is refused with its code', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await world.runOne();
  const other = await world.runOne();
  const free = await control.createDisk(diskRequest());
  const systemDiskId = await systemDiskOf(world, instanceId);
  const cases: [string, ReturnType<typeof detachment>][] = [
    ['InvalidDiskId.NotFound', detachment('d-none', instanceId)],
    ['InvalidInstanceId.NotFound', detachment(diskId, 'i-none')],
    ['DependencyViolation', detachment(diskId, other.instanceId)],
    ['InvalidDisk.AlreadyDetached', detachment(free.diskId, instanceId)],
    ['IncorrectInstanceStatus', detachment(systemDiskId, instanceId)],
  ];
  for (const [code, request] of cases) await assert.rejects(control.detachDisk(request), { code }, code);
  const gate = Promise.withResolvers<void>();
  world.diskd.before = async (call) => (call === 'closeDisk' ? gate.promise : undefined);
  const detaching = control.detachDisk(detachment(diskId, instanceId));
  await world.until('it to detach', async () => (await world.disk(diskId))?.status === 'Detaching');
  await assert.rejects(control.detachDisk(detachment(diskId, instanceId)), {
    code: 'InvalidOperation.DiskDetachingFromThisEcs',
  });
  await assert.rejects(world.power('stop', instanceId), { code: 'OperationConflict' });
  await assert.rejects(control.createSnapshot(snapshotRequest(diskId)), { code: 'IncorrectDiskStatus' });
  await assert.rejects(control.resizeDisk(grow(diskId, 30)), { code: 'IncorrectDiskStatus' });
  gate.resolve();
  await detaching;
  await checked(world);
});

test('a disk whose last flush fails stays attached, and the reason is told', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  const inDiskd = world.diskd.disks.get(diskId);
  assert.ok(inDiskd);
  inDiskd.syncFailure = 'a sync failed (EIO)';
  await assert.rejects(world.control.detachDisk(detachment(diskId, instanceId)), {
    code: 'IncorrectDiskStatus',
    message: /stays attached.*a sync failed \(EIO\)/,
  });
  inDiskd.syncFailure = `EIO: i/o error, open '${world.folder}/disks/${diskId}/journal-1' or '/var/lib/else/x'`;
  await assert.rejects(world.control.detachDisk(detachment(diskId, instanceId)), {
    message: `It stays attached, for ${diskId} was not flushed: EIO: i/o error, open 'disks/${diskId}/journal-1' or 'x'.`,
  });
  const disk = await world.disk(diskId);
  assert.deepEqual([disk?.status, disk?.instanceId], ['In_use', instanceId]);
  await checked(world);
  await world.control.detachDisk(detachment(diskId, instanceId));
  assert.equal((await world.disk(diskId))?.status, 'Available');
});

test('a snapshot goes on while its disk is detached and attached elsewhere', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  const other = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  const held = world.holdUploads();
  const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId));
  await world.control.detachDisk(detachment(diskId, instanceId));
  await world.control.attachDisk(attachment(diskId, other.instanceId));
  world.diskd.write(diskId, 1, 'b');
  held.release();
  await world.until('the snapshot', async () => (await world.snapshot(snapshotId))?.status === 'accomplished');
  assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'a' });
  await checked(world);
});

test('a system disk leaves its stopped instance and comes back bootable to that one only', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await world.runOne();
  const other = await world.runOne();
  const systemDiskId = await systemDiskOf(world, instanceId);
  const otherSystemDiskId = await systemDiskOf(world, other.instanceId);
  await world.power('stop', instanceId);
  await world.power('stop', other.instanceId);
  await control.detachDisk(detachment(systemDiskId, instanceId));
  const detached = await world.disk(systemDiskId);
  assert.deepEqual([detached?.status, detached?.type, detached?.deleteWithInstance], ['Available', 'system', true]);
  await assert.rejects(control.resizeDisk(grow(systemDiskId, 50)), { code: 'InvalidDisk.DetachedSystemDisk' });
  await assert.rejects(world.power('start', instanceId), { code: 'InvalidInstance.NotFoundSystemDisk' });
  const bootable = (id: string, target: string) => control.attachDisk(attachment(id, target, { bootable: true }));
  await assert.rejects(bootable(systemDiskId, other.instanceId), { code: 'InvalidInstance.NotOriginInstance' });
  await control.detachDisk(detachment(diskId, instanceId));
  await assert.rejects(bootable(diskId, instanceId), { code: 'InvalidDisk.DiskNotBootable' });
  await bootable(systemDiskId, instanceId);
  const back = await world.disk(systemDiskId);
  assert.deepEqual([back?.status, back?.type, back?.device], ['In_use', 'system', '/dev/xvda']);
  await assert.rejects(bootable(otherSystemDiskId, other.instanceId), { code: 'IncorrectDiskStatus' });
  await world.power('start', instanceId);
  await checked(world);
});

test('a system disk that was detached is a data disk elsewhere, and can still go home', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId } = await world.runOne();
  const other = await world.runOne();
  const systemDiskId = await systemDiskOf(world, instanceId);
  await world.power('stop', instanceId);
  await control.detachDisk(detachment(systemDiskId, instanceId, false));
  assert.equal((await world.disk(systemDiskId))?.deleteWithInstance, false);
  await control.attachDisk(attachment(systemDiskId, other.instanceId));
  const lent = await world.disk(systemDiskId);
  assert.deepEqual([lent?.type, lent?.device, lent?.status], ['data', '/dev/xvdc', 'In_use']);
  await control.detachDisk(detachment(systemDiskId, other.instanceId));
  await control.attachDisk(attachment(systemDiskId, instanceId, { bootable: true }));
  assert.equal((await world.disk(systemDiskId))?.type, 'system');
  await world.power('start', instanceId);
  await checked(world);
});

test('a deleted disk is gone from every list at once; its snapshots stay and make disks', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  const snapshotId = await world.takeSnapshot(diskId);
  await assert.rejects(world.control.deleteDisk({ diskId }), { code: 'IncorrectDiskStatus' });
  await world.control.detachDisk(detachment(diskId, instanceId));
  const gate = Promise.withResolvers<void>();
  world.diskd.before = async (call) => (call === 'deleteDisk' ? gate.promise : undefined);
  const answer = world.control.deleteDisk({ diskId });
  await world.until('it to go', async () => (await world.disk(diskId)) === undefined);
  assert.ok(world.diskd.disks.has(diskId), 'the folder goes afterwards');
  gate.resolve();
  await answer;
  assert.ok(!world.diskd.disks.has(diskId));
  await assert.rejects(world.control.deleteDisk({ diskId }), { code: 'InvalidDiskId.NotFound' });
  assert.equal((await world.snapshot(snapshotId))?.sourceDiskId, diskId);
  assert.equal((await world.control.listSnapshots({ diskId }, allRows)).totalCount, 1);
  const made = await world.control.createDisk(diskRequest({ snapshotId }));
  assert.deepEqual(world.diskWords(made.diskId), { 1: 'a' });
  await checked(world);
});

test('a disk that is still being made, or snapshotted, is not deleted; what only its base kept goes with it', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  const snapshotId = await world.takeSnapshot(diskId);
  const gate = Promise.withResolvers<void>();
  world.diskd.before = async (call) => (call === 'createDisk' ? gate.promise : undefined);
  const creating = control.createDisk(diskRequest({ snapshotId, tags: [{ key: 'a', value: 'b' }] }));
  await world.until(
    'it to be made',
    async () => (await control.listDisks({ status: 'Creating' }, allRows)).totalCount === 1,
  );
  const { items } = await control.listDisks({ status: 'Creating' }, allRows);
  const madeId = items[0]?.diskId ?? '';
  await assert.rejects(control.deleteDisk({ diskId: madeId }), { code: 'IncorrectDiskStatus.Initializing' });
  gate.resolve();
  await creating;
  await control.detachDisk(detachment(diskId, instanceId));
  const held = world.holdUploads();
  const second = await control.createSnapshot(snapshotRequest(diskId));
  await assert.rejects(control.deleteDisk({ diskId }), { code: 'DiskCreatingSnapshot' });
  held.release();
  await world.until('the snapshot', async () => (await world.snapshot(second.snapshotId))?.status === 'accomplished');
  await control.deleteSnapshot({ snapshotId: second.snapshotId, force: false });
  await control.deleteSnapshot({ snapshotId, force: true });
  await checked(world);
  assert.equal(world.repository.trees.size, 1, 'the base of the made disk');
  await control.deleteDisk({ diskId: madeId });
  await checked(world);
  assert.equal(world.repository.trees.size, 0);
  const tags = await world.catalog.queries.selectFrom('tags').selectAll().where('resource_id', '=', madeId).execute();
  assert.deepEqual(tags, []);
});

test('a disk grows for those who ask at once, and diskd follows', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await world.runOne();
  await control.resizeDisk(grow(diskId, 30, true));
  assert.deepEqual([(await world.disk(diskId))?.sizeGib, sizeInDiskd(world, diskId)], [30, 30]);
  assert.equal((await world.disk(diskId))?.status, 'In_use');
  const systemDiskId = await systemDiskOf(world, instanceId);
  await control.resizeDisk(grow(systemDiskId, 60));
  assert.equal(sizeInDiskd(world, systemDiskId), 60);
  const cases: [string, ReturnType<typeof grow>][] = [
    ['InvalidDiskId.NotFound', grow('d-none', 40)],
    ['InvalidDiskSize.TooSmall', grow(diskId, 30)],
    ['InvalidDiskSize.TooSmall', grow(diskId, 20)],
    ['InvalidDiskSize.TooLarge', grow(diskId, 65_537)],
    ['InvalidDiskSize.TooLarge', grow(systemDiskId, 2049)],
  ];
  for (const [code, request] of cases) await assert.rejects(control.resizeDisk(request), { code }, code);
  await world.power('stop', instanceId);
  await assert.rejects(control.resizeDisk(grow(diskId, 40, true)), { code: 'InvalidInstanceStatus.NotRunning' });
  await control.resizeDisk(grow(diskId, 65_536));
  await checked(world);
});

test('a snapshot after growing has the new size, and going back to the one before keeps the disk large', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  const small = await world.takeSnapshot(diskId);
  await world.control.resizeDisk(grow(diskId, 30));
  world.diskd.write(diskId, 400_000, 'b');
  const large = await world.takeSnapshot(diskId);
  assert.deepEqual(
    [(await world.snapshot(small))?.sourceDiskSizeGib, (await world.snapshot(large))?.sourceDiskSizeGib],
    [20, 30],
  );
  assert.equal(world.repository.manifests.get(large)?.sizeBytes, 30 * GIB);
  await world.power('stop', instanceId);
  await world.control.resetDisk({ diskId, snapshotId: small });
  assert.deepEqual([(await world.disk(diskId))?.sizeGib, world.diskWords(diskId)], [30, { 1: 'a' }]);
  await world.control.resetDisk({ diskId, snapshotId: large });
  assert.deepEqual(world.diskWords(diskId), { 1: 'a', 400_000: 'b' });
  await checked(world);
});

test('the same client token grows a disk once', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  for (let times = 0; times < 2; times++) {
    await world.control.resizeDisk(grow(diskId, 30), token('ResizeDisk'));
  }
  await assert.rejects(world.control.resizeDisk(grow(diskId, 40), token('ResizeDisk', 'other')), {
    code: 'IdempotentParameterMismatch',
  });
  assert.equal((await world.disk(diskId))?.sizeGib, 30);
  await checked(world);
});

test('while diskd does not have the new size yet, nothing that depends on it happens', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await world.runOne();
  const snapshotId = await world.takeSnapshot(diskId);
  await control.detachDisk(detachment(diskId, instanceId));
  const gate = Promise.withResolvers<void>();
  world.diskd.before = async (call) => (call === 'resizeDisk' ? gate.promise : undefined);
  const growing = control.resizeDisk(grow(diskId, 30));
  await world.until('the row', async () => (await world.disk(diskId))?.sizeGib === 30);
  await assert.rejects(control.resizeDisk(grow(diskId, 40)), { code: 'Operation.Conflict' });
  await assert.rejects(control.createSnapshot(snapshotRequest(diskId)), { code: 'IncorrectDiskStatus' });
  await assert.rejects(control.resetDisk({ diskId, snapshotId }), { code: 'IncorrectDiskStatus' });
  await assert.rejects(control.deleteDisk({ diskId }), { code: 'IncorrectDiskStatus' });
  gate.resolve();
  await growing;
  await control.deleteDisk({ diskId });
  await checked(world);
});

test('when diskd cannot grow a disk, the row has its old size again, the reason is told, and the token is free', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  world.diskd.before = async (call) => {
    if (call === 'resizeDisk') throw new RequestError('OperationDenied', 'an older version of hupo');
  };
  await assert.rejects(world.control.resizeDisk(grow(diskId, 30), token('ResizeDisk')), {
    code: 'OperationDenied',
    message: /older version/,
  });
  await world.settle();
  assert.equal((await world.disk(diskId))?.sizeGib, 20);
  world.diskd.before = async () => undefined;
  await world.control.resizeDisk(grow(diskId, 30), token('ResizeDisk'));
  assert.equal(sizeInDiskd(world, diskId), 30);
  await checked(world);
});

test('a diskd that is away for a while gets the new size when it is back', async (t) => {
  const world = await createWorld(t, 100);
  const { diskId } = await world.runOne();
  let failures = 3;
  world.diskd.before = async (call) => {
    if (call === 'resizeDisk' && failures-- > 0) throw new OperationalError('away', { retryable: true });
  };
  await world.control.resizeDisk(grow(diskId, 30));
  await world.settle();
  assert.equal(sizeInDiskd(world, diskId), 30);
  await checked(world);
});

test('a data disk begins anew from its snapshot, or empty; a system disk from its image', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await world.runOne();
  const systemDiskId = await systemDiskOf(world, instanceId);
  world.diskd.write(diskId, 1, 'a');
  const snapshotId = await world.takeSnapshot(diskId);
  const made = await control.createDisk(diskRequest({ snapshotId }));
  await control.attachDisk(attachment(made.diskId, instanceId));
  for (const id of [diskId, made.diskId, systemDiskId]) world.diskd.write(id, 2, 'b');
  await assert.rejects(control.reInitDisk({ diskId, autoStartInstance: false }), { code: 'IncorrectInstanceStatus' });
  await world.power('stop', instanceId);
  for (const id of [diskId, made.diskId, systemDiskId]) {
    await control.reInitDisk({ diskId: id, autoStartInstance: false });
    assert.equal((await world.disk(id))?.status, 'In_use');
  }
  assert.deepEqual(world.diskWords(diskId), {});
  assert.deepEqual(world.diskWords(made.diskId), { 1: 'a' });
  assert.deepEqual(world.diskWords(systemDiskId), {});
  assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'a' });
  await control.resetDisk({ diskId, snapshotId });
  assert.deepEqual(world.diskWords(diskId), { 1: 'a' }, 'snapshots from before can still be gone back to');
  await world.power('start', instanceId);
  await world.takeSnapshot(diskId);
  await checked(world);
});

test('a disk whose source is deleted, or that is not attached, or never ran, is not re-initialised', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await world.runOne();
  const snapshotId = await world.takeSnapshot(diskId);
  const made = await control.createDisk(diskRequest({ snapshotId }));
  const reInit = (id: string) => control.reInitDisk({ diskId: id, autoStartInstance: false });
  await assert.rejects(reInit('d-none'), { code: 'InvalidDiskId.NotFound' });
  await assert.rejects(reInit(made.diskId), { code: 'IncorrectDiskStatus' });
  await world.power('stop', instanceId);
  await control.attachDisk(attachment(made.diskId, instanceId));
  await control.deleteSnapshot({ snapshotId, force: true });
  await assert.rejects(reInit(made.diskId), { code: 'InvalidSourceSnapshot' });
  const { instanceIds } = await control.runInstances(runRequest({ start: false, dataDisks: [dataDisk()] }));
  await world.settle();
  await assert.rejects(reInit(await systemDiskOf(world, instanceIds[0] ?? '')), { code: 'IncorrectInstanceStatus' });
  await world.catalog.queries.updateTable('images').set({ deleted: 1 }).execute();
  await assert.rejects(reInit(await systemDiskOf(world, instanceId)), { code: 'InvalidImageId.NotFound' });
  await checked(world);
});

test('an instance is started after its disk was re-initialised, where that was asked', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  await world.power('stop', instanceId);
  await world.control.reInitDisk({ diskId, autoStartInstance: true });
  assert.equal((await world.instance(instanceId))?.status, 'Running');
  assert.notEqual((await world.disk(diskId))?.nbdUri, null);
  assert.deepEqual(world.diskWords(diskId), {});
  await checked(world);
  await world.power('stop', instanceId);
  world.diskd.before = async (call) => {
    if (call === 'openDisk') throw new RequestError('OperationConflict', 'it does not open');
  };
  await assert.rejects(world.control.reInitDisk({ diskId, autoStartInstance: true }), { code: 'OperationConflict' });
  await world.settle();
  assert.equal((await world.instance(instanceId))?.status, 'Stopped');
  assert.equal((await world.disk(diskId))?.status, 'In_use');
  await checked(world);
});

test('attributes of several disks change together or not at all', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const ids = [(await control.createDisk(diskRequest())).diskId, (await control.createDisk(diskRequest())).diskId];
  const changes = { diskName: 'renamed', description: 'it is', deleteAutoSnapshot: false, enableAutoSnapshot: false };
  await assert.rejects(control.modifyDisks({ diskIds: [...ids, 'd-none'], ...changes }), {
    code: 'InvalidDiskId.NotFound',
  });
  assert.equal((await control.listDisks({ diskName: 'renamed' }, allRows)).totalCount, 0);
  await control.modifyDisks({ diskIds: [...ids, ...ids], ...changes, deleteWithInstance: true });
  const { items } = await control.listDisks({ diskName: 'renamed' }, allRows);
  assert.equal(items.length, 2);
  for (const disk of items) {
    const { description, deleteAutoSnapshot, enableAutoSnapshot, deleteWithInstance } = disk;
    assert.deepEqual(
      { description, deleteAutoSnapshot, enableAutoSnapshot, deleteWithInstance },
      { description: 'it is', deleteAutoSnapshot: false, enableAutoSnapshot: false, deleteWithInstance: true },
    );
  }
  await control.modifyDisks({ diskIds: ids, deleteWithInstance: false });
  assert.equal((await world.disk(ids[0] ?? ''))?.description, 'it is', 'what is not given stays');
  await checked(world);
});

test('name and description of an accomplished snapshot change, and its manifest never does', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  const held = world.holdUploads();
  const { snapshotId } = await world.control.createSnapshot({ ...snapshotRequest(diskId), description: 'first' });
  await assert.rejects(world.control.modifySnapshot({ snapshotId, snapshotName: 'later' }), {
    code: 'InvalidSnapshotId.NotReady',
  });
  held.release();
  await world.until('the snapshot', async () => (await world.snapshot(snapshotId))?.status === 'accomplished');
  const manifest = world.repository.manifests.get(snapshotId);
  await world.control.modifySnapshot({ snapshotId, snapshotName: 'later', description: '' });
  const snapshot = await world.snapshot(snapshotId);
  assert.deepEqual([snapshot?.snapshotName, snapshot?.description], ['later', '']);
  assert.equal(world.repository.manifests.get(snapshotId), manifest);
  await assert.rejects(world.control.modifySnapshot({ snapshotId: 's-none', description: 'xx' }), {
    code: 'InvalidSnapshotId.NotFound',
  });
  await checked(world);
});

test('a snapshot that an image is made from is not deleted, not even by force', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  const snapshotId = await world.takeSnapshot(diskId);
  await world.catalog.queries.updateTable('image_disks').set({ snapshot_id: snapshotId }).execute();
  for (const force of [false, true]) {
    await assert.rejects(world.control.deleteSnapshot({ snapshotId, force }), { code: 'SnapshotCreatedImage' });
  }
  assert.equal((await world.snapshot(snapshotId))?.usage, 'image');
  await checked(world);
});

test('while a snapshot is progressing, ecs-api.md 4.2 holds row by row', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await world.runOne(plainDisk);
  const spare = await world.runOne();
  const earlier = await world.takeSnapshot(diskId);
  const held = world.holdUploads();
  const { snapshotId } = await control.createSnapshot(snapshotRequest(diskId));
  const rows: [string, () => Promise<unknown>][] = [
    ['IncorrectDiskStatus.CreatingSnapshot', () => control.createSnapshot(snapshotRequest(diskId))],
    ['DiskCreatingSnapshot', () => control.resizeDisk(grow(diskId, 30))],
    ['DiskCreatingSnapshot', () => control.reInitDisk({ diskId, autoStartInstance: false })],
    ['IncorrectDiskStatus.HasUnfinishedSnapshot', () => control.resetDisk({ diskId, snapshotId: earlier })],
    ['InvalidSnapshot.NotReady', () => control.createDisk(diskRequest({ snapshotId }))],
    ['InvalidSnapshotId.NotReady', () => control.modifySnapshot({ snapshotId, description: 'xx' })],
    ['OperationConflict', () => world.power('stop', instanceId)],
    ['OperationConflict', () => world.power('reboot', instanceId)],
  ];
  for (const [code, request] of rows) await assert.rejects(request(), { code }, code);
  await control.detachDisk(detachment(diskId, instanceId));
  await assert.rejects(control.deleteDisk({ diskId }), { code: 'DiskCreatingSnapshot' });
  await control.attachDisk(attachment(diskId, spare.instanceId));
  await control.deleteSnapshot({ snapshotId, force: false });
  held.release();
  assert.equal(await world.snapshot(snapshotId), undefined, 'deleting it cancels it');
  await checked(world);
});

test('a rollback is as ecs-api.md 4.3 says', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await world.runOne();
  const other = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  const first = await world.takeSnapshot(diskId);
  const foreign = await world.takeSnapshot(other.diskId);
  world.diskd.write(diskId, 1, 'b');
  const second = await world.takeSnapshot(diskId);
  await assert.rejects(control.resetDisk({ diskId, snapshotId: first }), { code: 'IncorrectInstanceStatus' });
  await world.power('stop', instanceId);
  await assert.rejects(control.resetDisk({ diskId, snapshotId: foreign }), { code: 'InvalidParameter.Mismatch' });
  await control.resetDisk({ diskId, snapshotId: first });
  assert.deepEqual(world.diskWords(diskId), { 1: 'a' }, 'of a disk that is In_use');
  await control.detachDisk(detachment(diskId, instanceId));
  await control.resetDisk({ diskId, snapshotId: second });
  assert.deepEqual(
    world.diskWords(diskId),
    { 1: 'b' },
    'of an Available disk, to a snapshot later than the one before',
  );
  await checked(world);
});

test('a disk from a snapshot is as ecs-api.md 4.4 says', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await world.runOne();
  const dataSnapshot = await world.takeSnapshot(diskId);
  const systemSnapshot = await world.takeSnapshot(await systemDiskOf(world, instanceId));
  const sizes: [number | null, number][] = [
    [null, 20],
    [5, 20],
    [33, 33],
  ];
  for (const [sizeGib, expected] of sizes) {
    const made = await control.createDisk(diskRequest({ snapshotId: dataSnapshot, sizeGib }));
    assert.equal((await world.disk(made.diskId))?.sizeGib, expected);
  }
  const fromSystem = await control.createDisk(diskRequest({ snapshotId: systemSnapshot }));
  assert.deepEqual(
    [(await world.disk(fromSystem.diskId))?.type, (await world.disk(fromSystem.diskId))?.sizeGib],
    ['data', 40],
  );
  const dataDisks = [dataDisk({ snapshotId: systemSnapshot })];
  await assert.rejects(control.runInstances(runRequest({ dataDisks })), {
    code: 'InvalidSnapshotId.NotDataDiskSnapshot',
  });
  await control.deleteSnapshot({ snapshotId: systemSnapshot, force: true });
  assert.equal((await world.disk(fromSystem.diskId))?.sourceSnapshotId, systemSnapshot, 'for life');
  await checked(world);
});

test('a dry run of each change of a disk meets the same refusals and changes nothing', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await world.runOne();
  const free = await control.createDisk(diskRequest());
  const snapshotId = await world.takeSnapshot(diskId);
  const dry = { idempotency: null, dryRun: true };
  await world.power('stop', instanceId);
  const before = (await control.listDisks({}, allRows)).items;
  const calls = world.diskd.calls.length;
  const changes: (() => Promise<unknown>)[] = [
    () => control.detachDisk(detachment(diskId, instanceId), dry),
    () => control.attachDisk(attachment(free.diskId, instanceId), dry),
    () => control.deleteDisk({ diskId: free.diskId }, dry),
    () => control.resizeDisk(grow(diskId, 30), dry),
    () => control.reInitDisk({ diskId, autoStartInstance: true }, dry),
    () => control.resetDisk({ diskId, snapshotId }, dry),
    () => control.modifyDisks({ diskIds: [diskId], diskName: 'other' }, dry),
    () => control.modifySnapshot({ snapshotId, description: 'other' }, dry),
    () => control.deleteSnapshot({ snapshotId, force: false }, dry),
  ];
  for (const change of changes) await assert.rejects(change(), { code: 'DryRunOperation' });
  await assert.rejects(control.deleteDisk({ diskId }, dry), { code: 'IncorrectDiskStatus' });
  assert.deepEqual((await control.listDisks({}, allRows)).items, before);
  assert.equal((await world.snapshot(snapshotId))?.description, '');
  assert.equal(world.diskd.calls.length, calls);
  await checked(world);
});
