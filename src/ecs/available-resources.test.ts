/** Tests of what can be made in a zone: what is listed can be made, in the sizes that are listed. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { destinations, listAvailable } from './available-resources.ts';
import { findSizeRange, offeredCategories, performanceLevels } from './disk-categories.ts';

const anything = {
  instanceType: null,
  cpuCount: null,
  memoryGib: null,
  systemDiskCategory: null,
  dataDiskCategory: null,
};
const values = (...asked: Parameters<typeof listAvailable>) => listAvailable(...asked).map(({ value }) => value);

test('each kind of thing has its values', () => {
  const found = destinations.map((destination) => values(destination, 'z-a', anything));
  const types = ['ecs.external.large', 'ecs.external.xlarge'];
  const disks = [...offeredCategories];
  assert.deepEqual(found, [['z-a'], ['optimized'], types, ['vpc'], [], disks, disks]);
});

test('what is wanted beside it narrows, or leaves nothing', () => {
  assert.deepEqual(values('InstanceType', 'z-a', { ...anything, cpuCount: 4 }), ['ecs.external.xlarge']);
  assert.deepEqual(values('InstanceType', 'z-a', { ...anything, memoryGib: 8 }), ['ecs.external.large']);
  assert.deepEqual(values('DataDisk', 'z-a', { ...anything, dataDiskCategory: 'cloud_ssd' }), ['cloud_ssd']);
  for (const wanted of [
    { instanceType: 'ecs.g6.large' },
    { dataDiskCategory: 'tape' },
    { systemDiskCategory: 'tape' },
  ]) {
    for (const destination of destinations)
      assert.deepEqual(values(destination, 'z-a', { ...anything, ...wanted }), []);
  }
});

test('the sizes of a category are the least and the most that a disk of it can have', () => {
  for (const [destination, type] of [
    ['DataDisk', 'data'],
    ['SystemDisk', 'system'],
  ] as const) {
    for (const { value, sizes } of listAvailable(destination, 'z-a', anything)) {
      const ranges = [null, ...performanceLevels].flatMap((level) => findSizeRange(value, level, type) ?? []);
      assert.ok(sizes);
      assert.equal(sizes.leastGib, Math.min(...ranges.map(({ leastGib }) => leastGib)), value);
      assert.equal(sizes.mostGib, Math.max(...ranges.map(({ mostGib }) => mostGib)), value);
    }
  }
});
