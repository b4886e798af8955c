import test from 'node:test';
import assert from 'node:assert/strict';
import { callAction, itemsOf } from '../../test/control/call-action.ts';
import { dieEverywhere } from '../../test/control/die-everywhere.ts';
import { LeapingClock } from '../../test/control/leaping-clock.ts';
import { policyRequest } from '../../test/control/policies.ts';
import {
  allRows,
  checked,
  createWorld,
  diskRequest,
  groupRequest,
  runRequest,
  snapshotRequest,
} from '../../test/control/world.ts';
import type { World } from '../../test/control/world.ts';

const DAY_MS = 86_400_000;
const month = { count: 1, unit: 'Month' } as const;
const NO_BALANCE = 'InvalidAccountStatus.NotEnoughBalance';

async function expectCode(work: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(work, (error: { code?: string }) => error.code === code);
}

async function makeDisk(world: World, snapshotId: string | null = null): Promise<string> {
  const { diskId } = await world.control.createDisk(diskRequest({ snapshotId }));
  await world.until('the disk', async () => (await world.disk(diskId))?.status === 'Available');
  return diskId;
}

const listSnapshotIds = async (world: World) =>
  (await world.control.listSnapshots({}, allRows)).items.map(({ snapshotId }) => snapshotId).sort();

test('an account in arrears makes nothing new, and what is PostPaid is locked; unlocked, all goes on', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await world.runOne();
  const { instanceIds } = await control.runInstances(runRequest({ subscription: { period: month, renewal: null } }));
  const [paidId = ''] = instanceIds;
  await world.until('it to run', async () => (await world.instance(paidId))?.status === 'Running');
  world.diskd.write(diskId, 1, 'one');
  const snapshotId = await world.takeSnapshot(diskId);
  const free = await makeDisk(world);
  await control.accountLock.lock({ deleteAfterDays: null });
  for (const refused of [
    control.createDisk(diskRequest()),
    control.runInstances(runRequest()),
    control.createSnapshot(snapshotRequest(diskId)),
    control.createSnapshotGroup(groupRequest({ instanceId })),
    control.copySnapshot({
      ...{ snapshotId, destinationRegionId: world.regionId, snapshotName: null, description: '' },
      ...{ resourceGroupId: 'rg-1', tags: [] },
    }),
  ]) {
    await expectCode(refused, NO_BALANCE);
  }
  await expectCode(world.attach(free, instanceId), 'InstanceExpiredOrInArrears');
  await expectCode(world.attach(free, paidId), 'DiskInArrears');
  await expectCode(world.power('stop', instanceId), 'InstanceExpiredOrInArrears');
  await world.power('stop', paidId);
  const shown = itemsOf(
    await callAction(world, 'DescribeInstances', { LockReason: 'financial' }),
    'Instances',
    'Instance',
  );
  assert.deepEqual(
    shown.map((one) => one['InstanceId']),
    [instanceId],
  );
  const disks = itemsOf(await callAction(world, 'DescribeDisks', { LockReason: 'financial' }), 'Disks', 'Disk');
  assert.equal(disks.length, 2);
  assert.deepEqual(disks[0]?.['OperationLocks'], { OperationLock: [{ LockReason: 'financial' }] });
  await control.deleteSnapshot({ snapshotId, force: false });
  await control.accountLock.unlock();
  assert.equal(await control.accountLock.describe(), null);
  await world.attach(free, instanceId);
  await world.power('stop', instanceId);
  await world.settle();
  await checked(world);
});

test('policies make no snapshots while the account is in arrears, and their runs say why', async (t) => {
  const clock = new LeapingClock(200);
  const world = await createWorld(t, clock);
  const { policies, accountLock } = world.control;
  const { diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'one');
  const { policyId } = await policies.create(policyRequest());
  await policies.apply({ policyId, diskIds: [diskId] });
  await accountLock.lock({ deleteAfterDays: null });
  clock.leap(7 * DAY_MS);
  const ran = async () => (await policies.listRuns({ policyId }, allRows)).items[0];
  await world.until('a run', async () => (await ran())?.disks.every(({ state }) => state === 'skipped') === true);
  assert.match((await ran())?.disks[0]?.reason ?? '', /account is in arrears/);
  assert.deepEqual(await listSnapshotIds(world), []);
  await checked(world);
});

/** A snapshot that goes, and others that a disk and a lock hold; a policy. */
async function prepare(world: World) {
  world.recycleMs = 100 * DAY_MS;
  await world.restart();
  const { control } = world;
  const { diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'one');
  const going = await world.takeSnapshot(diskId);
  const [ofDisk, locked] = [await world.takeSnapshot(diskId), await world.takeSnapshot(diskId)];
  await makeDisk(world, ofDisk);
  await control.lockSnapshot({ snapshotId: locked, lockDays: 365, coolOffHours: 0 });
  await control.policies.create(policyRequest());
  return { going, held: [ofDisk, locked].sort(), diskId };
}

const policyCount = async (world: World) => (await world.control.policies.list({}, allRows)).totalCount;
const isPurged = async (world: World) => ((await world.control.accountLock.describe())?.deletedAtMs ?? null) !== null;

test('after its days what nothing holds is deleted, once, into the recycle bin; unlocked in time, nothing is', async (t) => {
  const clock = new LeapingClock(200);
  const world = await createWorld(t, clock);
  const { going, held, diskId } = await prepare(world);
  await world.control.accountLock.lock({ deleteAfterDays: 15 });
  clock.leap(14 * DAY_MS);
  await clock.sleep(130_000);
  await world.control.accountLock.unlock();
  clock.leap(2 * DAY_MS);
  await clock.sleep(130_000);
  assert.equal((await listSnapshotIds(world)).length, 3, 'unlocked in time');
  await world.control.accountLock.lock({ deleteAfterDays: 15 });
  clock.set(100 * DAY_MS);
  await clock.sleep(130_000);
  assert.equal(await isPurged(world), false, 'no setting of the clock hurries it');
  clock.set(-100 * DAY_MS);
  clock.leap(15 * DAY_MS);
  await world.until('it to be done', () => isPurged(world));
  assert.deepEqual(await listSnapshotIds(world), held);
  assert.equal(await policyCount(world), 0);
  const { items } = await world.control.recycleBin.list({}, allRows);
  assert.deepEqual(
    items.map(({ resourceId }) => resourceId),
    [going],
  );
  await world.control.recycleBin.restore({ resourceIds: [going] });
  clock.leap(DAY_MS);
  await clock.sleep(130_000);
  assert.ok((await listSnapshotIds(world)).includes(going), 'once');
  await world.control.accountLock.unlock();
  await world.takeSnapshot(diskId);
  await world.settle();
  await checked(world);
});

test('wherever the server dies while it deletes what an account in arrears loses, the next one goes on', async () => {
  await dieEverywhere<{ going: string; held: string[] }>({
    createClock: () => new LeapingClock(200),
    prepare,
    act: async (world) => {
      await world.control.accountLock.lock({ deleteAfterDays: 15 });
      (world.clock as LeapingClock).leap(15 * DAY_MS);
      await world.until('it to be done', () => isPurged(world));
    },
    finish: async (world) => {
      if ((await world.control.accountLock.describe()) === null) return; // it died before it was locked
      (world.clock as LeapingClock).leap(16 * DAY_MS);
      await world.until('it to be done', () => isPurged(world));
    },
    verify: async (world, { going, held }) => {
      if ((await world.control.accountLock.describe()) === null) assert.equal(await policyCount(world), 1);
      else {
        assert.deepEqual(await listSnapshotIds(world), held);
        assert.equal(await policyCount(world), 0);
        const { items } = await world.control.recycleBin.list({}, allRows);
        assert.deepEqual(
          items.map(({ resourceId }) => resourceId),
          [going],
        );
      }
      await checked(world);
    },
  });
});
