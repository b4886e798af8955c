import assert from 'node:assert/strict';
import test from 'node:test';
import { callAction, itemsOf } from '../../test/control/call-action.ts';
import { createWorld, diskRequest } from '../../test/control/world.ts';

test('the bin is paged by number and by token, filtered by type, id and disk, and emptied in one of two ways', async (t) => {
  const world = await createWorld(t);
  world.recycleMs = 3_600_000;
  await world.restart();
  const { instanceId, diskId } = await world.runOne();
  const snapshotId = await world.takeSnapshot(diskId);
  await world.control.deleteSnapshot({ snapshotId, force: false });
  const diskIds: string[] = [];
  for (let i = 0; i < 11; i++) {
    diskIds.push((await world.control.createDisk(diskRequest({ diskName: `disk-${i}` }))).diskId);
  }
  await world.settle();
  for (const id of diskIds) await world.control.deleteDisk({ diskId: id });
  const list = async (parameters: Record<string, string>) => {
    const answer = await callAction(world, 'HupoDescribeRecycleBin', parameters);
    return { ...answer, ids: itemsOf(answer, 'Resources', 'Resource').map((item) => String(item['ResourceId'])) };
  };
  const first = (await list({})) as { ids: string[]; NextToken: string; TotalCount: number };
  assert.deepEqual([first.TotalCount, first.ids.length], [12, 10]);
  const rest = await list({ NextToken: first.NextToken });
  assert.deepEqual([...first.ids, ...rest.ids], [...first.ids, ...(await list({ PageNumber: '2' })).ids]);
  assert.deepEqual(new Set([...first.ids, ...rest.ids]), new Set([snapshotId, ...diskIds]));
  assert.deepEqual((await list({ ResourceType: 'snapshot' })).ids, [snapshotId]);
  assert.deepEqual((await list({ DiskId: diskId })).ids, [snapshotId]);
  assert.deepEqual((await list({ 'ResourceId.1': diskIds[3] ?? '', 'ResourceId.2': 'd-none' })).ids, [diskIds[3]]);
  for (const wrong of [{}, { All: 'false' }, { All: 'true', 'ResourceId.1': snapshotId }]) {
    await assert.rejects(callAction(world, 'HupoDeleteFromRecycleBin', wrong), /ResourceId\.N/);
  }
  await assert.rejects(callAction(world, 'HupoRestoreFromRecycleBin', {}), { code: 'MissingParameter' });
  await callAction(world, 'HupoRestoreFromRecycleBin', { 'ResourceId.1': snapshotId });
  await callAction(world, 'HupoDeleteFromRecycleBin', { 'ResourceId.1': diskIds[0] ?? '' });
  await callAction(world, 'HupoDeleteFromRecycleBin', { All: 'true' });
  assert.equal((await list({})).ids.length, 0);
  assert.equal((await world.snapshot(snapshotId))?.status, 'accomplished');
  await world.settle();
  await world.checkSettled();
  assert.ok((await world.instance(instanceId)) !== undefined);
});
