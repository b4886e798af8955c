/** Snapshots of ESSD disks before they are stored: rolling back to them, disks from them, several at once, and what fails. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import {
  type World,
  allRows,
  checked,
  createWorld,
  diskRequest,
  plainDisk,
  snapshotRequest,
} from '../../test/control/world.ts';
import { CONCURRENT_SNAPSHOT_QUOTA } from '../ecs/states.ts';
import { OperationalError } from '../lib/errors.ts';
import { VIEW_LIMIT, isViewBase } from '../disk/protocol.ts';

/** A running instance whose data disk holds `a` at 1, frozen as a snapshot that is not stored while `held`. */
async function begin(world: World) {
  const one = await world.runOne();
  const held = world.holdUploads();
  world.diskd.write(one.diskId, 1, 'a');
  return { ...one, held, snapshotId: await world.beginSnapshot(one.diskId) };
}

const standsOnView = (world: World, diskId: string) => {
  const base = world.diskd.disks.get(diskId)?.base;
  return base !== undefined && isViewBase(base);
};

test('a snapshot of an ESSD disk is Available when it is durable, one of another disk when it is accomplished', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  const plain = await world.runOne(plainDisk);
  const held = world.holdUploads();
  const durable = Promise.withResolvers<void>();
  world.diskd.before = async (call) => {
    if (call === 'awaitDurable') await durable.promise;
  };
  const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId));
  assert.equal((await world.snapshot(snapshotId))?.available, false, 'frozen, and not durable');
  await assert.rejects(world.control.createSnapshot(snapshotRequest(diskId)), {
    code: 'IncorrectDiskStatus.CreatingSnapshot',
  });
  await assert.rejects(world.control.createDisk(diskRequest({ snapshotId })), { code: 'InvalidSnapshot.NotReady' });
  const other = await world.control.createSnapshot(snapshotRequest(plain.diskId));
  durable.resolve();
  await world.until('it to be Available', async () => (await world.snapshot(snapshotId))?.available === true);
  assert.equal((await world.snapshot(snapshotId))?.status, 'progressing');
  await world.until('both uploads', async () => world.repository.uploading === 2);
  assert.equal((await world.snapshot(other.snapshotId))?.available, false);
  held.release();
  await checked(world);
  assert.equal((await world.snapshot(other.snapshotId))?.available, true);
});

test('a disk is made from a snapshot that is not stored yet, over a restart too, and has its tree when it is', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId, held, snapshotId } = await begin(world);
  world.diskd.write(diskId, 1, 'b');
  const made = await world.makeDisk(snapshotId);
  assert.ok(standsOnView(world, made));
  assert.deepEqual(world.diskWords(made), { 1: 'a' });
  await world.restart();
  await world.attach(made, instanceId);
  world.diskd.write(made, 2, 'c');
  assert.deepEqual(world.diskWords(made), { 1: 'a', 2: 'c' });
  held.release();
  await checked(world);
  assert.equal((await world.snapshot(snapshotId))?.status, 'accomplished');
  assert.deepEqual(world.diskWords(made), { 1: 'a', 2: 'c' });
  assert.deepEqual(world.diskWords(diskId), { 1: 'b' });
});

test('a disk goes back to a snapshot of its own that is not stored yet, and to an older one meanwhile', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'old');
  const old = await world.takeSnapshot(diskId);
  const held = world.holdUploads();
  world.diskd.write(diskId, 1, 'a');
  const first = await world.beginSnapshot(diskId);
  world.diskd.write(diskId, 1, 'b');
  world.diskd.write(diskId, 2, 'b');
  const second = await world.beginSnapshot(diskId);
  await world.power('stop', instanceId);
  await world.control.resetDisk({ diskId, snapshotId: first });
  assert.deepEqual(world.diskWords(diskId), { 1: 'a' });
  await world.restart();
  await world.power('start', instanceId);
  world.diskd.write(diskId, 3, 'c');
  const third = await world.beginSnapshot(diskId);
  await world.power('stop', instanceId);
  await world.control.resetDisk({ diskId, snapshotId: old });
  assert.deepEqual(world.diskWords(diskId), { 1: 'old' });
  held.release();
  await checked(world);
  assert.deepEqual(world.snapshotWords(first), { 1: 'a' });
  assert.deepEqual(world.snapshotWords(second), { 1: 'b', 2: 'b' });
  assert.deepEqual(world.snapshotWords(third), { 1: 'a', 3: 'c' });
  assert.equal(world.repository.manifests.get(third)?.parentSnapshotId, first, 'a rollback undid the second');
  assert.deepEqual(world.diskWords(diskId), { 1: 'old' });
});

test('snapshots of one disk are stored in the order of their freezes, each against the one before', async (t) => {
  const world = await createWorld(t);
  const { diskId, held, snapshotId } = await begin(world);
  const taken = [snapshotId];
  for (const word of ['b', 'c']) {
    world.diskd.write(diskId, 2, word);
    taken.push(await world.beginSnapshot(diskId));
  }
  assert.equal(world.transfer.jobs.length, 1, 'the later ones wait');
  held.release();
  await checked(world);
  const jobs = world.transfer.jobs.map((job) => job.snapshotId);
  assert.deepEqual(jobs, taken);
  const parents = taken.map((id) => world.repository.manifests.get(id)?.parentSnapshotId);
  assert.deepEqual(parents, [null, taken[0], taken[1]]);
  assert.deepEqual(world.snapshotWords(taken[2] ?? ''), { 1: 'a', 2: 'c' });
});

test('a later snapshot does not wait for one that fails, or is deleted', async (t) => {
  const world = await createWorld(t);
  const { diskId, snapshotId } = await begin(world);
  world.diskd.write(diskId, 2, 'b');
  const second = await world.beginSnapshot(diskId);
  world.diskd.write(diskId, 3, 'c');
  const third = await world.beginSnapshot(diskId);
  await world.control.deleteSnapshot({ snapshotId, force: false });
  await world.until('the second', async () => world.repository.uploading === 1);
  world.transfer.during = async () => {
    if (world.transfer.jobs.at(-1)?.snapshotId === second)
      throw new OperationalError('a bad slot', { retryable: false });
  };
  await world.restart();
  await world.until('the third', async () => (await world.snapshot(third))?.status === 'accomplished');
  await checked(world);
  assert.equal((await world.snapshot(second))?.status, 'failed');
  assert.deepEqual(world.snapshotWords(third), { 1: 'a', 2: 'b', 3: 'c' });
});

test('ten snapshots of an ESSD disk may be in the making, which diskd can hold besides three for undoing', async (t) => {
  assert.equal(CONCURRENT_SNAPSHOT_QUOTA + 3, VIEW_LIMIT);
  const world = await createWorld(t);
  const { diskId, held } = await begin(world);
  for (let count = 1; count < CONCURRENT_SNAPSHOT_QUOTA; count++) await world.beginSnapshot(diskId);
  await assert.rejects(world.control.createSnapshot(snapshotRequest(diskId)), {
    code: 'QuotaExceed.ConcurrentSnapshotQuota',
  });
  held.release();
  await checked(world);
  await world.takeSnapshot(diskId);
});

test('what stays refused while a snapshot of an ESSD disk is stored, and what does not', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId, held, snapshotId } = await begin(world);
  const imageOf = {
    ...{ instanceId: null, disks: null, snapshotId: null, imageName: null, description: '', imageFamily: '' },
    ...{ imageVersion: '', architecture: null, platform: null, bootMode: null, resourceGroupId: 'rg-1', tags: [] },
  };
  const mapping = { device: null, type: 'system' as const, sizeGib: null, snapshotId };
  const rows: [string, () => Promise<unknown>][] = [
    ['DiskCreatingSnapshot', () => control.resizeDisk({ diskId, sizeGib: 30, online: true })],
    ['DiskCreatingSnapshot', () => control.reInitDisk({ diskId, autoStartInstance: false })],
    ['OperationConflict', () => control.deleteInstances({ instanceIds: [instanceId], force: true })],
    ['InvalidSnapshotId.NotReady', () => control.modifySnapshot({ snapshotId, description: 'xx' })],
    ['InvalidSnapshotId.NotReady', () => control.createImage({ ...imageOf, disks: [mapping] })],
  ];
  for (const [code, request] of rows) await assert.rejects(request(), { code }, code);
  await world.power('reboot', instanceId);
  await world.power('stop', instanceId);
  await control.detachDisk({ diskId, instanceId, deleteWithInstance: null });
  await assert.rejects(control.deleteDisk({ diskId }), { code: 'DiskCreatingSnapshot' });
  await control.resetDisk({ diskId, snapshotId });
  await world.beginSnapshot(diskId);
  held.release();
  await checked(world);
});

test('disks of disks from snapshots that are not stored yet all hold what they should, in the end too', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId, held, snapshotId } = await begin(world);
  const child = await world.makeDisk(snapshotId);
  await world.attach(child, instanceId);
  world.diskd.write(child, 2, 'b');
  const ofChild = await world.beginSnapshot(child);
  world.diskd.write(child, 2, 'c');
  const grandchild = await world.makeDisk(ofChild);
  assert.deepEqual(world.diskWords(grandchild), { 1: 'a', 2: 'b' });
  await world.power('stop', instanceId);
  await world.control.resetDisk({ diskId: child, snapshotId: ofChild });
  assert.deepEqual(world.diskWords(child), { 1: 'a', 2: 'b' });
  assert.ok(standsOnView(world, child), 'on what its view stands on');
  await world.restart();
  held.release();
  await checked(world);
  assert.deepEqual(world.snapshotWords(ofChild), { 1: 'a', 2: 'b' });
  for (const id of [child, grandchild]) assert.deepEqual(world.diskWords(id), { 1: 'a', 2: 'b' });
  assert.deepEqual(world.diskWords(diskId), { 1: 'a' });
});

test('a snapshot is not finished before a disk that is just being made from it is there, and moved', async (t) => {
  const world = await createWorld(t);
  const { held, snapshotId } = await begin(world);
  const made = Promise.withResolvers<void>();
  world.diskd.before = async (call) => {
    if (call === 'createDisk') await made.promise;
  };
  const answer = world.control.createDisk(diskRequest({ snapshotId }));
  const ofIt = () => world.control.listDisks({ sourceSnapshotId: snapshotId }, allRows);
  await world.until('the row', async () => (await ofIt()).totalCount === 1);
  held.release();
  await world.until('it to be stored', async () => world.repository.manifests.has(snapshotId));
  await world.clock.sleep(1000);
  assert.equal((await world.snapshot(snapshotId))?.status, 'progressing', 'it waits');
  made.resolve();
  const { diskId } = await answer;
  await checked(world);
  assert.equal((await world.disk(diskId))?.status, 'Available');
  assert.deepEqual(world.diskWords(diskId), { 1: 'a' });
});

test('a view is not released before the folder of a deleted disk that stood on it is gone', async (t) => {
  const world = await createWorld(t);
  const { held, snapshotId } = await begin(world);
  const diskId = await world.makeDisk(snapshotId);
  const removed = Promise.withResolvers<void>();
  world.diskd.before = async (call) => {
    if (call === 'deleteDisk') await removed.promise;
  };
  const answer = world.control.deleteDisk({ diskId });
  await world.until('the row', async () => (await world.disk(diskId)) === undefined);
  held.release();
  await world.until('it to be stored', async () => world.repository.manifests.has(snapshotId));
  await world.clock.sleep(1000);
  assert.equal((await world.snapshot(snapshotId))?.status, 'progressing', 'it waits');
  removed.resolve();
  await answer;
  await checked(world);
});

test('a rollback whose answer comes late does not bring back a base that is gone', async (t) => {
  const world = await createWorld(t);
  const { instanceId, held, snapshotId } = await begin(world);
  const diskId = await world.makeDisk(snapshotId);
  await world.attach(diskId, instanceId);
  const ofChild = await world.beginSnapshot(diskId);
  await world.power('stop', instanceId);
  const answered = Promise.withResolvers<void>();
  const isBack = Promise.withResolvers<void>();
  world.diskd.after = async (call) => {
    if (call !== 'rollback') return;
    isBack.resolve();
    await answered.promise;
  };
  const answer = world.control.resetDisk({ diskId, snapshotId: ofChild });
  await isBack.promise;
  held.release();
  await world.until('it to be stored', async () => world.repository.manifests.has(snapshotId));
  await world.clock.sleep(1000);
  answered.resolve();
  await answer;
  await checked(world);
  assert.deepEqual(world.diskWords(diskId), { 1: 'a' });
});

test('a snapshot that a disk stands on is deleted only by force, and is stored for the disk all the same', async (t) => {
  const world = await createWorld(t);
  const { held, snapshotId } = await begin(world);
  const made = await world.makeDisk(snapshotId);
  await assert.rejects(world.control.deleteSnapshot({ snapshotId, force: false }), { code: 'SnapshotCreatedDisk' });
  await world.control.deleteSnapshot({ snapshotId, force: true });
  assert.equal(await world.snapshot(snapshotId), undefined);
  assert.deepEqual(world.diskWords(made), { 1: 'a' });
  await world.restart();
  held.release();
  await checked(world);
  assert.equal(world.repository.manifests.has(snapshotId), false);
  assert.deepEqual(world.diskWords(made), { 1: 'a' });
  await world.control.deleteDisk({ diskId: made });
  await checked(world);
  assert.equal(world.repository.trees.size, 0, 'its bytes go with the last that needs them');
});

/** A disk stands on a snapshot that cannot be stored. */
async function failUnderADisk(t: TestContext) {
  const world = await createWorld(t, 500);
  const { diskId, instanceId, snapshotId } = await begin(world);
  const made = await world.makeDisk(snapshotId);
  world.transfer.during = async () => {
    throw new OperationalError('the device is worn out', { retryable: false });
  };
  await world.restart();
  await world.until('it to fail', async () => (await world.snapshot(snapshotId))?.status === 'failed');
  return { world, diskId, instanceId, snapshotId, made };
}

test('a snapshot that cannot be stored is failed, and is tried until it works while a disk stands on it', async (t) => {
  const { world, diskId, instanceId, snapshotId, made } = await failUnderADisk(t);
  assert.equal((await world.snapshot(snapshotId))?.available, false);
  assert.match((await world.snapshot(snapshotId))?.failureReason ?? '', /worn out/);
  await assert.rejects(world.control.createDisk(diskRequest({ snapshotId })), { code: 'InvalidSnapshot.NotReady' });
  await world.control.detachDisk({ diskId, instanceId, deleteWithInstance: null });
  await assert.rejects(world.control.deleteDisk({ diskId }), {
    code: 'DiskCreatingSnapshot',
    message: /disks that were made from it need it/,
  });
  assert.deepEqual(world.diskWords(made), { 1: 'a' });
  world.transfer.during = async () => undefined;
  await checked(world);
  assert.equal((await world.snapshot(snapshotId))?.status, 'failed');
  assert.equal(world.repository.manifests.size, 0);
  assert.deepEqual(world.diskWords(made), { 1: 'a' });
});

test('a failed snapshot that a disk stood on is cleared away when that is deleted', async (t) => {
  const { world, diskId, instanceId, made } = await failUnderADisk(t);
  await world.control.deleteDisk({ diskId: made });
  await checked(world);
  await world.control.detachDisk({ diskId, instanceId, deleteWithInstance: null });
  await world.control.deleteDisk({ diskId });
  await checked(world);
});

test('a disk that cannot be moved to its tree keeps the view, and the snapshot progressing, until it can', async (t) => {
  const world = await createWorld(t, 500);
  const { held, snapshotId } = await begin(world);
  const made = await world.makeDisk(snapshotId);
  let isDamaged = true;
  world.diskd.before = async (call) => {
    if (call === 'rebase' && isDamaged) throw new OperationalError('the map is damaged', { retryable: false });
  };
  held.release();
  await world.until('a try', async () => world.warnings.some((line) => /cannot leave the frozen view/.test(line)));
  assert.equal((await world.snapshot(snapshotId))?.status, 'progressing');
  assert.deepEqual(world.diskWords(made), { 1: 'a' });
  isDamaged = false;
  await checked(world);
  assert.equal((await world.snapshot(snapshotId))?.status, 'accomplished');
});

test('a disk from a snapshot that is not stored yet can be made as it began when that is', async (t) => {
  const world = await createWorld(t);
  const { instanceId, held, snapshotId } = await begin(world);
  const made = await world.makeDisk(snapshotId);
  await world.attach(made, instanceId);
  world.diskd.write(made, 1, 'b');
  await world.power('stop', instanceId);
  const reInit = () => world.control.reInitDisk({ diskId: made, autoStartInstance: false });
  await assert.rejects(reInit(), { code: 'IncorrectDiskStatus', message: /not stored yet/ });
  held.release();
  await checked(world);
  await reInit();
  assert.deepEqual(world.diskWords(made), { 1: 'a' });
  await checked(world);
});

test('RunInstances makes data disks from a snapshot that is not stored yet', async (t) => {
  const world = await createWorld(t);
  const { held, snapshotId } = await begin(world);
  const { diskId } = await world.runOne({ snapshotId, sizeGib: null });
  assert.deepEqual(world.diskWords(diskId), { 1: 'a' });
  world.diskd.write(diskId, 2, 'b');
  held.release();
  await checked(world);
  assert.deepEqual(world.diskWords(diskId), { 1: 'a', 2: 'b' });
});
