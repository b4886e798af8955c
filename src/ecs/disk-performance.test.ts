import assert from 'node:assert/strict';
import test from 'node:test';
import { offeredCategories } from './disk-categories.ts';
import { findDiskPerformance } from './disk-performance.ts';

/** Category, level, GiB → operations a second, MB/s. Ends of each formula, and one between. */
const rows: [string, string | null, number, number, number][] = [
  ['cloud', null, 40, 1000, 40],
  ['cloud_efficiency', null, 20, 1960, 103],
  ['cloud_efficiency', null, 32_768, 5000, 140],
  ['cloud_ssd', null, 40, 3000, 140],
  ['cloud_ssd', null, 32_768, 25_000, 300],
  ['cloud_essd', 'PL0', 40, 2280, 110],
  ['cloud_essd', 'PL0', 65_536, 10_000, 180],
  ['cloud_essd', 'PL1', 20, 2800, 130],
  ['cloud_essd', 'PL1', 461, 24_850, 350],
  ['cloud_essd', 'PL1', 65_536, 50_000, 350],
  ['cloud_essd', null, 20, 2800, 130],
  ['cloud_essd', 'PL2', 461, 24_850, 350.5],
  ['cloud_essd', 'PL2', 65_536, 100_000, 750],
  ['cloud_essd', 'PL3', 1261, 64_850, 750.5],
  ['cloud_essd', 'PL3', 65_536, 1_000_000, 4000],
  ['cloud_auto', null, 1, 3000, 125],
  ['cloud_auto', null, 100, 6800, 170],
  ['cloud_auto', null, 65_536, 50_000, 350],
  ['cloud_essd_entry', null, 10, 1880, 101.5],
  ['cloud_essd_entry', null, 32_768, 6000, 150],
];

test('a disk may do in a second what the documented formulas say', () => {
  for (const [category, performanceLevel, sizeGib, iops, megabytes] of rows) {
    const expected = { iops, bytesPerSecond: megabytes * 1_000_000 };
    const found = findDiskPerformance({ category, performanceLevel, sizeGib });
    assert.deepEqual(found, expected, `${category} ${performanceLevel} ${sizeGib}`);
  }
});

test('every category that is offered has its formulas, and others have none', () => {
  for (const category of offeredCategories) {
    assert.notEqual(findDiskPerformance({ category, performanceLevel: null, sizeGib: 100 }), null, category);
  }
  assert.equal(findDiskPerformance({ category: 'local_ssd_pro', performanceLevel: null, sizeGib: 100 }), null);
});
