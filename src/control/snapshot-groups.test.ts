import test from 'node:test';
import assert from 'node:assert/strict';
import type { SnapshotGroupFilter } from '../ecs/list-filters.ts';
import type { SnapshotGroup } from '../ecs/resources.ts';
import { OperationalError } from '../lib/errors.ts';
import {
  allRows,
  checked,
  createWorld,
  dataDisk,
  groupRequest,
  plainDisk,
  runRequest,
  token,
} from '../../test/control/world.ts';
import type { World } from '../../test/control/world.ts';
import type { CreateSnapshotGroupRequest } from './requests.ts';

/** A running instance with ESSD data disks, and a system disk that is none. */
async function runInstance(world: World, dataDiskCount = 2): Promise<{ instanceId: string; diskIds: string[] }> {
  const dataDisks = Array.from({ length: dataDiskCount }, () => dataDisk({}));
  const { instanceIds } = await world.control.runInstances(
    runRequest({ dataDisks, systemDisk: dataDisk({ ...plainDisk, sizeGib: null }) }),
  );
  const [instanceId = ''] = instanceIds;
  await world.until('it to run', async () => (await world.instance(instanceId))?.status === 'Running');
  const { items } = await world.control.listDisks({ instanceId }, allRows);
  const diskIds = items.filter(({ type }) => type === 'data').map(({ diskId }) => diskId);
  return { instanceId, diskIds: diskIds.sort() };
}

async function findGroup(world: World, groupId: string): Promise<SnapshotGroup | undefined> {
  return (await world.control.listSnapshotGroups({ groupIds: [groupId] }, allRows)).items[0];
}

async function finishedGroup(world: World, groupId: string): Promise<SnapshotGroup> {
  await world.until('the group', async () => (await findGroup(world, groupId))?.status === 'accomplished');
  const group = await findGroup(world, groupId);
  assert.ok(group !== undefined);
  return group;
}

test('a group holds what its disks held at one instant, is stored, rolled back to together, and deleted', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskIds } = await runInstance(world);
  for (const diskId of diskIds) world.diskd.write(diskId, 1, 'then');
  const { groupId } = await world.control.createSnapshotGroup(groupRequest({ diskIds }));
  for (const diskId of diskIds) world.diskd.write(diskId, 1, 'later');
  const group = await finishedGroup(world, groupId);
  assert.equal(group.instanceId, instanceId);
  assert.deepEqual(new Set(group.snapshots.map(({ createdAtMs }) => createdAtMs)), new Set([group.createdAtMs]));
  assert.deepEqual(group.snapshots.map(({ sourceDiskId }) => sourceDiskId).sort(), diskIds);
  for (const { snapshotId, snapshotName, description, tags } of group.snapshots) {
    assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'then' });
    assert.deepEqual([snapshotName, description], [`Created_from_${groupId}`, `Created_from_${groupId}`]);
    assert.deepEqual(tags, [{ key: 'acs:ecs:createFrom', value: instanceId }]);
    const { name, snapshotCount } = world.repository.manifests.get(snapshotId)!.group!;
    assert.deepEqual([name, snapshotCount], ['g', 2]);
  }
  await world.power('stop', instanceId);
  const disks = group.snapshots.map(({ sourceDiskId: diskId, snapshotId }) => ({ diskId, snapshotId }));
  await assert.rejects(world.control.resetDisks({ disks: [...disks, ...disks] }), /The disk d-.* is given twice/);
  assert.deepEqual(
    await world.control.resetDisks({ disks }),
    disks.map(({ diskId }) => ({ id: diskId, refusal: null })),
  );
  await world.settle();
  for (const diskId of diskIds) assert.deepEqual(world.diskWords(diskId), { 1: 'then' });
  const outcomes = await world.control.deleteSnapshotGroup({ groupId });
  assert.deepEqual(new Set(outcomes.map(({ refusal }) => refusal)), new Set([null]));
  assert.equal(await findGroup(world, groupId), undefined);
  await checked(world);
});

test('when one disk cannot be frozen none is: no group, no snapshot, no view, and the token is free', async (t) => {
  const world = await createWorld(t);
  const { diskIds } = await runInstance(world);
  const options = token('CreateSnapshotGroup');
  world.diskd.after = async (call) => {
    if (call === 'freezeGroup') throw new OperationalError('not together', { retryable: false });
  };
  await assert.rejects(world.control.createSnapshotGroup(groupRequest({ diskIds }), options));
  await world.settle();
  assert.equal((await world.control.listSnapshotGroups({}, allRows)).totalCount, 0);
  assert.equal((await world.control.listSnapshots({}, allRows)).totalCount, 0);
  assert.deepEqual(await world.catalog.queries.selectFrom('snapshots').selectAll().execute(), []);
  for (const { views } of world.diskd.disks.values()) assert.deepEqual(views, []);
  world.diskd.after = async () => undefined;
  const { groupId } = await world.control.createSnapshotGroup(groupRequest({ diskIds }), options);
  assert.deepEqual(await world.control.createSnapshotGroup(groupRequest({ diskIds }), options), { groupId });
  await finishedGroup(world, groupId);
  await checked(world);
});

test('of which disks a group may be', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskIds } = await runInstance(world);
  const other = await runInstance(world, 1);
  const system = (await world.control.listDisks({ instanceId, type: 'system' }, allRows)).items[0]!;
  const refused = (change: Partial<CreateSnapshotGroupRequest>, code: string) =>
    assert.rejects(world.control.createSnapshotGroup(groupRequest(change)), { code });
  await refused({ instanceId }, 'DiskCategory.OperationNotSupported');
  await refused({ instanceId, diskIds: other.diskIds }, 'InvalidDiskId.NotFound');
  await refused({ instanceId, excludedDiskIds: [...diskIds, system.diskId] }, 'InvalidInstance.NoDisk');
  const narrowed = await world.control.createSnapshotGroup(groupRequest({ instanceId, diskIds: diskIds.slice(1) }));
  assert.equal((await finishedGroup(world, narrowed.groupId)).snapshots.length, 1);
  const several = await world.control.createSnapshotGroup(groupRequest({ diskIds: [...diskIds, ...other.diskIds] }));
  const group = await finishedGroup(world, several.groupId);
  assert.deepEqual([group.instanceId, group.snapshots.length], [null, 3]);
});

test('a snapshot that was deleted is not in its group any more; the group goes with the last', async (t) => {
  const world = await createWorld(t);
  const { diskIds } = await runInstance(world);
  const { groupId } = await world.control.createSnapshotGroup(groupRequest({ diskIds }));
  const [first, second] = (await finishedGroup(world, groupId)).snapshots;
  await world.control.deleteSnapshot({ snapshotId: first!.snapshotId, force: false });
  assert.equal((await findGroup(world, groupId))?.snapshots.length, 1);
  await world.control.modifySnapshotGroup({ groupId, groupName: 'renamed' });
  assert.deepEqual((await world.control.listSnapshotGroups({ groupName: 'renamed' }, allRows)).totalCount, 1);
  await world.control.deleteSnapshot({ snapshotId: second!.snapshotId, force: false });
  assert.equal(await findGroup(world, groupId), undefined);
  await assert.rejects(world.control.modifySnapshotGroup({ groupId }), { code: 'InvalidSnapshotGroup.NotFound' });
});

test('groups are found by status, and paged', async (t) => {
  const world = await createWorld(t);
  const { diskIds } = await runInstance(world);
  const ids: string[] = [];
  for (let count = 0; count < 3; count++) {
    const { groupId } = await world.control.createSnapshotGroup(groupRequest({ diskIds }));
    await finishedGroup(world, groupId);
    ids.unshift(groupId);
  }
  world.holdUploads();
  const { groupId: held } = await world.control.createSnapshotGroup(groupRequest({ diskIds }));
  const [failed] = ids;
  await world.catalog.queries
    .updateTable('snapshots')
    .set({ status: 'failed', failure_reason: 'x', tree: null })
    .where('snapshot_group_id', '=', failed!)
    .where('source_disk_id', '=', diskIds[0]!)
    .execute();
  const byStatus = async (status: SnapshotGroup['status']) => {
    const { items } = await world.control.listSnapshotGroups({ statuses: [status] }, allRows);
    assert.ok(items.every((group) => group.status === status));
    return items.map(({ groupId }) => groupId);
  };
  assert.deepEqual(await byStatus('progressing'), [held]);
  assert.deepEqual(await byStatus('failed'), [failed]);
  assert.deepEqual(await byStatus('accomplished'), ids.slice(1));
  const first = await world.control.listSnapshotGroups({}, { pageNumber: 1, pageSize: 2, nextToken: null });
  const rest = await world.control.listSnapshotGroups({}, { pageNumber: 1, pageSize: 9, nextToken: first.nextToken });
  const all = [...first.items, ...rest.items].map(({ groupId }) => groupId);
  assert.deepEqual(new Set(all), new Set([held, ...ids]));
  assert.equal(all.length, 4);
});

test('groups have tags and a resource group as everything else has', async (t) => {
  const world = await createWorld(t);
  const { diskIds } = await runInstance(world);
  const { groupId } = await world.control.createSnapshotGroup(groupRequest({ diskIds }));
  await finishedGroup(world, groupId);
  const ofGroup = { resourceType: 'snapshotgroup' as const, resourceIds: [groupId] };
  const tags = [{ key: 'team', value: 'storage' }];
  await world.control.tagResources({ ...ofGroup, tags });
  const found = async (filter: SnapshotGroupFilter) =>
    (await world.control.listSnapshotGroups(filter, allRows)).items.map((group) => group.groupId);
  assert.deepEqual((await findGroup(world, groupId))?.tags.slice(-1), tags);
  assert.deepEqual(await found({ tags: [{ key: 'team', value: 'storage' }] }), [groupId]);
  const listed = await world.control.listTagsOfResources({ resourceType: 'snapshotgroup', tags }, allRows);
  assert.deepEqual(listed.items, [
    { resourceId: groupId, resourceType: 'snapshotgroup', key: 'team', value: 'storage' },
  ]);
  await world.control.joinResourceGroup({
    ...{ resourceType: 'snapshotgroup', resourceId: groupId, resourceGroupId: 'rg-team' },
  });
  assert.deepEqual(await found({ resourceGroupId: 'rg-team' }), [groupId]);
  await world.control.untagResources({ ...ofGroup, tags: null });
  assert.deepEqual(await found({ tags: [{ key: 'team', value: null }] }), []);
  await assert.rejects(
    world.control.tagResources({ ...ofGroup, resourceIds: ['ssg-none'], tags }),
    /There is no snapshotgroup ssg-none/,
  );
  await checked(world);
});
