/** ModifyDiskSpec and its task: what a changed category changes, and what is left when the server dies. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { dieEverywhere } from '../../test/control/die-everywhere.ts';
import { allRows, checked, createWorld, diskRequest, plainDisk, snapshotRequest } from '../../test/control/world.ts';
import type { World } from '../../test/control/world.ts';
import type { Disk } from '../ecs/resources.ts';
import { OperationalError } from '../lib/errors.ts';
import type { ModifyDiskSpecRequest } from './requests.ts';

const plain = { category: null, performanceLevel: null };

function modify(world: World, request: Partial<ModifyDiskSpecRequest> & { diskId: string }) {
  return world.control.modifyDiskSpec({ ...plain, ...request });
}

async function kindOf(world: World, diskId: string): Promise<[string | undefined, string | null | undefined]> {
  const disk: Disk | undefined = await world.disk(diskId);
  return [disk?.category, disk?.performanceLevel];
}

async function runPlain(t: TestContext) {
  const world = await createWorld(t);
  return { world, ...(await world.runOne(plainDisk)) };
}

test('a changed category is a task that is Finished when the disk has it; the level of cloud_essd is PL1 by default', async (t) => {
  const { world, diskId } = await runPlain(t);
  const { taskId } = await modify(world, { diskId, category: 'cloud_essd' });
  assert.match(taskId ?? '', /^t-bp1[0-9a-z]{17}$/);
  await world.settle();
  assert.deepEqual(await kindOf(world, diskId), ['cloud_essd', 'PL1']);
  const task = await world.control.getTask(taskId ?? '');
  assert.deepEqual(
    [task.action, task.status, task.resourceId, task.progressPercent, task.endedParts],
    [
      'ModifyDiskSpec',
      'Finished',
      diskId,
      100,
      [{ errorCode: null, errorMessage: null, items: { DiskCategory: 'cloud_essd' } }],
    ],
  );
  assert.ok(task.finishedAtMs !== null && task.finishedAtMs >= task.createdAtMs);
  await checked(world);
});

test('a changed performance level is no task and is there at once', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne({ sizeGib: 500 });
  assert.deepEqual(await modify(world, { diskId, performanceLevel: 'PL2' }), { taskId: null });
  assert.deepEqual(await kindOf(world, diskId), ['cloud_essd', 'PL2']);
  assert.equal((await world.control.listTasks({}, allRows)).totalCount, 0);
  await checked(world);
});

test('snapshots of a disk are instant from when it is of the ESSD family, and not any more when it leaves it', async (t) => {
  const { world, diskId } = await runPlain(t);
  const upload = world.holdUploads();
  const late = await world.control.createSnapshot(snapshotRequest(diskId));
  await assert.rejects(modify(world, { diskId, category: 'cloud_auto' }), { code: 'DiskCreatingSnapshot' });
  assert.equal((await world.snapshot(late.snapshotId))?.available, false);
  upload.release();
  await world.settle();
  await modify(world, { diskId, category: 'cloud_auto' });
  await world.settle();
  const held = world.holdUploads();
  const early = await world.beginSnapshot(diskId);
  assert.deepEqual(
    [(await world.snapshot(early))?.status, (await world.snapshot(early))?.available],
    ['progressing', true],
  );
  await assert.rejects(modify(world, { diskId, category: 'cloud_ssd' }), { code: 'DiskCreatingSnapshot' });
  held.release();
  await world.settle();
  await modify(world, { diskId, category: 'cloud_ssd' });
  await world.settle();
  const last = world.holdUploads();
  const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId));
  await world.quiet();
  assert.equal((await world.snapshot(snapshotId))?.available, false);
  last.release();
  await checked(world);
});

test('nothing else is begun with a disk while its category changes', async (t) => {
  const { world, diskId, instanceId } = await runPlain(t);
  world.limitsDisks = true;
  await world.restart();
  const held = Promise.withResolvers<void>();
  world.diskd.before = (name) => (name === 'openDisk' ? held.promise : Promise.resolve());
  const { taskId } = await modify(world, { diskId, category: 'cloud_essd' });
  assert.equal((await world.control.getTask(taskId ?? '')).status, 'Processing');
  const refused = (code: string) => ({ code, message: /is just being changed: wait for its task/ });
  await assert.rejects(modify(world, { diskId, category: 'cloud_ssd' }), refused('DiskInCoolingPeriod'));
  await assert.rejects(world.control.createSnapshot(snapshotRequest(diskId)), refused('IncorrectDiskStatus'));
  await assert.rejects(world.control.resizeDisk({ diskId, sizeGib: 30, online: false }), refused('Operation.Conflict'));
  await assert.rejects(
    world.control.deleteInstances({ instanceIds: [instanceId], force: true }),
    refused('OperationConflict'),
  );
  held.resolve();
  await world.settle();
  assert.deepEqual(world.diskd.disks.get(diskId)?.limits, { iops: 2800, bytesPerSecond: 130_000_000 });
  await checked(world);
});

test('a disk that cannot be served with its new limits stays what it was, and the task says why', async (t) => {
  const { world, diskId } = await runPlain(t);
  world.limitsDisks = true;
  await world.restart();
  let failures = 1;
  world.diskd.before = async (name) => {
    if (name === 'openDisk' && failures-- > 0) throw new OperationalError('it is broken', { retryable: false });
  };
  const { taskId } = await modify(world, { diskId, category: 'cloud_essd' });
  await world.settle();
  assert.deepEqual(await kindOf(world, diskId), ['cloud_efficiency', null]);
  const task = await world.control.getTask(taskId ?? '');
  assert.deepEqual(
    [task.status, task.endedParts],
    ['Failed', [{ errorCode: 'OperationDenied', errorMessage: 'it is broken', items: {} }]],
  );
  await world.control.reopenDisks();
  await checked(world);
});

test('a dry run changes nothing and refuses what the request would', async (t) => {
  const { world, diskId } = await runPlain(t);
  const dry = { idempotency: null, dryRun: true };
  await assert.rejects(world.control.modifyDiskSpec({ ...plain, diskId, category: 'cloud_auto' }, dry), {
    code: 'DryRunOperation',
  });
  await assert.rejects(world.control.modifyDiskSpec({ ...plain, diskId }, dry), {
    code: 'NoChangeInDiskCategoryAndPerformanceLevel',
  });
  assert.deepEqual(await kindOf(world, diskId), ['cloud_efficiency', null]);
  assert.equal((await world.control.listTasks({}, allRows)).totalCount, 0);
});

test('tasks are listed newest first by page, by id, resource, action, status and time', async (t) => {
  const world = await createWorld(t);
  const ids: string[] = [];
  const disks: string[] = [];
  for (let index = 0; index < 3; index++) {
    const { diskId } = await world.control.createDisk(diskRequest(plainDisk));
    await world.until('the disk', async () => (await world.disk(diskId))?.status === 'Available');
    disks.push(diskId);
    ids.push((await modify(world, { diskId, category: 'cloud_ssd' })).taskId ?? '');
    await world.settle();
  }
  const list = async (filter: Parameters<World['control']['listTasks']>[0], paging = allRows) =>
    (await world.control.listTasks(filter, paging)).items.map(({ taskId }) => taskId);
  assert.deepEqual(await list({}), ids.toReversed());
  assert.deepEqual(await list({}, { ...allRows, pageSize: 2, pageNumber: 2 }), ids.slice(0, 1));
  assert.deepEqual(await list({ taskIds: [ids[1] ?? '', 't-none'] }), [ids[1]]);
  assert.deepEqual(await list({ resourceIds: [disks[2] ?? ''] }), [ids[2]]);
  assert.deepEqual(await list({ action: 'ImportImage' }), []);
  assert.deepEqual(await list({ status: 'Finished' }), ids.toReversed());
  assert.deepEqual(await list({ status: 'Failed' }), []);
  const { createdAtMs } = await world.control.getTask(ids[1] ?? '');
  assert.deepEqual(await list({ createdFromMs: createdAtMs }), [ids[2], ids[1]]);
  assert.deepEqual(await list({ createdUntilMs: createdAtMs }), [ids[1], ids[0]]);
  const { items } = await world.control.listTasks({}, allRows);
  assert.deepEqual(
    items.map(({ resourceId }) => resourceId),
    disks.toReversed(),
  );
});

test('pages of tasks and each of their filters are read by an index', async (t) => {
  const world = await createWorld(t);
  const plans = [
    ['SELECT * FROM tasks ORDER BY created_at_ms DESC, task_id DESC LIMIT 10', 'tasks_by_creation'],
    [`SELECT * FROM tasks WHERE resource_id IN ('x') ORDER BY created_at_ms DESC, task_id DESC`, 'tasks_by_resource'],
    [`SELECT * FROM tasks WHERE task_action = 'x' ORDER BY created_at_ms DESC, task_id DESC`, 'tasks_by_action'],
    [`SELECT * FROM tasks WHERE status = 'x' ORDER BY created_at_ms DESC, task_id DESC`, 'tasks_by_status'],
    ['DELETE FROM tasks WHERE finished_at_ms < 5', 'tasks_by_end'],
  ] as const;
  for (const [statement, index] of plans) assert.match(await world.explain(statement), new RegExp(index), statement);
});

test('a task that ended 30 days ago is forgotten when the next one is made', async (t) => {
  const { world, diskId } = await runPlain(t);
  const { taskId: first } = await modify(world, { diskId, category: 'cloud_ssd' });
  await world.settle();
  const longAgoMs = world.clock.nowMs() - 31 * 24 * 3_600_000;
  await world.catalog.queries.updateTable('tasks').set({ finished_at_ms: longAgoMs }).execute();
  const { taskId: second } = await modify(world, { diskId, category: 'cloud_essd' });
  await assert.rejects(world.control.getTask(first ?? ''), { code: 'InvalidTaskId.NotFound' });
  assert.equal((await world.control.getTask(second ?? '')).action, 'ModifyDiskSpec');
});

test('only tasks of imports and exports can be cancelled', async (t) => {
  const { world, diskId } = await runPlain(t);
  const { taskId } = await modify(world, { diskId, category: 'cloud_ssd' });
  await assert.rejects(world.control.cancelTask({ taskId: taskId ?? '' }), {
    code: 'InvalidTaskId.TaskActionNotSupport',
  });
  await assert.rejects(world.control.cancelTask({ taskId: 't-none' }), { code: 'InvalidTaskId.NotFound' });
});

test('a category is changed and its task Finished, whenever the server dies', async () => {
  const acts = await dieEverywhere({
    prepare: async (world) => {
      world.limitsDisks = true;
      return { ...(await world.runOne(plainDisk)), taskId: null as string | null };
    },
    act: async (world, prepared) => {
      prepared.taskId = (await modify(world, { diskId: prepared.diskId, category: 'cloud_essd' })).taskId;
    },
    verify: async (world, { diskId, taskId }) => {
      const [category] = await kindOf(world, diskId);
      if (taskId !== null) assert.equal(category, 'cloud_essd', 'what was answered comes to be');
      const { items } = await world.control.listTasks({}, allRows);
      assert.deepEqual(
        items.map(({ status }) => status),
        category === 'cloud_essd' ? ['Finished'] : [],
      );
      const iops = category === 'cloud_essd' ? 2800 : 1960;
      assert.equal(world.diskd.disks.get(diskId)?.limits?.iops, iops);
    },
  });
  assert.ok(acts >= 3, `only ${acts} acts`);
});
