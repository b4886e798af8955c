/** What the collector plans: it returns what has newly died, and never touches more than it must. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { planCollect } from './plan-collect.ts';
import type { PackUsage } from './plan-collect.ts';

const packsArbitrary = fc
  .array(
    fc.record({ liveBytes: fc.oneof(fc.constant(0), fc.nat(1e7)), deadBytes: fc.oneof(fc.constant(0), fc.nat(1e7)) }),
  )
  .map((usages) => usages.map((usage, number): PackUsage => ({ packId: String(number), ...usage })));

test('a plan deletes what is all dead, leaves what is all live, and returns nine tenths of what newly died', () => {
  fc.assert(
    fc.property(packsArbitrary, fc.nat(2e7), (packs, toleratedBytes) => {
      const plan = planCollect(packs, toleratedBytes);
      const touched = new Set([...plan.deletes, ...plan.rewrites]);
      assert.equal(touched.size, plan.deletes.length + plan.rewrites.length, 'no pack twice');
      let foundBytes = 0;
      let leftBytes = 0;
      for (const { packId, liveBytes, deadBytes } of packs) {
        assert.equal(plan.deletes.includes(packId), liveBytes === 0);
        if (plan.rewrites.includes(packId)) assert.ok(liveBytes > 0 && deadBytes > 0);
        foundBytes += deadBytes;
        if (!touched.has(packId)) leftBytes += deadBytes;
      }
      assert.equal(plan.leftDeadBytes, leftBytes);
      const newBytes = foundBytes - toleratedBytes;
      if (newBytes > 0) assert.ok(leftBytes <= newBytes / 10);
      else assert.equal(plan.rewrites.length, 0);
    }),
  );
});

test('packs with the largest dead share are rewritten first, and no more than needed', () => {
  const packs = [
    { packId: 'mostly live', liveBytes: 990, deadBytes: 10 },
    { packId: 'mostly dead', liveBytes: 10, deadBytes: 990 },
  ];
  assert.deepEqual(planCollect(packs, 0), { deletes: [], rewrites: ['mostly dead'], leftDeadBytes: 10 });
});

test('a small deletion after a large one that left something still returns its space', () => {
  const packs = [
    { packId: 'left before', liveBytes: 90_000, deadBytes: 10_000 },
    { packId: 'new', liveBytes: 900, deadBytes: 100 },
  ];
  assert.equal(planCollect(packs, 10_000).leftDeadBytes, 0);
});
