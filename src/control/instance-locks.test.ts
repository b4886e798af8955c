import test from 'node:test';
import assert from 'node:assert/strict';
import { callAction, itemsOf } from '../../test/control/call-action.ts';
import { formatMinute } from '../ecs/times.ts';
import { dieEverywhere } from '../../test/control/die-everywhere.ts';
import { allRows, checked, createWorld, imageRequest, snapshotRequest } from '../../test/control/world.ts';
import type { World } from '../../test/control/world.ts';

const DAY_MS = 86_400_000;

async function expectCode(work: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(work, (error: { code?: string }) => error.code === code);
}

const disksOf = async (world: World, instanceId: string) =>
  (await world.control.listDisks({ instanceId }, allRows)).items.map(({ diskId }) => diskId);

async function isGone(world: World, instanceId: string): Promise<boolean> {
  return (await world.instance(instanceId)) === undefined;
}

/** As if the time of each lock were over. */
async function endTime(world: World): Promise<void> {
  await world.catalog.queries.updateTable('instance_locks').set({ release_at_ms: 1 }).execute();
}

test('an expired instance is frozen as it is, and its data can be had from snapshots; renewed, it goes on', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'one');
  await control.instanceLocks.lock({ instanceId, reason: 'financial', releaseDays: null });
  await world.takeSnapshot(diskId);
  await control.createImage(imageRequest({ instanceId }));
  await world.settle();
  await expectCode(world.power('stop', instanceId), 'InstanceExpiredOrInArrears');
  await expectCode(control.resizeDisk({ diskId, sizeGib: 30, online: true }), 'InstanceExpiredOrInArrears');
  await control.detachDisk({ diskId, instanceId, deleteWithInstance: null });
  await world.settle();
  await control.resizeDisk({ diskId, sizeGib: 30, online: false });
  await expectCode(world.attach(diskId, instanceId), 'InstanceExpiredOrInArrears');
  await control.instanceLocks.unlock({ instanceId, reason: 'financial' });
  await world.attach(diskId, instanceId);
  await world.power('stop', instanceId);
  await checked(world);
});

test('an instance that is locked for security can be deleted and described, and hardly anything else', async (t) => {
  const world = await createWorld(t);
  const { control } = world;
  const { instanceId, diskId } = await world.runOne();
  await control.instanceLocks.lock({ instanceId, reason: 'security', releaseDays: null });
  await control.instanceLocks.lock({ instanceId, reason: 'financial', releaseDays: null });
  const refused = [
    control.createSnapshot(snapshotRequest(diskId)),
    control.createImage(imageRequest({ instanceId })),
    control.detachDisk({ diskId, instanceId, deleteWithInstance: null }),
    control.modifyInstance({ instanceId, instanceName: 'renamed' }),
    world.power('reboot', instanceId),
  ];
  for (const one of refused) await expectCode(one, 'InstanceLockedForSecurity');
  const [shown] = itemsOf(
    await callAction(world, 'DescribeInstances', { LockReason: 'security' }),
    'Instances',
    'Instance',
  );
  assert.deepEqual(shown?.['OperationLocks'], {
    LockReason: [{ LockReason: 'financial' }, { LockReason: 'security' }],
  });
  const disks = itemsOf(await callAction(world, 'DescribeDisks', { LockReason: 'security' }), 'Disks', 'Disk');
  assert.equal(disks.length, 2);
  assert.deepEqual(disks[0]?.['OperationLocks'], {
    OperationLock: [{ LockReason: 'financial' }, { LockReason: 'security' }],
  });
  await control.modifyDisks({ diskIds: [diskId], diskName: 'renamed' });
  await control.deleteInstances({ instanceIds: [instanceId], force: true });
  await checked(world);
  assert.deepEqual(await world.catalog.queries.selectFrom('instance_locks').selectAll().execute(), []);
});

test('a release takes all disks and what is progressing of them; what is accomplished stays, and the disks are in the recycle bin', async (t) => {
  const world = await createWorld(t, 200);
  world.recycleMs = DAY_MS;
  await world.restart();
  const { instanceId, diskId } = await world.runOne();
  world.diskd.write(diskId, 1, 'one');
  const kept = await world.takeSnapshot(diskId);
  const held = world.holdUploads();
  const progressing = await world.beginSnapshot(diskId);
  const diskIds = await disksOf(world, instanceId);
  await world.control.modifyInstance({ instanceId, deletionProtection: true });
  await world.control.modifyDisks({ diskIds, deleteWithInstance: false });
  await world.control.instanceLocks.lock({ instanceId, reason: 'financial', releaseDays: 1 });
  await endTime(world);
  await world.until('it to be released', () => isGone(world, instanceId));
  held.release();
  await checked(world);
  assert.equal(await world.snapshot(progressing), undefined);
  assert.equal((await world.snapshot(kept))?.status, 'accomplished');
  const { items } = await world.control.recycleBin.list({}, allRows);
  assert.deepEqual(new Set(items.map(({ resourceId }) => resourceId)), new Set(diskIds));
});

test('no setting of the clock hurries a release', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId } = await world.runOne();
  await world.control.instanceLocks.lock({ instanceId, reason: 'security', releaseDays: null });
  assert.deepEqual(await world.control.instanceLocks.releaseTimes([instanceId]), new Map());
  await world.control.instanceLocks.lock({ instanceId, reason: 'financial', releaseDays: 15 });
  const { instanceLocks } = world.control;
  const shownMs = (await instanceLocks.releaseTimes([instanceId, 'i-other'])).get(instanceId) ?? 0;
  assert.ok(Math.abs(shownMs - world.clock.nowMs() - 15 * DAY_MS) < 60_000);
  const [described] = itemsOf(await callAction(world, 'DescribeInstances'), 'Instances', 'Instance');
  assert.equal(described?.['AutoReleaseTime'], formatMinute(shownMs));
  const { nowMs } = world.clock;
  world.clock.nowMs = () => nowMs() + 100 * DAY_MS;
  await world.clock.sleep(130_000);
  assert.equal(await isGone(world, instanceId), false);
  await world.control.instanceLocks.unlock({ instanceId, reason: 'financial' });
  await world.control.instanceLocks.unlock({ instanceId, reason: 'security' });
  await endTime(world);
  await world.clock.sleep(130_000);
  assert.equal(await isGone(world, instanceId), false, 'unlocked, it stays');
  await checked(world);
});

test('wherever the server dies in a release, the next one goes on with it', async () => {
  await dieEverywhere<{ instanceId: string; snapshotId: string }>({
    prepare: async (world) => {
      world.recycleMs = DAY_MS;
      await world.restart();
      const { instanceId, diskId } = await world.runOne();
      return { instanceId, snapshotId: await world.takeSnapshot(diskId) };
    },
    act: async (world, { instanceId }) => {
      await world.control.instanceLocks.lock({ instanceId, reason: 'financial', releaseDays: 0 });
      await world.until('it to be released', () => isGone(world, instanceId));
      await world.settle();
    },
    verify: async (world, { instanceId, snapshotId }) => {
      const locks = await world.catalog.queries.selectFrom('instance_locks').selectAll().execute();
      if (locks.length > 0) await world.until('it to be released', () => isGone(world, instanceId));
      await checked(world);
      assert.equal((await world.snapshot(snapshotId))?.status, 'accomplished');
      const { totalCount } = await world.control.recycleBin.list({}, allRows);
      assert.equal(totalCount, (await isGone(world, instanceId)) ? 2 : 0);
    },
  });
});
