/** The allocator against a set of numbers. */
import test from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CorruptionError } from '../lib/errors.ts';
import { SEGMENT_SLOTS } from './slot-address.ts';
import type { BitmapSource, SegmentCapture } from './slot-allocator.ts';
import { BITMAP_WORDS, SlotAllocator } from './slot-allocator.ts';

const NO_BITMAPS: BitmapSource = { list: () => [], load: () => new Uint32Array(BITMAP_WORDS) };

/** What a checkpoint holds, and how often a bitmap of it was read. */
class Stored implements BitmapSource {
  readonly bitmaps = new Map<number, SegmentCapture>();
  loadCount = 0;

  keep(captures: readonly SegmentCapture[]): void {
    for (const capture of captures) {
      if (capture.takenCount === 0) this.bitmaps.delete(capture.segment);
      else this.bitmaps.set(capture.segment, capture);
    }
  }

  *list(): Generator<[number, number]> {
    for (const { segment, takenCount } of this.bitmaps.values()) yield [segment, takenCount];
  }

  load(segment: number): Uint32Array {
    this.loadCount++;
    return this.bitmaps.get(segment)!.taken.slice();
  }
}

type Step = { kind: 'take' } | { kind: 'reopen' } | { kind: 'startFreeing' | 'endFreeing' | 'giveBack'; which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('take' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constantFrom('startFreeing', 'endFreeing', 'giveBack'), which: fc.nat(70) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);

function nth(set: ReadonlySet<number>, which: number): number | undefined {
  return [...set][which % Math.max(1, set.size)];
}

test('the lowest free slot is given, whatever was taken, freed, or stored and read again', () => {
  const property = fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
    const stored = new Stored();
    let allocator = new SlotAllocator(stored);
    const taken = new Set<number>();
    const freeing = new Set<number>();
    for (const asked of steps) {
      if (asked.kind === 'take') {
        let lowest = 0;
        while (taken.has(lowest) || freeing.has(lowest)) lowest++;
        assert.equal(allocator.lowestFree(), lowest);
        assert.equal(allocator.take(lowest), true);
        assert.equal(allocator.take(lowest), false);
        taken.add(lowest);
      } else if (asked.kind === 'reopen') {
        stored.keep(allocator.captureChanges());
        allocator = new SlotAllocator(stored);
        freeing.clear();
      } else {
        const slot = nth(asked.kind === 'endFreeing' ? freeing : taken, asked.which);
        if (slot === undefined) continue;
        taken.delete(slot);
        freeing.delete(slot);
        if (asked.kind === 'startFreeing') {
          allocator.startFreeing([slot]);
          freeing.add(slot);
        } else allocator.free(slot);
      }
      assert.deepEqual([allocator.takenCount, allocator.freeingCount], [taken.size + freeing.size, freeing.size]);
    }
    for (let slot = 0; slot < 160; slot++) assert.equal(allocator.isTaken(slot), taken.has(slot), `slot ${slot}`);
    assert.equal(allocator.endOf(0), Math.max(-1, ...taken, ...freeing) + 1);
  });
  fc.assert(property, { numRuns: 300 });
});

test('a slot that is being freed counts as free in a checkpoint, and may be taken by a replay', () => {
  const stored = new Stored();
  const allocator = new SlotAllocator(stored);
  for (const slot of [0, 1, 2]) allocator.take(slot);
  allocator.startFreeing([1]);
  assert.equal(allocator.lowestFree(), 3);
  stored.keep(allocator.captureChanges());
  assert.equal(new SlotAllocator(stored).lowestFree(), 1);
  assert.equal(allocator.take(1), true);
  assert.equal(allocator.freeingCount, 0);
  assert.equal(allocator.take(1), false);
  stored.keep(allocator.captureChanges());
  assert.equal(new SlotAllocator(stored).lowestFree(), 3);
});

test('a bitmap is read when it is first needed, and captured only when it changed', () => {
  const stored = new Stored();
  const first = new SlotAllocator(stored);
  for (const slot of [0, SEGMENT_SLOTS, 5 * SEGMENT_SLOTS]) first.take(slot);
  stored.keep(first.captureChanges());
  const allocator = new SlotAllocator(stored);
  assert.deepEqual([allocator.takenCount, allocator.takenIn(5), stored.loadCount], [3, 1, 0]);
  allocator.take(allocator.lowestFree());
  assert.equal(stored.loadCount, 1);
  const captures = allocator.captureChanges();
  assert.deepEqual(
    captures.map(({ segment, takenCount }) => [segment, takenCount]),
    [[0, 2]],
  );
  assert.deepEqual(allocator.captureChanges(), []);
  allocator.recapture(captures);
  assert.equal(allocator.captureChanges().length, 1);
});

test('a full segment is passed over until one of its slots is free', () => {
  const allocator = new SlotAllocator(NO_BITMAPS);
  for (let slot = 0; slot < SEGMENT_SLOTS; slot++) allocator.take(allocator.lowestFree());
  assert.equal(allocator.lowestFree(), SEGMENT_SLOTS);
  allocator.free(77);
  assert.equal(allocator.lowestFree(), 77);
});

test('a slot is virgin until it is taken, and again when its segment was cut before it', () => {
  const allocator = new SlotAllocator(NO_BITMAPS);
  assert.equal(allocator.isVirgin(3), true);
  for (const slot of [0, 1, 2, 3]) allocator.take(slot);
  for (const slot of [1, 2, 3]) allocator.free(slot);
  assert.equal(allocator.isVirgin(1), false);
  assert.equal(allocator.isVirgin(4), true);
  assert.deepEqual(allocator.freeRuns(0), [[1, 3]]);
  allocator.noteCut(0);
  assert.equal(allocator.isVirgin(1), true);
});

test('where a bitmap is damaged nothing more is taken or given back, and the checkpoint keeps it as it is', () => {
  const stored = new Stored();
  const first = new SlotAllocator(stored);
  for (const slot of [0, 1]) first.take(slot);
  stored.keep(first.captureChanges());
  const allocator = new SlotAllocator({
    list: () => stored.list(),
    load: () => {
      throw new CorruptionError('the map', 'a bitmap');
    },
  });
  assert.equal(allocator.lowestFree(), SEGMENT_SLOTS);
  assert.equal(allocator.take(SEGMENT_SLOTS), true);
  assert.equal(allocator.take(7), true, 'a record of the journal took it');
  allocator.startFreeing([0, 1]);
  for (const slot of [0, 1]) allocator.free(slot);
  assert.equal(allocator.takenIn(0), 2, 'it would be removed');
  assert.equal(allocator.lowestFree(), SEGMENT_SLOTS + 1);
  assert.deepEqual(
    allocator.captureChanges().map(({ segment }) => segment),
    [1],
  );
});

test('a segment whose file is damaged is not taken from', () => {
  const allocator = new SlotAllocator(NO_BITMAPS);
  allocator.take(0);
  allocator.avoid(0);
  assert.equal(allocator.lowestFree(), SEGMENT_SLOTS);
  allocator.free(0);
  assert.equal(allocator.lowestFree(), SEGMENT_SLOTS);
});
