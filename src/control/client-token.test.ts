import assert from 'node:assert/strict';
import test from 'node:test';
import { type World, createWorld, diskRequest, runRequest, token } from '../../test/control/world.ts';
import type { DiskdCalls } from '../disk/protocol.ts';
import { OperationalError, RequestError } from '../lib/errors.ts';

/** Asks twice with one token, the second time while the first is held at `call`, which then goes on by `end`: both ends. */
async function askTwice(
  world: World,
  call: keyof DiskdCalls,
  ask: () => Promise<unknown>,
  end: () => void,
): Promise<string[]> {
  const held = Promise.withResolvers<void>();
  world.diskd.calls.length = 0;
  world.diskd.before = async (name) => {
    if (name !== call) return;
    await held.promise;
    end();
  };
  const first = ask();
  await world.until(call, async () => world.diskd.calls.includes(call));
  let isSecondAnswered = false;
  const second = ask().finally(() => (isSecondAnswered = true));
  const results = Promise.allSettled([first, second]);
  // Transactions go one after another: when these have passed, the second has seen that it is repeated.
  for (let i = 0; i < 3; i++) await world.catalog.transaction(async () => undefined);
  assert.equal(isSecondAnswered, false, 'the second is answered before the first');
  held.resolve();
  const ends = (await results).map((each) => (each.status === 'rejected' ? (each.reason as Error).message : 'done'));
  world.diskd.before = async () => undefined;
  return ends;
}

test('a repeated request waits for the first and is told the same failure; then it may be tried again', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  const { control } = world;
  const asks: [keyof DiskdCalls, () => Promise<unknown>][] = [
    ['createDisk', () => control.createDisk(diskRequest(), token('CreateDisk'))],
    ['resizeDisk', () => control.resizeDisk({ diskId, sizeGib: 30, online: true }, token('ResizeDisk'))],
    ['createDisk', () => control.runInstances(runRequest(), token('RunInstances'))],
  ];
  const refuse = () => {
    throw new RequestError('OperationDenied', 'it refuses');
  };
  for (const [call, ask] of asks) {
    assert.deepEqual(await askTwice(world, call, ask, refuse), ['it refuses', 'it refuses']);
    await world.settle();
    await ask();
  }
  await world.settle();
  assert.equal((await world.disk(diskId))?.sizeGib, 30);
  await world.checkSettled();
});

test('a repeated DeleteInstances waits too; asked again, it deletes what stayed, and nothing twice', async (t) => {
  const world = await createWorld(t);
  const all = [await world.runOne(), await world.runOne(), await world.runOne()];
  const [one, two, three] = all.map(({ instanceId }) => instanceId);
  const disk = world.diskd.disks.get(all[1]?.diskId ?? '');
  assert.ok(disk && one && two && three);
  disk.syncFailure = 'a sync failed (EIO)';
  const request = { instanceIds: [one, two, three], force: true };
  const ask = () => world.control.deleteInstances(request, token('DeleteInstances'));
  for (const end of await askTwice(world, 'closeDisk', ask, () => undefined)) assert.match(end, /was not flushed/);
  await world.settle();
  assert.equal(await world.instance(one), undefined);
  assert.equal(await world.instance(three), undefined);
  assert.equal((await world.instance(two))?.status, 'Running');
  disk.syncFailure = 'a sync failed again (EIO)';
  await assert.rejects(ask(), OperationalError);
  await world.settle();
  assert.equal((await world.instance(two))?.status, 'Running', 'it failed again, and may be asked again');
  await ask();
  assert.equal(await world.instance(two), undefined);
  await ask();
  await world.settle();
  await assert.rejects(world.control.deleteInstances(request), { code: 'InvalidInstanceId.NotFound' });
  await world.checkSettled();
});
