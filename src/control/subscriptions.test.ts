import test from 'node:test';
import assert from 'node:assert/strict';
import { callAction, itemsOf } from '../../test/control/call-action.ts';
import { dieEverywhere } from '../../test/control/die-everywhere.ts';
import { LeapingClock } from '../../test/control/leaping-clock.ts';
import { allRows, checked, createWorld, dataDisk, diskRequest, runRequest } from '../../test/control/world.ts';
import type { World } from '../../test/control/world.ts';

const DAY_MS = 86_400_000;
const month = { count: 1, unit: 'Month' } as const;
const week = { count: 1, unit: 'Week' } as const;

async function expectCode(work: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(work, (error: { code?: string }) => error.code === code);
}

/** A running PrePaid instance with a data disk. */
async function subscribe(world: World, renewal: { count: number; unit: 'Week' | 'Month' } | null = null) {
  const subscription = { period: week, renewal };
  const { instanceIds, orderId } = await world.control.runInstances(
    runRequest({ dataDisks: [dataDisk({ deleteWithInstance: false })], subscription }),
  );
  assert.match(orderId ?? '', /^\d{16}$/);
  const [instanceId = ''] = instanceIds;
  await world.until('it to run', async () => (await world.instance(instanceId))?.status === 'Running');
  const { items } = await world.control.listDisks({ instanceId, type: 'data' }, allRows);
  return { instanceId, diskId: items[0]?.diskId ?? '' };
}

const locksOf = async (world: World, instanceId: string) => (await world.instance(instanceId))?.locks ?? null;
const endOf = async (world: World, instanceId: string) => (await world.instance(instanceId))?.expiresAtMs ?? null;
const isLocked = async (world: World, instanceId: string) =>
  (await locksOf(world, instanceId))?.includes('financial') === true;
const isGone = async (world: World, instanceId: string) => (await world.instance(instanceId)) === undefined;

test('disks of a subscription are paid with their instance: they end with it, and are neither detached, deleted nor kept alone', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await subscribe(world);
  const endMs = await endOf(world, instanceId);
  assert.ok(endMs !== null && Math.abs(endMs - world.clock.nowMs() - 7 * DAY_MS) < 3_600_000);
  const { items: disks } = await control.listDisks({ chargeType: 'PrePaid' }, allRows);
  assert.deepEqual(
    disks.map(({ expiresAtMs, portable, deleteWithInstance }) => ({ expiresAtMs, portable, deleteWithInstance })),
    Array.from({ length: 2 }, () => ({ expiresAtMs: endMs, portable: false, deleteWithInstance: true })),
  );
  await expectCode(control.detachDisk({ diskId, instanceId, deleteWithInstance: null }), 'DiskNotPortable');
  await expectCode(control.deleteDisk({ diskId }), 'DiskNotPortable');
  await expectCode(control.modifyDisks({ diskIds: [diskId], deleteWithInstance: false }), 'DiskNotPortable');
  await expectCode(
    control.deleteInstances({ instanceIds: [instanceId], force: true, terminate: true }),
    'ChargeTypeViolation',
  );
  const { diskId: own } = await control.createDisk(diskRequest());
  await world.until('the disk', async () => (await world.disk(own))?.status === 'Available');
  await world.attach(own, instanceId);
  assert.equal((await world.disk(own))?.expiresAtMs, null, 'one that is attached stays PostPaid');
  await control.detachDisk({ diskId: own, instanceId, deleteWithInstance: null });
  await checked(world);
});

test('a disk can be created for a subscription: it is attached at once, running or stopped', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId } = await subscribe(world);
  const request = { ...diskRequest(), zoneId: '', instanceId };
  const first = await control.createDisk(request);
  assert.match(first.orderId ?? '', /^\d{16}$/);
  await world.until('it', async () => (await world.disk(first.diskId))?.status === 'In_use');
  const shown = await world.disk(first.diskId);
  assert.equal(shown?.nbdUri === null, false, 'it is served');
  assert.equal(shown?.expiresAtMs, await endOf(world, instanceId));
  await world.power('stop', instanceId);
  const second = await control.createDisk(request);
  await world.until('it', async () => (await world.disk(second.diskId))?.status === 'In_use');
  assert.equal((await world.disk(second.diskId))?.nbdUri, null);
  await world.power('start', instanceId);
  const { instanceId: paidAsItGoes } = await world.runOne();
  await expectCode(control.createDisk({ ...request, instanceId: paidAsItGoes }), 'InvalidPayMethod');
  await checked(world);
});

test('charge types change both ways, with or without data disks; ReplaceSystemDisk keeps them', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { subscriptions } = control;
  const { instanceId, diskId } = await world.runOne();
  const paid = async () => (await control.listDisks({ chargeType: 'PrePaid' }, allRows)).items.map((disk) => disk.type);
  const change = { instanceIds: [instanceId], chargeType: 'PrePaid', period: month, includesDataDisks: false } as const;
  await subscriptions.changeInstances(change);
  assert.deepEqual(await paid(), ['system']);
  await subscriptions.changeDisks({ instanceId, diskIds: [diskId], chargeType: 'PrePaid' });
  assert.deepEqual((await paid()).sort(), ['data', 'system']);
  await subscriptions.changeDisks({ instanceId, diskIds: [diskId], chargeType: 'PostPaid' });
  await control.detachDisk({ diskId, instanceId, deleteWithInstance: null });
  await world.settle();
  await world.attach(diskId, instanceId);
  await world.power('stop', instanceId);
  const imageId = (await world.instance(instanceId))?.imageId ?? '';
  const { diskId: replaced } = await control.replaceSystemDisk({ instanceId, imageId, sizeGib: null });
  await world.settle();
  assert.notEqual((await world.disk(replaced))?.expiresAtMs, null);
  await subscriptions.changeInstances({ ...change, chargeType: 'PostPaid', period: null });
  assert.deepEqual(await paid(), []);
  assert.equal(await endOf(world, instanceId), null);
  await control.deleteInstances({ instanceIds: [instanceId], force: false });
  await checked(world);
});

test('what is over is locked, and released after its days with what is progressing; renewed before, it goes on', async (t) => {
  const clock = new LeapingClock(200);
  const world = await createWorld(t, clock);
  world.recycleMs = DAY_MS;
  await world.restart();
  const [gone, renewed] = [await subscribe(world), await subscribe(world)];
  const { diskId: own } = await world.control.createDisk(diskRequest());
  await world.until('the disk', async () => (await world.disk(own))?.status === 'Available');
  await world.attach(own, gone.instanceId);
  world.diskd.write(gone.diskId, 1, 'one');
  const kept = await world.takeSnapshot(gone.diskId);
  clock.leap(7 * DAY_MS - 3_600_000);
  await clock.sleep(130_000);
  assert.deepEqual(await locksOf(world, gone.instanceId), [], 'not before its end');
  clock.leap(3_700_000);
  await world.until('both to be locked', async () => {
    return (await isLocked(world, gone.instanceId)) && (await isLocked(world, renewed.instanceId));
  });
  const shown = itemsOf(await callAction(world, 'DescribeDisks', { LockReason: 'financial' }), 'Disks', 'Disk');
  assert.equal(shown.length, 5);
  await expectCode(world.power('stop', gone.instanceId), 'InstanceExpiredOrInArrears');
  await world.control.subscriptions.renew({ instanceId: renewed.instanceId, period: month });
  assert.deepEqual(await locksOf(world, renewed.instanceId), []);
  assert.ok(((await endOf(world, renewed.instanceId)) ?? 0) > clock.nowMs() + 27 * DAY_MS, 'a month from now');
  clock.leap(14 * DAY_MS);
  await clock.sleep(130_000);
  assert.equal(await isGone(world, gone.instanceId), false);
  const held = world.holdUploads();
  const progressing = await world.beginSnapshot(gone.diskId);
  clock.leap(DAY_MS);
  await world.until('it to be released', () => isGone(world, gone.instanceId));
  held.release();
  await checked(world);
  assert.equal(await world.snapshot(progressing), undefined);
  assert.equal((await world.snapshot(kept))?.status, 'accomplished');
  assert.equal((await world.disk(own))?.status, 'Available', 'what is not paid with it stays');
  assert.equal(await isGone(world, renewed.instanceId), false);
  await world.control.recycleBin.restore({ resourceIds: [gone.diskId] });
  const restored = await world.disk(gone.diskId);
  assert.deepEqual([restored?.expiresAtMs, restored?.portable], [null, true]);
});

test('renewed by itself it never ends; an end that is over can be terminated by hand, or made PostPaid', async (t) => {
  const clock = new LeapingClock(200);
  const world = await createWorld(t, clock);
  const [automatic, terminated, freed] = [await subscribe(world, week), await subscribe(world), await subscribe(world)];
  const firstMs = (await endOf(world, automatic.instanceId)) ?? 0;
  clock.leap(30 * DAY_MS);
  await world.until('the others to be locked', async () => {
    return (await isLocked(world, terminated.instanceId)) && (await isLocked(world, freed.instanceId));
  });
  await world.until('it to be renewed', async () => ((await endOf(world, automatic.instanceId)) ?? 0) > clock.nowMs());
  assert.equal((((await endOf(world, automatic.instanceId)) ?? 0) - firstMs) % (7 * DAY_MS), 0);
  assert.deepEqual(await locksOf(world, automatic.instanceId), []);
  const { control } = world;
  await expectCode(
    control.deleteInstances({ instanceIds: [terminated.instanceId], force: true }),
    'ChargeTypeViolation',
  );
  await control.deleteInstances({ instanceIds: [terminated.instanceId], force: true, terminate: true });
  const change = { chargeType: 'PostPaid', period: null, includesDataDisks: false } as const;
  await control.subscriptions.changeInstances({ instanceIds: [freed.instanceId], ...change });
  clock.leap(30 * DAY_MS);
  await clock.sleep(130_000);
  assert.deepEqual(await locksOf(world, freed.instanceId), []);
  await world.settle();
  await checked(world);
});

test('no setting of the clock ends a subscription; after a leap between two servers nothing ends for an hour', async (t) => {
  const clock = new LeapingClock(200);
  const world = await createWorld(t, clock);
  const { instanceId } = await subscribe(world);
  clock.set(100 * DAY_MS);
  await clock.sleep(130_000);
  assert.deepEqual(await locksOf(world, instanceId), []);
  clock.set(-100 * DAY_MS);
  await clock.sleep(130_000);
  await world.control.stop();
  await world.catalog.close();
  clock.standStill(30 * DAY_MS);
  await world.start();
  await clock.sleep(130_000);
  assert.deepEqual(await locksOf(world, instanceId), [], 'the clock may be wrong');
  clock.leap(3_600_000);
  await world.until('it to be locked', () => isLocked(world, instanceId));
  await checked(world);
});

test('wherever the server dies in an end, a release or a renewal, the next one goes on', async () => {
  const createClock = () => new LeapingClock(200);
  await dieEverywhere<{ instanceId: string; renewedId: string; snapshotId: string }>({
    createClock,
    prepare: async (world) => {
      world.recycleMs = DAY_MS;
      await world.restart();
      const { instanceId, diskId } = await subscribe(world);
      const { instanceId: renewedId } = await subscribe(world, month);
      return { instanceId, renewedId, snapshotId: await world.takeSnapshot(diskId) };
    },
    act: async (world, { instanceId }) => {
      (world.clock as LeapingClock).leap(8 * DAY_MS);
      await world.until('it to be locked', () => isLocked(world, instanceId));
      (world.clock as LeapingClock).leap(16 * DAY_MS);
      await world.until('it to be released', () => isGone(world, instanceId));
      await world.settle();
    },
    finish: async (world, { instanceId }) => {
      const clock = world.clock as LeapingClock;
      clock.leap(8 * DAY_MS);
      await world.until(
        'it to be locked',
        async () => (await isGone(world, instanceId)) || isLocked(world, instanceId),
      );
      clock.leap(16 * DAY_MS);
      await world.until('it to be released', () => isGone(world, instanceId));
    },
    verify: async (world, { renewedId, snapshotId }) => {
      const { clock } = world;
      await world.until('it to be renewed', async () => ((await endOf(world, renewedId)) ?? 0) > clock.nowMs());
      assert.deepEqual(await locksOf(world, renewedId), []);
      assert.equal((await world.snapshot(snapshotId))?.status, 'accomplished');
      await checked(world);
    },
  });
});

test('wherever the server dies in creating a disk of a subscription, it is there and attached, or not at all', async () => {
  await dieEverywhere<string>({
    prepare: async (world) => (await subscribe(world)).instanceId,
    act: (world, instanceId) => world.control.createDisk({ ...diskRequest(), zoneId: '', instanceId }),
    verify: async (world, instanceId) => {
      const { items } = await world.control.listDisks({ instanceId }, allRows);
      assert.ok(items.every(({ status, nbdUri }) => status === 'In_use' && nbdUri !== null));
      assert.ok(items.length === 2 || items.length === 3);
      await checked(world);
    },
  });
});
