/** Tests of the disk categories. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  defaultPerformanceLevel,
  findSizeRange,
  isKnownCategory,
  isOfferedCategory,
  leastSizeGib,
  offeredCategories,
} from './disk-categories.ts';

test('sizes depend on category, performance level and type', () => {
  assert.deepEqual(findSizeRange('cloud', null, 'data'), { leastGib: 5, mostGib: 2000 });
  assert.deepEqual(findSizeRange('cloud', null, 'system'), { leastGib: 20, mostGib: 500 });
  assert.deepEqual(findSizeRange('cloud_essd', 'PL3', 'data'), { leastGib: 1261, mostGib: 65536 });
  assert.equal(leastSizeGib('cloud_essd', 'PL0'), 1);
  assert.equal(leastSizeGib('cloud_essd', null), 20);
});

test('every offered category has ranges for both types', () => {
  for (const category of offeredCategories) {
    for (const type of ['data', 'system'] as const) {
      const range = findSizeRange(category, defaultPerformanceLevel(category), type);
      assert.ok(range !== null && range.leastGib < range.mostGib, `${category} ${type}`);
    }
  }
});

test('local and regional categories are known and not offered', () => {
  assert.ok(isKnownCategory('local_ssd_pro') && !isOfferedCategory('local_ssd_pro'));
  assert.equal(findSizeRange('local_ssd_pro', null, 'data'), null);
  assert.ok(!isKnownCategory('constructor'));
});
