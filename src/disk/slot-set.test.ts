import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { SEGMENT_SLOTS } from './slot-address.ts';
import { SlotSet } from './slot-set.ts';

test('a set of slots is a set of numbers', () => {
  const slot = fc.oneof(fc.nat(40), fc.nat(4 * SEGMENT_SLOTS));
  const property = fc.property(fc.array(fc.tuple(slot, fc.boolean()), { maxLength: 60 }), (steps) => {
    const set = new SlotSet();
    const model = new Set<number>();
    for (const [at, isAdded] of steps) {
      if (isAdded) assert.equal(set.add(at), !model.has(at));
      else assert.equal(set.delete(at), model.has(at));
      if (isAdded) model.add(at);
      else model.delete(at);
    }
    assert.equal(set.count, model.size);
    assert.deepEqual(new Set(set.list()), model);
    const ends = new Map<number, number>();
    for (const at of model) {
      const segment = Math.floor(at / SEGMENT_SLOTS);
      ends.set(segment, Math.max(ends.get(segment) ?? 0, at + 1));
    }
    assert.deepEqual(new Map(set.segmentEnds()), ends);
  });
  fc.assert(property, { numRuns: 200 });
});
