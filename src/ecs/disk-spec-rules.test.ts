/** What a disk can become, by category, performance level and size (`ecs-api.md` 2.3, 3.5). */
import assert from 'node:assert/strict';
import test from 'node:test';
import { refuseModifyDiskSpec, planDiskSpec } from './disk-spec-rules.ts';
import type { DiskSpec, WantedSpec } from './disk-spec-rules.ts';
import type { DiskType } from './resources.ts';
import type { DiskFacts } from './states.ts';

const disk: DiskFacts = {
  ...{ diskId: 'd-1', status: 'Available', instanceId: null, zoneId: 'z' },
  ...{ everAttached: true, beganEmpty: true },
};

const essd = (performanceLevel: string): DiskSpec => ({ category: 'cloud_essd', performanceLevel });
const plain = (category: string): DiskSpec => ({ category, performanceLevel: null });

function codeOf(present: DiskSpec, wanted: Partial<WantedSpec>, sizeGib = 100, type: DiskType = 'data') {
  const facts = { disk, instance: null, unfinished: null, size: { sizeGib, type }, present };
  return (
    refuseModifyDiskSpec({ ...facts, wanted: { category: null, performanceLevel: null, ...wanted } })?.code ?? null
  );
}

test('every category but basic becomes every other whose sizes the disk fits', () => {
  const all = ['cloud_efficiency', 'cloud_ssd', 'cloud_essd', 'cloud_auto', 'cloud_essd_entry'];
  for (const from of all) {
    const present = from === 'cloud_essd' ? essd('PL1') : plain(from);
    for (const category of all.filter((one) => one !== from)) assert.equal(codeOf(present, { category }), null);
  }
  assert.equal(codeOf(plain('cloud'), { category: 'cloud_ssd' }), 'InvalidDiskCategory.NotSupported');
  assert.equal(codeOf(plain('cloud_ssd'), { category: 'cloud' }), 'InvalidDiskCategory.ValueNotSupported');
  assert.equal(codeOf(plain('cloud_ssd'), { category: 'ephemeral_ssd' }), 'InvalidDiskCategory.NotSupported');
});

test('a disk keeps its size: a category that has no such disks is refused', () => {
  assert.equal(codeOf(plain('cloud_auto'), { category: 'cloud_ssd' }, 40_000), 'InvalidDiskCategory.NotSupported');
  assert.equal(codeOf(plain('cloud_auto'), { category: 'cloud_ssd' }, 19), 'InvalidDiskCategory.NotSupported');
  assert.equal(codeOf(plain('cloud_auto'), { category: 'cloud_essd' }, 19), 'OperationDenied.PerformanceLevelNotMatch');
  assert.equal(codeOf(plain('cloud_auto'), { category: 'cloud_essd', performanceLevel: 'PL0' }, 19), null);
  assert.equal(codeOf(plain('cloud_auto'), { category: 'cloud_essd_entry' }, 19, 'data'), null);
  assert.equal(
    codeOf(plain('cloud_auto'), { category: 'cloud_essd_entry' }, 19, 'system'),
    'InvalidDiskCategory.NotSupported',
  );
});

test('a performance level needs its size, goes up and down, and never down to PL0', () => {
  assert.equal(codeOf(essd('PL1'), { performanceLevel: 'PL2' }, 460), 'OperationDenied.PerformanceLevelNotMatch');
  assert.equal(codeOf(essd('PL1'), { performanceLevel: 'PL2' }, 461), null);
  assert.equal(codeOf(essd('PL1'), { performanceLevel: 'PL3' }, 1260), 'OperationDenied.PerformanceLevelNotMatch');
  assert.equal(codeOf(essd('PL3'), { performanceLevel: 'PL1' }, 1261), null);
  assert.equal(codeOf(essd('PL1'), { performanceLevel: 'PL0' }), 'InvalidPerformanceLevel.TooLow');
  assert.equal(codeOf(essd('PL1'), { performanceLevel: 'PL1' }), 'NoChangeInDiskCategoryAndPerformanceLevel');
  assert.equal(codeOf(essd('PL2'), { category: 'cloud_essd' }, 500), 'NoChangeInDiskCategoryAndPerformanceLevel');
  assert.deepEqual(planDiskSpec(essd('PL2'), { category: 'cloud_ssd', performanceLevel: null }), plain('cloud_ssd'));
  assert.deepEqual(planDiskSpec(plain('cloud_ssd'), { category: 'cloud_essd', performanceLevel: null }), essd('PL1'));
});
