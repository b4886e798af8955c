/** Archived snapshots: when one can be archived, what is told of it, and what it can still be used for. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { allRows, checked, createWorld, imageRequest } from '../../test/control/world.ts';
import type { World } from '../../test/control/world.ts';

const DAY_MS = 24 * 3_600_000;

async function age(world: World, snapshotId: string, days: number): Promise<void> {
  const created = { created_at_ms: world.clock.nowMs() - days * DAY_MS };
  await world.catalog.queries.updateTable('snapshots').set(created).where('snapshot_id', '=', snapshotId).execute();
}

/** A stopped instance, and a snapshot of its system disk that holds `a` and is 20 days old. */
async function begin(t: TestContext) {
  const world = await createWorld(t);
  const { instanceId } = await world.runOne();
  const { items } = await world.control.listDisks({ instanceId, type: 'system' }, allRows);
  const diskId = items[0]?.diskId ?? '';
  world.diskd.write(diskId, 1, 'a');
  const snapshotId = await world.takeSnapshot(diskId);
  await age(world, snapshotId, 20);
  world.diskd.write(diskId, 1, 'b');
  await world.power('stop', instanceId);
  return { world, instanceId, diskId, snapshotId };
}

test('a snapshot of 14 days is archived, by a task that has ended, and listed by its category', async (t) => {
  const { world, snapshotId } = await begin(t);
  const archive = () => world.control.modifySnapshotCategory({ snapshotId, category: 'archive' });
  await age(world, snapshotId, 13.9);
  await assert.rejects(archive(), { code: 'InvalidStatus.SnapshotAgeLimit', message: /is 13 days old/ });
  await age(world, snapshotId, 14);
  const { taskId } = await archive();
  const task = await world.control.getTask(taskId ?? '');
  assert.deepEqual([task.action, task.status, task.resourceId], ['ArchiveSnapshot', 'Finished', snapshotId]);
  assert.equal((await world.snapshot(snapshotId))?.category, 'archive');
  const count = async (category: 'archive' | 'standard') =>
    (await world.control.listSnapshots({ category }, allRows)).totalCount;
  assert.deepEqual([await count('archive'), await count('standard')], [1, 0]);
  await assert.rejects(archive(), { code: 'InvalidStatus.SnapshotInArchive' });
  await checked(world);
});

test('an archived snapshot makes disks and images and rolls back, as ECS documents it', async (t) => {
  const { world, diskId, snapshotId } = await begin(t);
  await world.control.modifySnapshotCategory({ snapshotId, category: 'archive' });
  assert.equal((await world.snapshot(snapshotId))?.available, true);
  assert.deepEqual(world.diskWords(await world.makeDisk(snapshotId)), { 1: 'a' });
  await world.control.createImage(imageRequest({ snapshotId }));
  await world.control.resetDisk({ diskId, snapshotId });
  await world.settle();
  assert.deepEqual(world.diskWords(diskId), { 1: 'a' });
  await checked(world);
});

test('beyond ECS it is brought back at once, and only an archived one is', async (t) => {
  const { world, snapshotId } = await begin(t);
  const bringBack = () => world.control.modifySnapshotCategory({ snapshotId, category: 'standard' });
  await assert.rejects(bringBack(), { code: 'InvalidParameter.SnapshotCategory' });
  await world.control.modifySnapshotCategory({ snapshotId, category: 'archive' });
  assert.deepEqual(await bringBack(), { taskId: null });
  assert.equal((await world.snapshot(snapshotId))?.category, 'standard');
  assert.equal((await world.control.listTasks({}, allRows)).totalCount, 1);
});

test('a dry run archives nothing and makes no task', async (t) => {
  const { world, snapshotId } = await begin(t);
  const dry = { idempotency: null, dryRun: true };
  await assert.rejects(world.control.modifySnapshotCategory({ snapshotId, category: 'archive' }, dry), {
    code: 'DryRunOperation',
  });
  assert.equal((await world.snapshot(snapshotId))?.category, 'standard');
  assert.equal((await world.control.listTasks({}, allRows)).totalCount, 0);
});
