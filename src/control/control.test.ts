/** What the control plane answers, on a real catalog with a fake diskd, transfer and repository. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
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
import { OperationalError } from '../lib/errors.ts';

test('a new instance runs with a system disk and its data disks, each served', async (t) => {
  const world = await createWorld(t);
  const { instanceId } = await world.runOne();
  const { items } = await world.control.listDisks({ instanceId }, allRows);
  assert.deepEqual(
    items
      .map(({ type, device, sizeGib, status }) => ({ type, device, sizeGib, status }))
      .sort((a, b) => b.sizeGib - a.sizeGib),
    [
      { type: 'system', device: '/dev/xvda', sizeGib: 40, status: 'In_use' },
      { type: 'data', device: '/dev/xvdb', sizeGib: 20, status: 'In_use' },
    ],
  );
  for (const { diskId, nbdUri } of items) {
    assert.equal(nbdUri, `nbd+unix:///${diskId}?socket=${encodeURIComponent(`/run/${diskId}.sock`)}`);
  }
  await checked(world);
});

test('a rollback gives back the first state, keeps the later snapshot, and the next compares with it', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  const first = await world.takeSnapshot(diskId);
  world.diskd.write(diskId, 1, 'b');
  world.diskd.write(diskId, 2, 'c');
  const second = await world.takeSnapshot(diskId);
  assert.equal(world.transfer.jobs.at(-1)?.sinceGeneration, 1, 'the second snapshot reads only what changed');
  await world.power('stop', instanceId);
  await world.control.resetDisk({ diskId, snapshotId: first });
  assert.equal((await world.disk(diskId))?.status, 'In_use');
  await world.power('start', instanceId);
  assert.deepEqual(world.diskWords(diskId), { 1: 'a' });
  assert.deepEqual(world.snapshotWords(second), { 1: 'b', 2: 'c' });
  world.diskd.write(diskId, 3, 'd');
  const third = await world.takeSnapshot(diskId);
  assert.equal(world.repository.manifests.get(third)?.parentSnapshotId, null);
  assert.deepEqual(world.transfer.jobs.at(-1)?.parent, world.repository.manifests.get(first)?.tree);
  assert.deepEqual(world.snapshotWords(third), { 1: 'a', 3: 'd' });
  await checked(world);
});

test('a disk from a snapshot keeps its bytes although the snapshot is deleted', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  const snapshotId = await world.takeSnapshot(diskId);
  const made = await world.control.createDisk(diskRequest({ snapshotId, sizeGib: 5 }));
  assert.equal((await world.disk(made.diskId))?.sizeGib, 20);
  assert.equal((await world.snapshot(snapshotId))?.usage, 'disk');
  await assert.rejects(world.control.deleteSnapshot({ snapshotId, force: false }), { code: 'SnapshotCreatedDisk' });
  await world.control.deleteSnapshot({ snapshotId, force: true });
  await checked(world);
  assert.equal(await world.snapshot(snapshotId), undefined);
  assert.deepEqual(world.diskWords(made.diskId), { 1: 'a' });
});

test('after the last dependant is gone, a deleted snapshot holds no tree', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  const first = await world.takeSnapshot(diskId);
  world.diskd.write(diskId, 1, 'b');
  const second = await world.takeSnapshot(diskId);
  await world.control.deleteSnapshot({ snapshotId: first, force: false });
  await checked(world);
  assert.equal(world.repository.trees.size, 1);
  assert.deepEqual(world.snapshotWords(second), { 1: 'b' });
  await assert.rejects(world.control.deleteSnapshot({ snapshotId: first, force: false }), {
    code: 'InvalidSnapshotId.NotFound',
  });
});

test('a snapshot is in no answer before it is frozen, and its CreationTime is the instant', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  const frozen = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  world.diskd.before = async (call) => {
    if (call !== 'freeze') return;
    asked.resolve();
    await frozen.promise;
  };
  const answer = world.control.createSnapshot(snapshotRequest(diskId));
  await asked.promise;
  assert.deepEqual((await world.control.listSnapshots({}, allRows)).items, []);
  frozen.resolve();
  const { snapshotId } = await answer;
  const instant = world.diskd.disks.get(diskId)?.views[0]?.reply.frozenAtMs;
  await world.until('the snapshot', async () => (await world.snapshot(snapshotId))?.status === 'accomplished');
  if (instant !== undefined) assert.equal((await world.snapshot(snapshotId))?.createdAtMs, instant);
  await checked(world);
});

test('a freeze that is not answered is asked again, then cancelled, and the call fails', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  const late = Promise.withResolvers<void>();
  let asked = 0;
  world.diskd.before = async (call) => {
    if (call !== 'freeze') return;
    asked++;
    await late.promise;
  };
  await assert.rejects(world.control.createSnapshot(snapshotRequest(diskId), token('CreateSnapshot')), {
    code: 'CreateSnapshot.Failed',
  });
  assert.ok(asked >= 2);
  late.resolve();
  await world.settle();
  const { items } = await world.control.listSnapshots({ diskId }, allRows);
  assert.deepEqual(
    items.map(({ status }) => status),
    ['failed'],
  );
  assert.match(items[0]?.failureReason ?? '', /did not freeze/);
  world.diskd.before = async () => undefined;
  const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId), token('CreateSnapshot'));
  assert.notEqual(snapshotId, items[0]?.snapshotId, 'the token of a failed call does not stick');
  await checked(world);
});

test('while a snapshot progresses, what would harm it is refused', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne(plainDisk);
  const upload = Promise.withResolvers<void>();
  world.transfer.during = () => upload.promise;
  const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId));
  await assert.rejects(world.control.createSnapshot(snapshotRequest(diskId)), {
    code: 'IncorrectDiskStatus.CreatingSnapshot',
  });
  for (const force of [false, true]) {
    await assert.rejects(world.power('stop', instanceId, force), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'OperationConflict');
      assert.match(error.message, new RegExp(`${snapshotId}.*\\d+%`));
      return true;
    });
  }
  await assert.rejects(world.control.resetDisk({ diskId, snapshotId }), {
    code: 'IncorrectDiskStatus.HasUnfinishedSnapshot',
  });
  await assert.rejects(world.control.createDisk(diskRequest({ snapshotId })), {
    code: 'InvalidSnapshot.NotReady',
  });
  upload.resolve();
  await world.until('the snapshot', async () => (await world.snapshot(snapshotId))?.status === 'accomplished');
  await world.power('stop', instanceId);
  await checked(world);
});

test('deleting a progressing snapshot cancels it, and the disk is free at once', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  world.transfer.during = async (signal) => {
    await new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  };
  const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId));
  await world.until('the upload', async () => world.repository.uploading === 1);
  await world.control.deleteSnapshot({ snapshotId, force: false });
  assert.equal(await world.snapshot(snapshotId), undefined);
  world.transfer.during = async () => undefined;
  const next = await world.takeSnapshot(diskId);
  assert.deepEqual(world.snapshotWords(next), { 1: 'a' });
  await checked(world);
});

test('an upload that fails for a while is tried again; one that cannot be done fails with its reason', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  let failures = 2;
  world.transfer.during = async () => {
    if (failures-- > 0) throw new OperationalError('no space', { retryable: true });
  };
  const snapshotId = await world.takeSnapshot(diskId);
  assert.equal((await world.snapshot(snapshotId))?.progressPercent, 100);
  world.transfer.during = async () => {
    throw new OperationalError('the view cannot be read', { retryable: false });
  };
  const failing = await world.control.createSnapshot(snapshotRequest(diskId));
  await world.until('it to fail', async () => (await world.snapshot(failing.snapshotId))?.status === 'failed');
  assert.equal((await world.snapshot(failing.snapshotId))?.failureReason, 'the view cannot be read');
  await world.control.deleteSnapshot({ snapshotId: failing.snapshotId, force: false });
  await checked(world);
});

test('the parent of an upload is kept although its snapshot is deleted and collected meanwhile', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  const parent = await world.takeSnapshot(diskId);
  world.diskd.write(diskId, 2, 'b');
  await world.settle();
  const collectCount = world.repository.collectCount;
  world.transfer.during = async () => {
    if (world.repository.collectCount === collectCount) throw new OperationalError('not yet', { retryable: true });
  };
  const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId));
  await world.until('the upload', async () => world.transfer.jobs.at(-1)?.snapshotId === snapshotId);
  await world.control.deleteSnapshot({ snapshotId: parent, force: false });
  await world.until('the snapshot', async () => (await world.snapshot(snapshotId))?.status === 'accomplished');
  assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'a', 2: 'b' });
  await checked(world);
});

test('a lost journal makes the next snapshot compare all that the disk holds with its base', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  await world.takeSnapshot(diskId);
  const disk = world.diskd.disks.get(diskId);
  assert.ok(disk);
  disk.compareReason = 'the journal was damaged';
  disk.entries.delete(1);
  const snapshotId = await world.takeSnapshot(diskId);
  assert.equal(world.transfer.jobs.at(-1)?.sinceGeneration, -1);
  assert.deepEqual(world.snapshotWords(snapshotId), {}, 'the snapshot is the disk as it is, not as it was');
  await checked(world);
});

test('a repeated client token gets the first answer, with other parameters a refusal', async (t) => {
  const world = await createWorld(t);
  const create = () => world.control.createDisk(diskRequest(), token('CreateDisk'));
  const [first, second] = [await create(), await create()];
  assert.deepEqual(second, first);
  const run = () => world.control.runInstances(runRequest(), token('RunInstances'));
  assert.deepEqual(await run(), await run());
  const { diskId } = await world.runOne();
  const snap = () => world.control.createSnapshot(snapshotRequest(diskId), token('CreateSnapshot'));
  const together = await Promise.all([snap(), snap()]);
  assert.deepEqual(together[0], together[1]);
  await world.settle();
  await world.restart();
  assert.deepEqual(await create(), first, 'the token is kept across restarts');
  await assert.rejects(world.control.createDisk(diskRequest(), token('CreateDisk', 'other')), {
    code: 'IdempotentParameterMismatch',
  });
  await checked(world);
});

test('attaching to a running instance serves the disk, to a stopped one it waits for the start', async (t) => {
  const world = await createWorld(t);
  const { instanceId } = await world.runOne();
  const first = await world.control.createDisk(diskRequest());
  const attach = { instanceId, device: null, deleteWithInstance: false, bootable: false };
  await world.control.attachDisk({ ...attach, diskId: first.diskId });
  const shown = await world.disk(first.diskId);
  assert.equal(shown?.status, 'In_use');
  assert.equal(shown?.device, '/dev/xvdc');
  assert.notEqual(shown?.nbdUri, null);
  await assert.rejects(world.control.attachDisk({ ...attach, diskId: first.diskId }), { code: 'IncorrectDiskStatus' });
  await world.power('stop', instanceId);
  const second = await world.control.createDisk(diskRequest());
  await world.control.attachDisk({ ...attach, diskId: second.diskId, device: '/dev/xvdz' });
  assert.equal((await world.disk(second.diskId))?.nbdUri, null);
  await assert.rejects(world.control.createSnapshot(snapshotRequest(second.diskId)), {
    code: 'IncorrectDiskStatus.NeverUsed',
  });
  await world.power('start', instanceId);
  assert.notEqual((await world.disk(second.diskId))?.nbdUri, null);
  await world.takeSnapshot(second.diskId);
  await checked(world);
});

test('what cannot be is refused with its documented code', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await world.runOne();
  const free = await control.createDisk(diskRequest({ zoneId: 'cn-hangzhou-b' }));
  const snapshotId = await world.takeSnapshot(diskId);
  const attach = { instanceId, device: null, deleteWithInstance: false, bootable: false };
  const cases: [string, () => Promise<unknown>][] = [
    ['InvalidDiskId.NotFound', () => control.createSnapshot(snapshotRequest('d-none'))],
    ['IncorrectDiskStatus.NeverAttached', () => control.createSnapshot(snapshotRequest(free.diskId))],
    ['InvalidSnapshotId.NotFound', () => control.deleteSnapshot({ snapshotId: 's-none', force: false })],
    ['InvalidSnapshotId.NotFound', () => control.createDisk(diskRequest({ snapshotId: 's-none' }))],
    ['InvalidSnapshotId.NotFound', () => control.resetDisk({ diskId, snapshotId: 's-none' })],
    ['InvalidParameter.Mismatch', () => control.resetDisk({ diskId: free.diskId, snapshotId })],
    ['IncorrectInstanceStatus', () => control.resetDisk({ diskId, snapshotId })],
    ['IncorrectInstanceStatus', () => world.power('start', instanceId)],
    ['InvalidInstanceId.NotFound', () => world.power('stop', 'i-none')],
    ['ResourcesNotInSameZone', () => control.attachDisk({ ...attach, diskId: free.diskId })],
    ['InvalidZoneId.NotFound', () => control.createDisk(diskRequest({ zoneId: 'cn-beijing-a' }))],
    ['InvalidImageId.NotFound', () => control.runInstances(runRequest({ imageId: 'm-none' }))],
    [
      'InvalidDataDiskSnapshotId.NotFound',
      () => control.runInstances(runRequest({ dataDisks: [dataDisk({ snapshotId: 's-none' })] })),
    ],
    [
      'InstanceDiskNumber.LimitExceed',
      () => control.runInstances(runRequest({ dataDisks: Array.from({ length: 17 }, () => dataDisk()) })),
    ],
    [
      'InvalidDevice.InUse',
      () => {
        const device = '/dev/xvdf';
        return control.runInstances(runRequest({ dataDisks: [dataDisk({ device }), dataDisk({ device })] }));
      },
    ],
    [
      'InvalidSystemDiskSize.LessThanImageSize',
      () => control.runInstances(runRequest({ systemDisk: dataDisk({ sizeGib: 19 }) })),
    ],
    ['InvalidDiskSize.NotSupported', () => control.createDisk(diskRequest({ sizeGib: 100_000 }))],
    ['IncorrectDiskStatus', () => control.completeImport({ diskId })],
  ];
  for (const [code, request] of cases) await assert.rejects(request(), { code }, code);
  await checked(world);
});

test('an import ends Available and used; one whose importer goes away, or whose server ends, is dropped', async (t) => {
  const world = await createWorld(t, 200);
  const done = await world.control.beginImport(diskRequest());
  assert.equal((await world.disk(done.diskId))?.status, 'Creating');
  assert.equal((await world.disk(done.diskId))?.nbdUri, done.nbdUri);
  world.diskd.write(done.diskId, 7, 'x');
  await world.control.completeImport({ diskId: done.diskId });
  assert.equal((await world.disk(done.diskId))?.status, 'Available');
  await world.takeSnapshot(done.diskId);
  const dropped = await world.control.beginImport(diskRequest());
  const connected = world.diskd.disks.get(dropped.diskId);
  assert.ok(connected);
  connected.clientCount = 1;
  await world.restart();
  await world.settle();
  assert.equal(await world.disk(dropped.diskId), undefined);
  const idle = await world.control.beginImport(diskRequest());
  await world.until('the import to be dropped', async () => (await world.disk(idle.diskId)) === undefined);
  await checked(world);
});

test('a running instance is served again when diskd comes back, a stopped one is not', async (t) => {
  const world = await createWorld(t);
  const running = await world.runOne();
  const stopped = await world.runOne();
  await world.power('stop', stopped.instanceId);
  await world.diskd.die();
  await world.control.reopenDisks();
  assert.equal(world.diskd.disks.get(running.diskId)?.open, true);
  assert.equal(world.diskd.disks.get(stopped.diskId)?.open, false);
  await world.settle();
});

test('a snapshot whose view a power cut took is failed, a durable one goes on', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  world.diskd.before = async (call) => {
    if (call === 'awaitDurable') await new Promise(() => undefined);
  };
  const lost = await world.control.createSnapshot(snapshotRequest(diskId));
  await world.control.stop();
  await world.diskd.loseBoot();
  world.diskd.before = async () => undefined;
  await world.restart();
  await world.settle();
  assert.equal((await world.snapshot(lost.snapshotId))?.status, 'failed');
  const uploading = Promise.withResolvers<void>();
  world.transfer.during = async (signal) => {
    uploading.resolve();
    await new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  };
  const kept = await world.control.createSnapshot(snapshotRequest(diskId));
  await uploading.promise;
  await world.control.stop();
  await world.diskd.loseBoot();
  world.transfer.during = async () => undefined;
  await world.restart();
  await world.settle();
  assert.equal((await world.snapshot(kept.snapshotId))?.status, 'accomplished');
  await world.checkSettled();
});

test('lists come newest first, in pages by number and by token', async (t) => {
  const world = await createWorld(t);
  const ids: string[] = [];
  for (let index = 0; index < 5; index++) {
    const tags = index % 2 === 0 ? [{ key: 'even', value: String(index) }] : [];
    ids.unshift((await world.control.createDisk(diskRequest({ diskName: `disk${index}`, tags }))).diskId);
    await world.clock.sleep(40);
  }
  const second = await world.control.listDisks({}, { pageNumber: 2, pageSize: 2, nextToken: null });
  assert.deepEqual(
    second.items.map(({ diskId }) => diskId),
    ids.slice(2, 4),
  );
  assert.equal(second.totalCount, 5);
  const last = await world.control.listDisks({}, { pageNumber: 1, pageSize: 2, nextToken: second.nextToken });
  assert.deepEqual(
    last.items.map(({ diskId }) => diskId),
    ids.slice(4),
  );
  assert.equal(last.nextToken, null);
  const tagged = await world.control.listDisks({ tags: [{ key: 'even', value: null }] }, allRows);
  assert.deepEqual(
    tagged.items.map(({ diskName }) => diskName),
    ['disk4', 'disk2', 'disk0'],
  );
  assert.equal((await world.control.listDisks({ tags: [{ key: 'even', value: '2' }] }, allRows)).totalCount, 1);
  assert.equal((await world.control.listDisks({ diskIds: [] }, allRows)).totalCount, 0);
  await assert.rejects(world.control.listDisks({}, { ...allRows, nextToken: 'garbled' }), {
    code: 'InvalidParameter.NextToken',
  });
});
