/** The tables of the map file against a map of numbers. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { CorruptionError } from '../lib/errors.ts';
import type { BlockEntry } from './block-table.ts';
import { BlockTable, GROUP_BYTES, GROUP_ENTRIES, groupBytes, isEmptyGroup } from './block-table.ts';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const entry = fc
  .record({
    unit: fc.integer({ min: 0, max: 0xffff_fffe }),
    unitCount: fc.integer({ min: 1, max: 255 }),
    crc: u32,
    count: fc.integer({ min: 0, max: 0xff_ffff }),
    maxGeneration: u32,
  })
  .map((values): BlockEntry => ({ ...values }));
const index = fc.oneof(fc.nat(3), fc.nat(5 * GROUP_ENTRIES));
const changes = fc
  .array(fc.tuple(index, fc.option(entry)), { maxLength: 20 })
  .map((list) => new Map<number, BlockEntry | null>(list));

test('a table holds what was planned and installed, and is the same when its groups are read again', () => {
  const property = fc.property(fc.array(changes, { maxLength: 6 }), (rounds) => {
    const table = new BlockTable();
    const model = new Map<number, BlockEntry>();
    const stored = new Map<number, Buffer>();
    for (const round of rounds) {
      const before = [...table.list()];
      const planned = table.plan(round);
      assert.deepEqual([...table.list()], before, 'a plan changes nothing');
      for (const { index: number, words } of planned) {
        const isGone = isEmptyGroup(words);
        table.install(number, words, isGone ? null : { index: number, unit: number, crc: 1 });
        if (isGone) stored.delete(number);
        else stored.set(number, Buffer.from(groupBytes(words)));
      }
      for (const [at, value] of round) {
        if (value === null) model.delete(at);
        else model.set(at, value);
      }
    }
    const expected = [...model].sort(([a], [b]) => a - b);
    assert.deepEqual([...table.list()], expected);
    const read = new BlockTable();
    for (const place of table.listGroups()) read.adopt(place, stored.get(place.index)!);
    assert.deepEqual([...read.list()], expected);
    assert.deepEqual(read.listGroups(), table.listGroups());
    for (const [at] of expected) assert.deepEqual(read.find(at), model.get(at));
  });
  fc.assert(property, { numRuns: 200 });
});

test('a group that is cut short is damage', () => {
  const place = { index: 0, unit: 1, crc: 2 };
  assert.throws(() => new BlockTable().adopt(place, Buffer.alloc(GROUP_BYTES - 1)), CorruptionError);
});
