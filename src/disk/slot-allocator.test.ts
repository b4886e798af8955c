/** The allocator against a set of numbers. */
import test from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SlotAllocator } from './slot-allocator.ts';
import { SEGMENT_SLOTS } from './slot-address.ts';

test('the lowest free slot is given, whatever was taken and freed', () => {
  const steps = fc.array(fc.option(fc.nat(70)), { maxLength: 200 });
  const property = fc.property(steps, (choices) => {
    const allocator = new SlotAllocator();
    const taken = new Set<number>();
    for (const choice of choices) {
      const victim = choice === null ? undefined : [...taken][choice % Math.max(1, taken.size)];
      if (victim !== undefined) {
        allocator.free(victim);
        taken.delete(victim);
        continue;
      }
      let lowest = 0;
      while (taken.has(lowest)) lowest++;
      assert.equal(allocator.lowestFree(), lowest);
      assert.equal(allocator.take(lowest), true);
      assert.equal(allocator.take(lowest), false);
      taken.add(lowest);
    }
    assert.equal(allocator.endOf(0), taken.size === 0 ? 0 : Math.max(...taken) + 1);
  });
  fc.assert(property, { numRuns: 200 });
});

test('a full segment is passed over until one of its slots is free', () => {
  const allocator = new SlotAllocator();
  for (let slot = 0; slot < SEGMENT_SLOTS; slot++) allocator.take(allocator.lowestFree());
  assert.equal(allocator.lowestFree(), SEGMENT_SLOTS);
  allocator.free(77);
  assert.equal(allocator.lowestFree(), 77);
});

test('a slot is virgin until it is taken, and again when its segment was cut before it', () => {
  const allocator = new SlotAllocator();
  assert.equal(allocator.isVirgin(3), true);
  for (const slot of [0, 1, 2, 3]) allocator.take(slot);
  for (const slot of [1, 2, 3]) allocator.free(slot);
  assert.equal(allocator.isVirgin(1), false);
  assert.equal(allocator.isVirgin(4), true);
  allocator.noteCut(0);
  assert.equal(allocator.isVirgin(1), true);
});
