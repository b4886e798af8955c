import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findPolicy } from '../../catalog/policies.ts';
import { RequestError } from '../../lib/errors.ts';
import { listNextSlots } from '../../ecs/schedule.ts';
import { PolicyWorld, everyDay, policyRequest } from '../../../test/control/policies.ts';
import { allRows, imageRequest } from '../../../test/control/world.ts';

const DAY_MS = 86_400_000;
const refused = (code: string) => (error: unknown) => error instanceof RequestError && error.code === code;

describe('an automatic snapshot policy', () => {
  it('makes a snapshot of each disk that it is applied to, at its times, and names it by the day', async (t) => {
    const here = await PolicyWorld.create(t);
    const { policyId, diskId } = await here.protect({ retentionDays: 7 });
    const slotMs = await here.run();
    const [snapshot, ...more] = await here.snapshots(diskId);
    assert.deepEqual(more, []);
    const day = new Date(slotMs + 8 * 3_600_000).toISOString().slice(0, 10).replaceAll('-', '');
    assert.equal(snapshot?.snapshotName, `auto_${day}_1`);
    assert.deepEqual([snapshot?.isAutomatic, snapshot?.status, snapshot?.retentionDays], [true, 'accomplished', 7]);
    assert.match(snapshot?.description ?? '', new RegExp(policyId));
    assert.ok(Math.abs((snapshot?.createdAtMs ?? 0) - slotMs) < 60_000);
    await here.world.checkSettled();
  });

  it('is told of by its disks, lists and filters', async (t) => {
    const { world, ...here } = await PolicyWorld.create(t);
    const { policyId } = await world.control.policies.create(policyRequest({ policyName: 'daily' }));
    const { diskId } = await world.runOne({ policyId });
    const { diskId: other } = await world.runOne();
    assert.deepEqual((await world.disk(diskId))?.policyIds, [policyId]);
    const listed = async (filter: object) =>
      (await world.control.listDisks(filter, allRows)).items.map((disk) => disk.diskId);
    assert.deepEqual(await listed({ policyId }), [diskId]);
    assert.deepEqual(await listed({ policyId, diskIds: [other] }), []);
    assert.ok(!(await listed({ hasPolicy: false })).includes(diskId));
    const [policy] = (await world.control.policies.list({ policyName: 'daily' }, allRows)).items;
    assert.deepEqual([policy?.policyId, policy?.diskCount], [policyId, 1]);
    const paged = await world.control.policies.listAssociations({}, { pageSize: 10, nextToken: null });
    assert.deepEqual(paged.items, [{ policyId, diskId }]);
    void here;
  });

  it('skips what is not in use, what is switched off, and what is still being made, and says so', async (t) => {
    const here = await PolicyWorld.create(t);
    const { world } = here;
    const { policyId, diskId, instanceId } = await here.protect();
    const { diskId: off } = await world.runOne();
    const { diskId: free } = await world.control.createDisk({
      ...{ zoneId: 'cn-hangzhou-a', category: 'cloud_essd', performanceLevel: null, sizeGib: 20, snapshotId: null },
      ...{ diskName: '', description: '', resourceGroupId: 'rg-default0000000000', tags: [] },
    });
    await world.control.policies.apply({ policyId, diskIds: [off, free] });
    await world.control.modifyDisks({ diskIds: [off], enableAutoSnapshot: false });
    const held = world.holdUploads();
    const [slotMs = 0] = listNextSlots(everyDay, here.clock.nowMs(), 1);
    here.clock.leapTo(slotMs);
    await world.until('the first', async () => (await here.snapshots(diskId)).length === 1);
    here.clock.leapTo(slotMs + DAY_MS);
    await world.until('the second run', async () => (await here.runsOf(diskId))[0]?.state === 'skipped');
    held.release();
    await here.over(slotMs + DAY_MS);
    assert.match((await here.runsOf(diskId))[0]?.reason ?? '', /still being made/);
    assert.match((await here.runsOf(off))[0]?.reason ?? '', /EnableAutoSnapshot/);
    assert.match((await here.runsOf(free))[0]?.reason ?? '', /Available/);
    assert.equal((await here.snapshots(diskId)).length, 1);
    await world.power('stop', instanceId);
    await world.settle();
    await here.run();
    assert.equal((await here.snapshots(diskId)).length, 2, 'of a stopped instance too');
  });

  it('shares one snapshot with others that are due at once, kept as long as any of them says', async (t) => {
    const here = await PolicyWorld.create(t);
    const { diskId } = await here.protect({ retentionDays: 3 });
    const { policyId } = await here.world.control.policies.create(policyRequest({ retentionDays: 30 }));
    await here.world.control.policies.apply({ policyId, diskIds: [diskId] });
    await here.run();
    const [snapshot, ...more] = await here.snapshots(diskId);
    assert.deepEqual([snapshot?.retentionDays, more], [30, []]);
    assert.equal((await here.runsOf(diskId)).length, 2, 'each policy tells it');
  });

  it('is applied by tags of instances, whatever has them when it runs', async (t) => {
    const here = await PolicyWorld.create(t);
    const { world } = here;
    const { policyId } = await world.control.policies.create(
      policyRequest({
        targetTags: [
          { key: 'backup', value: null },
          { key: 'env', value: 'prod' },
        ],
      }),
    );
    const { diskId, instanceId } = await world.runOne();
    await here.run();
    assert.deepEqual(await here.snapshots(diskId), []);
    const tags = [
      { key: 'backup', value: 'yes' },
      { key: 'env', value: 'prod' },
    ];
    await world.control.tagResources({ resourceType: 'instance', resourceIds: [instanceId], tags });
    assert.deepEqual((await world.disk(diskId))?.policyIds, [policyId]);
    await here.run();
    assert.equal((await here.snapshots(diskId)).length, 1);
    await assert.rejects(
      world.control.policies.apply({ policyId, diskIds: [diskId] }),
      refused('InvalidOperation.AutoSnapshotPolicyConflict'),
    );
  });

  it('is refused where it cannot be, and leaves what it made when it goes', async (t) => {
    const here = await PolicyWorld.create(t);
    const { policies } = here.world.control;
    const { policyId, diskId } = await here.protect();
    await here.run();
    await assert.rejects(
      policies.apply({ policyId: 'sp-absent', diskIds: [diskId] }),
      refused('InvalidAutoSnapshotPolicyId.NotFound'),
    );
    await assert.rejects(policies.apply({ policyId, diskIds: ['d-absent'] }), refused('InvalidDiskId.NotFound'));
    await assert.rejects(policies.delete({ policyId: 'sp-absent' }), refused('ParameterInvalid'));
    await assert.rejects(
      policies.create(policyRequest({ copies: true, copyRegionId: 'cn-mars' })),
      refused('InvalidParameter.TargetCopyRegions'),
    );
    const rules = { last: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
    await assert.rejects(policies.modify({ policyId, keepRules: rules }), refused('ParameterInvalid'));
    for (let count = 1; count < 10; count += 1) {
      const more = await policies.create(policyRequest());
      await policies.apply({ policyId: more.policyId, diskIds: [diskId] });
    }
    const eleventh = await policies.create(policyRequest());
    await assert.rejects(
      policies.apply({ policyId: eleventh.policyId, diskIds: [diskId] }),
      refused('QuotaExceed.AppliedAutoSnapshotPolicyQuota'),
    );
    await assert.rejects(
      policies.cancel({ policyId: null, diskIds: [diskId] }),
      refused('OperationDenied.TooManyAutoSnapshotPolicies'),
    );
    await policies.cancel({ policyId, diskIds: [diskId] });
    assert.equal((await here.world.disk(diskId))?.policyIds.length, 9);
    await policies.delete({ policyId });
    assert.equal((await here.snapshots(diskId)).length, 1);
  });

  it('makes room at the quota only for a snapshot that is made', async (t) => {
    const here = await PolicyWorld.create(t);
    const { world } = here;
    const { diskId } = await here.protect();
    await here.run();
    const { queries } = world.catalog;
    const row = await queries.selectFrom('snapshots').selectAll().executeTakeFirstOrThrow();
    const copies = Array.from({ length: 999 }, (_, index) => ({
      ...row,
      snapshot_id: `s-copy${index}`,
      generation: 0,
    }));
    for (let at = 0; at < copies.length; at += 100) {
      await queries
        .insertInto('snapshots')
        .values(copies.slice(at, at + 100))
        .execute();
    }
    world.assertRoom = (code) => {
      throw new RequestError(code, 'no room');
    };
    await here.run();
    assert.equal((await here.runsOf(diskId))[0]?.reason, 'no room');
    assert.equal((await queries.selectFrom('snapshots').select('snapshot_id').execute()).length, 1000);
    assert.deepEqual(await queries.selectFrom('operations').selectAll().execute(), []);
  });

  it('hands what an overtaken run was for to the next one', async (t) => {
    const here = await PolicyWorld.create(t);
    const { world } = here;
    const yearly = { hours: [2], weekdays: [1, 2, 3, 4, 5, 6, 7] };
    const { diskId } = await here.protect({ schedule: yearly, retentionDays: 365 });
    const { policyId: daily } = await world.control.policies.create(
      policyRequest({ schedule: { hours: [3], weekdays: yearly.weekdays }, retentionDays: 1 }),
    );
    await world.control.policies.apply({ policyId: daily, diskIds: [diskId] });
    const [slotMs = 0] = listNextSlots(yearly, here.clock.nowMs(), 1);
    await world.control.stop();
    await world.catalog.queries
      .insertInto('policy_targets')
      .values({ disk_id: diskId, slot_ms: slotMs, begun_at_ms: slotMs, state: 'pending', attempts: 0 })
      .execute();
    const long = { policy_id: 'sp-long', run_id: 0, slot_ms: slotMs, retention_days: 365, tiered: 0 };
    await world.catalog.queries
      .insertInto('policy_target_members')
      .values({ ...long, target_id: 1, copy_region_id: null, copied_retention_days: -1 })
      .execute();
    await world.catalog.close();
    here.clock.leapTo(slotMs + 3_600_000);
    await world.start();
    await here.over(slotMs + 3_600_000);
    await world.until('the snapshot', async () => (await here.snapshots(diskId)).length === 1);
    assert.equal((await here.snapshots(diskId))[0]?.retentionDays, 365);
  });

  it('catches up a run that was missed while no server ran, once, or not at all', async (t) => {
    const here = await PolicyWorld.create(t);
    const { diskId } = await here.protect();
    const { policyId: lazy } = await here.world.control.policies.create(policyRequest({ catchesUp: false }));
    const { diskId: other } = await here.world.runOne({ policyId: lazy });
    const [slotMs = 0] = listNextSlots(everyDay, here.clock.nowMs(), 1);
    await here.world.control.stop();
    await here.world.catalog.close();
    here.clock.leapTo(slotMs + 4 * DAY_MS + 3_600_000);
    await here.world.start();
    await here.over(slotMs + 4 * DAY_MS);
    assert.equal((await here.snapshots(diskId)).length, 1);
    assert.deepEqual(await here.snapshots(other), []);
    assert.match(here.world.warnings.join('\n'), /5 runs of .* were missed/);
    await here.run();
    assert.deepEqual([(await here.snapshots(diskId)).length, (await here.snapshots(other)).length], [2, 1]);
  });

  it('runs no slot twice when the clock is set back, and all that the clock passes again for the first time', async (t) => {
    const here = await PolicyWorld.create(t);
    const { diskId, policyId } = await here.protect();
    await here.run();
    here.clock.set(-2 * DAY_MS);
    const runs = async () =>
      (await here.world.control.policies.listRuns({}, allRows)).items.map(({ slotMs }) => slotMs);
    const [slotMs = 0] = await runs();
    const seenMs = async () => (await findPolicy(here.world.catalog.queries, policyId))?.cursor_ms ?? 0;
    await here.world.until('somebody to see it', async () => (await seenMs()) < slotMs);
    here.clock.leapTo(slotMs - DAY_MS);
    await here.world.until('the run of the day before', async () => (await runs()).length === 2);
    here.clock.leapTo(slotMs + 60_000);
    await here.world.until('somebody to look', async () => (await seenMs()) > slotMs);
    here.clock.leapTo(slotMs + DAY_MS);
    await here.world.until('the next', async () => (await runs()).length >= 3);
    await here.over(slotMs + DAY_MS);
    assert.deepEqual(await runs(), [slotMs + DAY_MS, slotMs - DAY_MS, slotMs]);
    assert.equal((await here.snapshots(diskId)).length, 3);
  });
});

describe('automatic snapshots of a disk that is deleted', () => {
  it('go with it or stay, as DeleteAutoSnapshot says, and into the recycle bin where there is one', async (t) => {
    const here = await PolicyWorld.create(t);
    const { world } = here;
    const { policyId, diskId, instanceId } = await here.protect();
    const { diskId: kept } = await world.runOne({ policyId });
    await world.control.modifyDisks({ diskIds: [kept], deleteAutoSnapshot: false });
    await here.run();
    await here.run();
    const manual = await world.takeSnapshot(diskId);
    world.recycleMs = DAY_MS;
    await world.restart();
    const { instanceId: other } = (await world.disk(kept)) ?? {};
    for (const [disk, instance] of [
      [diskId, instanceId],
      [kept, other ?? ''],
    ] as const) {
      await world.power('stop', instance);
      await world.settle();
      await world.control.detachDisk({ diskId: disk, instanceId: instance, deleteWithInstance: null });
      await world.control.deleteDisk({ diskId: disk });
    }
    await world.settle();
    assert.deepEqual(
      (await here.snapshots(diskId)).map(({ snapshotId }) => snapshotId),
      [manual],
    );
    assert.equal((await here.snapshots(kept)).length, 2);
    const binned = (await world.control.recycleBin.list({ diskId }, allRows)).items;
    assert.equal(binned.filter(({ resourceType }) => resourceType === 'snapshot').length, 2);
    await world.control.recycleBin.restore({ resourceIds: binned.map(({ resourceId }) => resourceId) });
    assert.equal((await here.snapshots(diskId)).length, 3);
    assert.deepEqual((await world.disk(diskId))?.policyIds, [policyId], 'and its policy is applied to it again');
    await world.checkSettled();
  });
});

describe('the copies that a policy wants', () => {
  it('are made in the other region, automatic and with their own retention', async (t) => {
    const here = await PolicyWorld.create(t);
    const there = await PolicyWorld.create(t, 'cn-beijing', here);
    const { diskId } = await here.protect({ copies: true, copyRegionId: 'cn-beijing', copiedRetentionDays: 90 });
    await here.run();
    await there.world.settle();
    const [snapshot] = await here.snapshots(diskId);
    const [copy, ...more] = await there.snapshots(diskId);
    assert.deepEqual(more, []);
    assert.equal(copy?.copyOf?.snapshotId, snapshot?.snapshotId);
    assert.deepEqual([copy?.isAutomatic, copy?.retentionDays, copy?.snapshotName], [true, 90, snapshot?.snapshotName]);
  });
});

describe('retention', () => {
  it('deletes what is over, never the newest good one, and nothing that an image or a lock holds', async (t) => {
    const here = await PolicyWorld.create(t);
    const { world } = here;
    const { diskId, instanceId } = await here.protect({ retentionDays: 2 });
    await here.run();
    const [first] = await here.snapshots(diskId);
    await here.run();
    const [second] = await here.snapshots(diskId);
    await world.control.lockSnapshot({ snapshotId: second!.snapshotId, lockDays: 1, coolOffHours: 0 });
    await world.control.createImage(imageRequest({ disks: null, snapshotId: null, instanceId }));
    await world.settle();
    for (let count = 0; count < 6; count += 1) await here.run();
    await world.until('the old ones to go', async () => {
      const left = (await here.snapshots(diskId)).filter(({ isAutomatic }) => isAutomatic);
      return left.length <= 3;
    });
    const left = await here.snapshots(diskId);
    assert.ok(!left.some(({ snapshotId }) => snapshotId === first?.snapshotId));
    await world.power('stop', instanceId);
    await world.control.policies.cancel({ policyId: null, diskIds: [diskId] });
    here.clock.leap(30 * DAY_MS);
    await world.until('all but the newest to go', async () => {
      return (await here.snapshots(diskId)).filter(({ isAutomatic }) => isAutomatic).length === 1;
    });
    const [newest] = (await here.snapshots(diskId)).filter(({ isAutomatic }) => isAutomatic);
    assert.equal(newest?.snapshotId, left.find(({ isAutomatic }) => isAutomatic)?.snapshotId);
  });

  it('ends a manual snapshot when its days are over, not when somebody sets the clock', async (t) => {
    const here = await PolicyWorld.create(t);
    const { diskId } = await here.world.runOne();
    const request = { diskId, snapshotName: null, description: '', retentionDays: 10, tags: [] };
    const { snapshotId } = await here.world.control.createSnapshot({
      ...request,
      resourceGroupId: 'rg-default0000000000',
    });
    await here.world.settle();
    here.clock.set(3650 * DAY_MS);
    here.clock.leap(2 * 3_600_000);
    here.clock.leap(9 * DAY_MS);
    here.clock.leap(2 * 3_600_000);
    assert.ok((await here.world.snapshot(snapshotId)) !== undefined);
    await assert.rejects(
      here.world.control.modifySnapshot({ snapshotId, retentionDays: 9 }),
      refused('InvalidOperation.DecreaseRetentionDaysUnsupported'),
    );
    here.clock.set(-3650 * DAY_MS);
    here.clock.leap(DAY_MS);
    await here.world.until('it to go', async () => (await here.world.snapshot(snapshotId)) === undefined);
  });

  it('holds back more than the share that is set until somebody agrees', async (t) => {
    const here = await PolicyWorld.create(t);
    const { world } = here;
    const { policyId, diskId } = await here.protect({ retentionDays: 60 });
    for (let count = 0; count < 6; count += 1) await here.run();
    await world.control.policies.cancel({ policyId, diskIds: [diskId] });
    here.clock.leap(90 * DAY_MS);
    const isHeld = () => world.warnings.some((text) => /hupo policy approve/.test(text));
    await world.until('it to be held', async () => isHeld());
    assert.equal((await here.snapshots(diskId)).length, 6);
    assert.equal((await world.control.policies.approve(diskId)).length, 5);
    assert.equal((await here.snapshots(diskId)).length, 1);
    await assert.rejects(world.control.policies.approve(diskId), refused('InvalidDiskId.NotFound'));
  });

  it('deletes nothing for an hour after a start that finds the clock far ahead', async (t) => {
    const here = await PolicyWorld.create(t);
    const { world } = here;
    const { policyId, diskId } = await here.protect({ retentionDays: 2 });
    await here.run();
    await here.run();
    await world.control.policies.cancel({ policyId, diskIds: [diskId] });
    here.clock.standStill(900 * DAY_MS);
    await world.restart();
    here.clock.leap(1_800_000);
    await world.settle();
    assert.equal((await here.snapshots(diskId)).length, 2);
    here.clock.leap(2_000_000);
    await world.until('the old one to go', async () => (await here.snapshots(diskId)).length === 1);
  });

  it('is held up for the rest of that hour by another start, too; so is the recycle bin', async (t) => {
    const here = await PolicyWorld.create(t);
    const { world } = here;
    world.recycleMs = DAY_MS;
    await world.restart();
    const { policyId, diskId } = await here.protect({ retentionDays: 2 });
    await here.run();
    await here.run();
    await world.control.policies.cancel({ policyId, diskIds: [diskId] });
    const { diskId: other } = await world.runOne();
    const binned = await world.takeSnapshot(other);
    await world.control.deleteSnapshot({ snapshotId: binned, force: false });
    here.clock.standStill(900 * DAY_MS);
    await world.restart();
    here.clock.leap(60_000);
    await world.restart();
    here.clock.leap(600_000);
    await world.settle();
    assert.equal((await here.snapshots(diskId)).length, 2);
    here.clock.standStill(-900 * DAY_MS);
    await world.control.recycleBin.restore({ resourceIds: [binned] });
    assert.equal((await world.snapshot(binned))?.status, 'accomplished');
  });

  it('goes on after a clock that was far ahead was set right', async (t) => {
    const here = await PolicyWorld.create(t);
    const { world } = here;
    const { diskId } = await here.protect({ retentionDays: 2 });
    here.clock.standStill(3650 * DAY_MS);
    await world.restart();
    here.clock.set(-3650 * DAY_MS);
    await world.restart();
    for (let count = 0; count < 5; count += 1) await here.run();
    await world.until('the old ones to go', async () => (await here.snapshots(diskId)).length <= 3);
  });

  it('previews its runs and what it will delete, and then does just that', async (t) => {
    const here = await PolicyWorld.create(t);
    const { world } = here;
    const keepRules = { last: 0, hourly: 0, daily: 3, weekly: 2, monthly: 1, yearly: 0 };
    const { policyId, diskId } = await here.protect({ retentionDays: 1, keepRules });
    for (let count = 0; count < 9; count += 1) await here.run();
    await world.settle();
    const before = await here.snapshots(diskId);
    const preview = await world.control.policies.preview({ policyId, runCount: 3, diskId: null });
    assert.equal(preview.runsMs.length, 3);
    for (const slotMs of preview.runsMs) assert.equal(await here.run(), slotMs);
    await world.settle();
    const [told] = preview.disks;
    const ended = new Set(told?.ends.map(({ snapshotId }) => snapshotId));
    assert.ok(ended.size > 0);
    const after = await here.snapshots(diskId);
    const kept = before.filter(({ snapshotId }) => after.some((one) => one.snapshotId === snapshotId));
    assert.deepEqual(
      kept.map(({ snapshotId }) => snapshotId).sort(),
      before
        .map(({ snapshotId }) => snapshotId)
        .filter((snapshotId) => !ended.has(snapshotId))
        .sort(),
    );
    assert.deepEqual(
      told?.kept.map(({ snapshotId }) => snapshotId).sort(),
      kept.map(({ snapshotId }) => snapshotId).sort(),
    );
  });
});
