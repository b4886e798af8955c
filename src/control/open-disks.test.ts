import assert from 'node:assert/strict';
import test from 'node:test';
import { callAction, itemsOf } from '../../test/control/call-action.ts';
import { checked, createWorld, dataDisk, runRequest } from '../../test/control/world.ts';

test('disks are as fast as they can be, unless the server limits them', async (t) => {
  const world = await createWorld(t);
  const { diskId, instanceId } = await world.runOne();
  const disk = world.diskd.disks.get(diskId);
  assert.equal(disk?.limits, null);
  assert.equal((await world.disk(diskId))?.performance, null);
  world.limitsDisks = true;
  await world.restart();
  const limits = { iops: 2800, bytesPerSecond: 130_000_000 };
  assert.deepEqual(disk.limits, limits, 'those that are open already too');
  assert.deepEqual((await world.disk(diskId))?.performance, limits);
  const [shown] = itemsOf(await callAction(world, 'DescribeDisks', { DiskIds: `["${diskId}"]` }), 'Disks', 'Disk');
  assert.deepEqual([shown?.['IOPS'], shown?.['IOPSRead'], shown?.['Throughput']], [2800, 2800, 130]);
  await world.control.resizeDisk({ diskId, sizeGib: 100, online: true });
  assert.deepEqual(disk.limits, { iops: 6800, bytesPerSecond: 170_000_000 }, 'a disk that grew does more');
  world.limitsDisks = false;
  await world.restart();
  assert.equal(disk.limits, null);
  await world.power('stop', instanceId);
  await checked(world);
});

test('each disk is limited as its category and performance level say', async (t) => {
  const world = await createWorld(t);
  world.limitsDisks = true;
  await world.restart();
  const kinds = [
    { category: 'cloud_essd', performanceLevel: 'PL0' },
    { category: 'cloud_efficiency', performanceLevel: null },
  ];
  const disks = kinds.map((kind) => dataDisk({ ...kind, sizeGib: 40 }));
  await world.control.runInstances(runRequest({ dataDisks: disks }));
  await checked(world);
  const limits = [...world.diskd.disks.values()].map((disk) => disk.limits?.iops ?? 0).toSorted((a, b) => a - b);
  assert.deepEqual(limits, [2120, 2280, 3800], 'the system disk is a PL1 of 40 GiB');
});
