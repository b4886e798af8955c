/** Tests of resource groups: named at creation, shown, filtered by through an index, and changed by JoinResourceGroup. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { sql } from 'kysely';
import { callAction } from '../../test/control/call-action.ts';
import { createWorld, type World } from '../../test/control/world.ts';
import { DEFAULT_RESOURCE_GROUP_ID } from '../ecs/resource-groups.ts';

type Row = Record<string, unknown>;

const lists = {
  instance: { action: 'DescribeInstances', wrapper: 'Instances', item: 'Instance', id: 'InstanceId' },
  disk: { action: 'DescribeDisks', wrapper: 'Disks', item: 'Disk', id: 'DiskId' },
  snapshot: { action: 'DescribeSnapshots', wrapper: 'Snapshots', item: 'Snapshot', id: 'SnapshotId' },
  image: { action: 'DescribeImages', wrapper: 'Images', item: 'Image', id: 'ImageId' },
} as const;
type Kind = keyof typeof lists;

async function list(world: World, kind: Kind, parameters: Record<string, string> = {}): Promise<Row[]> {
  const { action, wrapper, item } = lists[kind];
  const answer = await callAction(world, action, { PageSize: '100', ...parameters });
  return (answer[wrapper] as Record<string, Row[]>)[item] ?? [];
}

async function idsIn(world: World, kind: Kind, ResourceGroupId: string): Promise<unknown[]> {
  return (await list(world, kind, { ResourceGroupId })).map((row) => row[lists[kind].id]);
}

/** One of each in the group; the instance has two disks. */
async function makeAll(world: World, ResourceGroupId: string) {
  const group = ResourceGroupId === '' ? {} : { ResourceGroupId };
  const run = await callAction(world, 'RunInstances', {
    ImageId: 'hupo_empty_20G',
    InstanceType: 'ecs.external.large',
    'DataDisk.1.Category': 'cloud_essd',
    'DataDisk.1.Size': '20',
    ...group,
  });
  const [instance = ''] = (run['InstanceIdSets'] as { InstanceIdSet: string[] }).InstanceIdSet;
  await world.settle();
  const disks = await list(world, 'disk', { InstanceId: instance });
  const ofType = (type: string) => String(disks.find((one) => one['Type'] === type)?.['DiskId']);
  const [systemDisk, dataDisk] = [ofType('system'), ofType('data')];
  const disk = String(
    (await callAction(world, 'CreateDisk', { ZoneId: 'cn-hangzhou-a', Size: '20', ...group }))['DiskId'],
  );
  const snapshot = String((await callAction(world, 'CreateSnapshot', { DiskId: dataDisk, ...group }))['SnapshotId']);
  await world.settle();
  const image = String((await callAction(world, 'CreateImage', { InstanceId: instance, ...group }))['ImageId']);
  await world.settle();
  return { instance, systemDisk, dataDisk, disk, snapshot, image };
}

test('what is made in a group is in it, with the disks and snapshots that are made with it; else in the default one', async (t) => {
  const world = await createWorld(t);
  const plain = await makeAll(world, '');
  const grouped = await makeAll(world, 'rg-team');
  for (const [made, group] of [
    [plain, DEFAULT_RESOURCE_GROUP_ID],
    [grouped, 'rg-team'],
  ] as const) {
    assert.deepEqual(await idsIn(world, 'instance', group), [made.instance]);
    assert.deepEqual(new Set(await idsIn(world, 'disk', group)), new Set([made.systemDisk, made.dataDisk, made.disk]));
    const snapshots = await idsIn(world, 'snapshot', group);
    assert.deepEqual([snapshots.length, snapshots.includes(made.snapshot)], [3, true]);
    assert.deepEqual(await idsIn(world, 'image', group), [made.image]);
    for (const kind of Object.keys(lists) as Kind[]) {
      for (const row of await list(world, kind, { ResourceGroupId: group }))
        assert.equal(row['ResourceGroupId'], group);
    }
    const interfaces = await callAction(world, 'DescribeNetworkInterfaces', { ResourceGroupId: group });
    const [one] = (interfaces['NetworkInterfaceSets'] as { NetworkInterfaceSet: Row[] }).NetworkInterfaceSet;
    assert.deepEqual([one?.['InstanceId'], one?.['ResourceGroupId']], [made.instance, group]);
  }
  const publicImage = (await list(world, 'image')).find((one) => one['ImageId'] === 'hupo_empty_20G');
  assert.equal(publicImage?.['ResourceGroupId'], '');
});

test('a resource joins another group, and the system disk of an instance with it', async (t) => {
  const world = await createWorld(t);
  const made = await makeAll(world, 'rg-team');
  for (const kind of ['disk', 'snapshot', 'image', 'instance'] as const) {
    const asked = { ResourceType: kind, ResourceId: made[kind], ResourceGroupId: 'rg-other' };
    await assert.rejects(callAction(world, 'JoinResourceGroup', { ...asked, DryRun: 'true' }), {
      code: 'DryRunOperation',
    });
    assert.deepEqual(await idsIn(world, kind, 'rg-other'), []);
    await callAction(world, 'JoinResourceGroup', asked);
    await callAction(world, 'JoinResourceGroup', asked);
    const expected = kind === 'instance' ? [made.instance] : [made[kind]];
    assert.deepEqual(await idsIn(world, kind, 'rg-other'), expected);
  }
  await world.restart();
  const disks = await idsIn(world, 'disk', 'rg-other');
  assert.deepEqual(new Set(disks), new Set([made.disk, made.systemDisk]));
  assert.deepEqual(await idsIn(world, 'disk', 'rg-team'), [made.dataDisk]);
});

test('only what is there and one’s own can join, and only a group', async (t) => {
  const world = await createWorld(t);
  const { instanceId } = await world.runOne();
  const asked = { ResourceType: 'instance', ResourceId: instanceId, ResourceGroupId: 'rg-team' };
  for (const [code, change] of [
    ['InvalidResourceType.NotFound', { ResourceType: 'moon' }],
    ['InvalidResourceId.NotFound', { ResourceType: 'disk' }],
    ['InvalidResourceId.NotFound', { ResourceType: 'securitygroup', ResourceId: 'sg-bp1default0000000000' }],
    ['InvalidResourceId.NotFound', { ResourceType: 'image', ResourceId: 'hupo_empty_20G' }],
    ['InvalidResourceGroup.NotFound', { ResourceGroupId: 'team' }],
  ] as const) {
    await assert.rejects(callAction(world, 'JoinResourceGroup', { ...asked, ...change }), { code });
  }
});

test('resources of a table without a tally are found by their group through an index, in the order of the lists', async (t) => {
  const world = await createWorld(t);
  for (const table of ['instances', 'images', 'snapshot_groups']) {
    const id = sql.ref(`${table.slice(0, -1)}_id`);
    const { rows } = await sql<{ detail: string }>`EXPLAIN QUERY PLAN SELECT * FROM ${sql.table(table)}
      WHERE resource_group_id = 'rg-team' ORDER BY created_at_ms DESC, ${id} DESC`.execute(world.catalog.queries);
    const plan = rows.map(({ detail }) => detail).join('\n');
    assert.match(plan, new RegExp(`${table}_by_resource_group \\(resource_group_id=\\?\\)`));
    assert.doesNotMatch(plan, /SCAN|TEMP B-TREE/);
  }
});
