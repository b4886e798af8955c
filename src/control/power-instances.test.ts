/** Starting, stopping and rebooting, one instance or several, on a real catalog with a fake diskd. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type World,
  allRows,
  checked,
  createWorld,
  diskRequest,
  plainDisk,
  runRequest,
  snapshotRequest,
} from '../../test/control/world.ts';
import { OperationalError } from '../lib/errors.ts';
import type { PowerRequest } from './requests.ts';

async function runSeveral(world: World, amount: number): Promise<string[]> {
  const { instanceIds } = await world.control.runInstances(runRequest({ amount }));
  await world.settle();
  return instanceIds;
}

async function failNextFlush(world: World, instanceId: string): Promise<void> {
  const { items } = await world.control.listDisks({ instanceId }, allRows);
  const disk = world.diskd.disks.get(items[0]?.diskId ?? '');
  assert.ok(disk);
  disk.syncFailure = 'a sync failed';
}

async function statuses(world: World, instanceIds: string[]): Promise<(string | undefined)[]> {
  return await Promise.all(instanceIds.map(async (id) => (await world.instance(id))?.status));
}

function request(change: Partial<PowerRequest>): PowerRequest {
  return { change: 'stop', instanceIds: [], force: false, successFirst: false, ...change };
}

test('several instances stop and start together, each told with the state before and after', async (t) => {
  const world = await createWorld(t);
  const instanceIds = await runSeveral(world, 3);
  const [first = ''] = instanceIds;
  const stopped = await world.control.powerInstances(request({ instanceIds: [...instanceIds, first] }));
  assert.deepEqual(
    stopped,
    instanceIds.map((instanceId) => ({
      instanceId,
      code: '200',
      message: 'success',
      previousStatus: 'Running',
      currentStatus: 'Stopping',
    })),
  );
  assert.deepEqual(await statuses(world, instanceIds), ['Stopped', 'Stopped', 'Stopped']);
  const started = await world.control.powerInstances(request({ change: 'start', instanceIds }));
  assert.deepEqual(
    started.map(({ previousStatus, currentStatus }) => [previousStatus, currentStatus]),
    instanceIds.map(() => ['Stopped', 'Starting']),
  );
  assert.deepEqual(await statuses(world, instanceIds), ['Running', 'Running', 'Running']);
  await checked(world);
});

test('all together: one that cannot leaves all as they are, and its refusal is the error', async (t) => {
  const world = await createWorld(t);
  const [a = '', b = ''] = await runSeveral(world, 2);
  await world.power('stop', b);
  for (const change of ['stop', 'reboot'] as const) {
    await assert.rejects(world.control.powerInstances(request({ change, instanceIds: [a, b] })), {
      code: 'IncorrectInstanceStatus',
    });
  }
  await assert.rejects(world.control.powerInstances(request({ instanceIds: [a, 'i-none'] })), {
    code: 'InvalidInstanceId.NotFound',
  });
  assert.deepEqual(await statuses(world, [a, b]), ['Running', 'Stopped']);
  await checked(world);
});

test('success first: each by itself, and a refusal is told beside the successes', async (t) => {
  const world = await createWorld(t);
  const [a = '', b = ''] = await runSeveral(world, 2);
  await world.power('stop', b);
  const outcomes = await world.control.powerInstances(request({ instanceIds: [b, 'i-none', a], successFirst: true }));
  assert.deepEqual(
    outcomes.map(({ instanceId, code, previousStatus, currentStatus }) => [
      instanceId,
      code,
      previousStatus,
      currentStatus,
    ]),
    [
      [b, 'IncorrectInstanceStatus', 'Stopped', 'Stopped'],
      ['i-none', 'InvalidInstanceId.NotFound', null, null],
      [a, '200', 'Running', 'Stopping'],
    ],
  );
  assert.match(outcomes[0]?.message ?? '', /is Stopped/);
  assert.deepEqual(await statuses(world, [a, b]), ['Stopped', 'Stopped']);
  await checked(world);
});

test('success first tells what failed after it was accepted; all together fails', async (t) => {
  const world = await createWorld(t);
  const [a = '', b = ''] = await runSeveral(world, 2);
  await failNextFlush(world, b);
  const [forA, forB] = await world.control.powerInstances(request({ instanceIds: [a, b], successFirst: true }));
  assert.deepEqual([forA?.code, forA?.currentStatus], ['200', 'Stopping']);
  assert.deepEqual(
    [forB?.code, forB?.previousStatus, forB?.currentStatus],
    ['IncorrectInstanceStatus', 'Running', 'Running'],
  );
  await world.settle();
  assert.deepEqual(await statuses(world, [a, b]), ['Stopped', 'Running']);
  await failNextFlush(world, b);
  await assert.rejects(world.control.powerInstances(request({ instanceIds: [b] })), /a sync failed/);
  await checked(world);
});

test('a dry run changes nothing; with success first it passes whatever the states are', async (t) => {
  const world = await createWorld(t);
  const [a = ''] = await runSeveral(world, 1);
  const dryRun = { idempotency: null, dryRun: true };
  const code = 'DryRunOperation';
  for (const change of ['stop', 'reboot'] as const) {
    await assert.rejects(world.control.powerInstances(request({ change, instanceIds: [a] }), dryRun), { code });
  }
  await assert.rejects(world.control.powerInstances(request({ change: 'start', instanceIds: [a] }), dryRun), {
    code: 'IncorrectInstanceStatus',
  });
  const successFirst = request({ change: 'start', instanceIds: [a, 'i-none'], successFirst: true });
  await assert.rejects(world.control.powerInstances(successFirst, dryRun), { code });
  assert.deepEqual(await statuses(world, [a]), ['Running']);
  await checked(world);
});

test('a reboot closes every disk, opens it again, and ends Running with a new start time', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  const before = await world.instance(instanceId);
  world.diskd.write(diskId, 1, 'a');
  world.diskd.calls.length = 0;
  await world.clock.sleep(100);
  await world.power('reboot', instanceId);
  assert.deepEqual(world.diskd.calls, ['closeDisk', 'closeDisk', 'openDisk', 'openDisk']);
  const after = await world.instance(instanceId);
  assert.equal(after?.status, 'Running');
  assert.ok((after.startedAtMs ?? 0) > (before?.startedAtMs ?? 0));
  assert.notEqual((await world.disk(diskId))?.nbdUri, null);
  assert.deepEqual(world.diskWords(diskId), { 1: 'a' });
  await checked(world);
});

test('a reboot is refused while a snapshot is made, forced or not, and while another change is under way', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne(plainDisk);
  const upload = Promise.withResolvers<void>();
  world.transfer.during = () => upload.promise;
  const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId));
  for (const force of [false, true]) {
    await assert.rejects(world.power('reboot', instanceId, force), { code: 'OperationConflict' });
  }
  upload.resolve();
  await world.until('the snapshot', async () => (await world.snapshot(snapshotId))?.status === 'accomplished');
  const close = Promise.withResolvers<void>();
  world.diskd.before = async (call) => {
    if (call === 'closeDisk') await close.promise;
  };
  const reboot = world.power('reboot', instanceId);
  await world.until('it to stop', async () => (await world.instance(instanceId))?.status === 'Stopping');
  for (const change of ['start', 'stop', 'reboot'] as const) {
    await assert.rejects(world.power(change, instanceId), { code: 'IncorrectInstanceStatus' }, change);
  }
  await assert.rejects(world.control.createSnapshot(snapshotRequest(diskId)), { code: 'IncorrectInstanceStatus' });
  close.resolve();
  await reboot;
  await checked(world);
});

test('a reboot whose flush fails leaves the instance Running, and its reason is told', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  await failNextFlush(world, instanceId);
  await assert.rejects(world.power('reboot', instanceId), /a sync failed/);
  await world.settle();
  assert.equal((await world.instance(instanceId))?.status, 'Running');
  assert.equal(world.diskd.disks.get(diskId)?.open, true);
  await world.power('reboot', instanceId);
  await checked(world);
});

test('a reboot that cannot start again leaves the instance Stopped', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  let failing = true;
  world.diskd.before = async (call) => {
    if (failing && call === 'openDisk') throw new OperationalError('no socket can be made', { retryable: false });
  };
  await assert.rejects(world.power('reboot', instanceId), /no socket/);
  await world.settle();
  assert.equal((await world.instance(instanceId))?.status, 'Stopped');
  assert.equal(world.diskd.disks.get(diskId)?.open, false);
  failing = false;
  await world.power('start', instanceId);
  await checked(world);
});

test('an instance without a system disk does not start', async (t) => {
  const world = await createWorld(t);
  const { instanceId } = await world.runOne();
  await world.power('stop', instanceId);
  const detached = { status: 'Available', instance_id: null, device: null } as const;
  await world.catalog.queries
    .updateTable('disks')
    .set(detached)
    .where('instance_id', '=', instanceId)
    .where('type', '=', 'system')
    .execute();
  await assert.rejects(world.power('start', instanceId), { code: 'InvalidInstance.NotFoundSystemDisk' });
  await world.control.createDisk(diskRequest());
  await checked(world);
});
