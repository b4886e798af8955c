/** `hupo disk fetch`: a disk's base comes into the disk whole, and the disk leaves it, whatever else happens to both. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type World, checked, createWorld, diskRequest } from '../../test/control/world.ts';
import { CorruptionError, OperationalError } from '../lib/errors.ts';

/** A free disk made from a snapshot that holds `a` to `c`. */
async function begin(world: World) {
  const one = await world.runOne();
  for (const [chunk, word] of ['a', 'b', 'c'].entries()) world.diskd.write(one.diskId, chunk, word);
  const snapshotId = await world.takeSnapshot(one.diskId);
  const made = await world.makeDisk(snapshotId);
  return { ...one, snapshotId, made };
}

const words = { 0: 'a', 1: 'b', 2: 'c' };
const start = (world: World, diskId: string) => world.control.fetchBase({ diskId, action: 'start' });
const look = (world: World, diskId: string) => world.control.fetchBase({ diskId, action: 'look' });

async function fetched(world: World, diskId: string): Promise<void> {
  await start(world, diskId);
  await world.until('the fetch', async () => !(await look(world, diskId)).isRunning);
}

test('a disk that has fetched its base needs nothing of the repository, and nothing is kept for it', async (t) => {
  const world = await createWorld(t);
  const { diskId, snapshotId, made } = await begin(world);
  const first = await start(world, made);
  assert.deepEqual([first.isRunning, first.snapshotId], [true, snapshotId]);
  assert.equal((await start(world, made)).isRunning, true, 'asked again it goes on');
  await checked(world);
  const report = await look(world, made);
  assert.deepEqual(
    [report.isWhole, report.isRunning, report.doneBytes, report.totalBytes, report.failure],
    [true, false, 3 * 65_536, 3 * 65_536, null],
  );
  assert.deepEqual(world.diskd.ownWords(made), words);
  await world.control.deleteSnapshot({ snapshotId, force: true });
  await world.control.deleteDisk({ diskId }).catch(() => undefined);
  await checked(world);
  assert.equal(world.repository.trees.size, 0, 'a tree is kept that nobody needs');
  assert.deepEqual(world.diskWords(made), words);
  assert.equal((await start(world, made)).isRunning, false, 'there is nothing to fetch');
});

test('the next snapshot is compared with what the disk was made from, while that is there', async (t) => {
  const world = await createWorld(t);
  const { instanceId, snapshotId, made } = await begin(world);
  await fetched(world, made);
  await world.attach(made, instanceId);
  world.diskd.write(made, 1, 'new');
  const next = await world.takeSnapshot(made);
  assert.equal(world.transfer.jobs.at(-1)?.sinceGeneration, 0, 'fetched chunks are unchanged');
  assert.deepEqual(world.snapshotWords(next), { ...words, 1: 'new' });

  const other = await world.makeDisk(snapshotId);
  await fetched(world, other);
  await world.control.deleteSnapshot({ snapshotId, force: true });
  await world.attach(other, instanceId);
  const whole = await world.takeSnapshot(other);
  assert.equal(world.transfer.jobs.at(-1)?.sinceGeneration, -1, 'all of it is read');
  assert.deepEqual(world.snapshotWords(whole), words);
  await checked(world);
});

test('it waits for a snapshot that is not stored yet, and says so', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  const held = world.holdUploads();
  const snapshotId = await world.beginSnapshot(diskId);
  const made = await world.makeDisk(snapshotId);
  await start(world, made);
  await world.until('it to wait', async () => (await look(world, made)).waitsFor !== null);
  assert.match((await look(world, made)).waitsFor ?? '', new RegExp(`the snapshot ${snapshotId}, .* to be stored`));
  held.release();
  await checked(world);
  assert.deepEqual(world.diskd.ownWords(made), { 1: 'a' });
  await world.attach(made, instanceId);
});

test('the end of the disk ends it, and so does being told to; what was fetched stays', async (t) => {
  const world = await createWorld(t);
  const { snapshotId, made } = await begin(world);
  const other = await world.makeDisk(snapshotId);
  let isHeld = true;
  world.diskd.before = async (call) => {
    if (call === 'fetchBase' && isHeld) throw new OperationalError('no room', { retryable: true });
  };
  await start(world, made);
  await start(world, other);
  await world.until('both to wait', async () => (await look(world, other)).waitsFor === 'no room');
  await world.control.fetchBase({ diskId: made, action: 'stop' });
  const stopped = await look(world, made);
  assert.deepEqual([stopped.isRunning, stopped.isWhole, stopped.failure], [false, false, 'it was told to stop']);
  await world.control.deleteDisk({ diskId: other });
  isHeld = false;
  await checked(world);
  assert.equal((await look(world, other)).isRunning, false);
  await fetched(world, made);
  assert.equal((await look(world, made)).isWhole, true);
  await checked(world);
});

test('what cannot be read ends it with the reason, and the disk stays as it was', async (t) => {
  const world = await createWorld(t);
  const { made } = await begin(world);
  world.diskd.before = async (call) => {
    if (call === 'fetchBase') throw new CorruptionError('chunk 1', 'its digest is another');
  };
  await fetched(world, made);
  assert.match((await look(world, made)).failure ?? '', /chunk 1/);
  assert.deepEqual(world.diskWords(made), words);
  world.diskd.before = async () => undefined;
  await fetched(world, made);
  assert.deepEqual(world.diskd.ownWords(made), words);
  await checked(world);
});

test('no fetch begins of a disk that is not there, or is being made', async (t) => {
  const world = await createWorld(t);
  await assert.rejects(start(world, 'd-none'), { code: 'InvalidDiskId.NotFound' });
  const gate = Promise.withResolvers<void>();
  world.diskd.before = async (call) => {
    if (call === 'createDisk') await gate.promise;
  };
  const making = world.control.createDisk(diskRequest());
  await world.until('the row', async () => world.diskd.calls.includes('createDisk'));
  const { items } = await world.control.listDisks({}, { pageNumber: 1, pageSize: 10, nextToken: null });
  await assert.rejects(start(world, items[0]?.diskId ?? ''), { code: 'IncorrectDiskStatus' });
  gate.resolve();
  await making;
  await checked(world);
});
