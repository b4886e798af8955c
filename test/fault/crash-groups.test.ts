/** Wherever the server dies, a group of snapshots is there whole, stored as it was at its instant, or not at all. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { dieEverywhere } from '../control/die-everywhere.ts';
import { allRows, dataDisk, groupRequest, runRequest } from '../control/world.ts';
import type { World } from '../control/world.ts';

interface Prepared {
  diskIds: string[];
}

async function prepare(world: World): Promise<Prepared> {
  const { instanceIds } = await world.control.runInstances(runRequest({ dataDisks: [dataDisk(), dataDisk()] }));
  const instanceId = instanceIds[0] ?? '';
  await world.until('it to run', async () => (await world.instance(instanceId))?.status === 'Running');
  const { items } = await world.control.listDisks({ instanceId, type: 'data' }, allRows);
  const diskIds = items.map(({ diskId }) => diskId);
  for (const diskId of diskIds) world.diskd.write(diskId, 1, 'then');
  return { diskIds };
}

async function verify(world: World): Promise<void> {
  const { items: groups } = await world.control.listSnapshotGroups({}, allRows);
  const { items: snapshots } = await world.control.listSnapshots({}, allRows);
  assert.equal(snapshots.length, 2 * groups.length);
  for (const { status, snapshots: members } of groups) {
    assert.deepEqual([status, members.length], ['accomplished', 2]);
    for (const { snapshotId } of members) assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'then' });
  }
  const hidden = await world.catalog.queries
    .selectFrom('snapshot_groups')
    .selectAll()
    .where('frozen', '=', 0)
    .execute();
  assert.deepEqual(hidden, []);
}

test('CreateSnapshotGroup', async () => {
  const acts = await dieEverywhere<Prepared>({
    prepare,
    act: (world, { diskIds }) => world.control.createSnapshotGroup(groupRequest({ diskIds })),
    verify,
  });
  assert.ok(acts > 10, `only ${acts} acts`);
});

test('DeleteSnapshotGroup while it is being stored', async () => {
  await dieEverywhere<Prepared>({
    prepare,
    act: async (world, { diskIds }) => {
      const { groupId } = await world.control.createSnapshotGroup(groupRequest({ diskIds }));
      for (const diskId of diskIds) world.diskd.write(diskId, 1, 'later');
      await world.control.deleteSnapshotGroup({ groupId });
    },
    verify: async (world) => {
      const { items } = await world.control.listSnapshots({}, allRows);
      for (const { snapshotId } of items) assert.deepEqual(world.snapshotWords(snapshotId), { 1: 'then' });
    },
  });
});
