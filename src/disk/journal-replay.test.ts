/** Which records count, and what is damage. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { CorruptionError } from '../lib/errors.ts';
import { AFTER_CHECKPOINT } from './journal-record.ts';
import type { JournalRecord } from './journal-record.ts';
import { planRepair, planReplay } from './journal-replay.ts';
import type { JournalScan } from './journal-replay.ts';

const data = (chunk: number): JournalRecord => ({ type: 'data', chunk, slot: chunk, generation: 1, mask: 0xffff });
const marker = (covers: number): JournalRecord => ({ type: 'marker', covers });

function scan(number: number, records: (JournalRecord | undefined)[], previousCount = AFTER_CHECKPOINT): JournalScan {
  return { number, header: { number, previousCount, bootId: 'this', diskId: 'd-a' }, records };
}

test('on the same boot every whole record counts', () => {
  const replay = planReplay('/d', 1, [scan(1, [data(1), marker(1), data(2)])], 'this');
  assert.deepEqual(replay, {
    records: [data(1), marker(1), data(2)],
    numbers: [1],
    lastCount: 3,
    isResumable: true,
  });
});

test('on another boot only what the last marker covers counts', () => {
  const replay = planReplay('/d', 1, [scan(1, [data(1), data(2), marker(1), undefined, data(3)])], 'other');
  assert.deepEqual(replay.records, [data(1)]);
  assert.equal(replay.isResumable, false);
});

test('on another boot nothing counts without a marker', () => {
  assert.deepEqual(planReplay('/d', 1, [scan(1, [data(1), data(2)])], 'other').records, []);
});

test('after a failed sync this boot counts no more than another', () => {
  assert.deepEqual(planReplay('/d', 1, [scan(1, [data(1), marker(1), data(2)])], null).records, [data(1)]);
});

test('a bad record before a whole one is damage on the same boot, and names file and offset', () => {
  const replay = () => planReplay('/d', 1, [scan(1, [data(1), undefined, data(3)])], 'this');
  assert.throws(replay, (error) => error instanceof CorruptionError && /journal-1 at byte 576/.test(error.where));
});

test('a bad record that a marker covers is damage on any boot', () => {
  const scans = [scan(1, [data(1), undefined, marker(2)])];
  assert.throws(() => planReplay('/d', 1, scans, 'other'), CorruptionError);
});

test('a marker of a later journal covers all earlier ones', () => {
  const scans = [scan(1, [data(1), data(2)]), scan(2, [data(3), marker(1), data(4)], 2)];
  assert.deepEqual(planReplay('/d', 1, scans, 'other').records, [data(1), data(2), data(3)]);
  const damaged = [scan(1, [data(1)]), scans[1]!];
  assert.throws(() => planReplay('/d', 1, damaged, 'other'), CorruptionError);
  assert.throws(() => planReplay('/d', 1, damaged, 'this'), CorruptionError);
});

test('a journal that a crash left without header or records is no part of the chain', () => {
  const leftover: JournalScan = { number: 2, header: undefined, records: [] };
  assert.deepEqual(planReplay('/d', 1, [scan(1, [data(1)]), leftover], 'this').numbers, [1]);
});

test('a missing journal is damage', () => {
  assert.throws(() => planReplay('/d', 1, [], 'this'), /journal-1 .* missing/);
  assert.throws(() => planReplay('/d', 1, [scan(1, []), scan(3, [marker(0)], 0)], 'this'), /journal-2 .* missing/);
});

test('a damaged header is damage where records depend on it', () => {
  const headless: JournalScan = { number: 2, header: undefined, records: [data(2)] };
  assert.throws(() => planReplay('/d', 1, [{ ...headless, number: 1 }], 'this'), CorruptionError);
  assert.throws(() => planReplay('/d', 1, [scan(1, [data(1)]), headless], 'this'), CorruptionError);
  const marked = { ...headless, records: [data(2), marker(1)] };
  assert.throws(() => planReplay('/d', 1, [scan(1, [data(1)]), marked], 'other'), CorruptionError);
});

test('a repair keeps the records before the first damage', () => {
  const scans = [scan(1, [data(1), data(2)]), scan(2, [data(3), undefined, data(5)], 2)];
  assert.deepEqual(planRepair(1, scans, 'this'), [data(1), data(2), data(3)]);
});

test('a repair on another boot keeps only what a marker before the damage covers', () => {
  const scans = [scan(1, [data(1), data(2)]), scan(2, [data(3), marker(1), data(4), undefined, marker(3)], 2)];
  assert.deepEqual(planRepair(1, scans, 'other'), [data(1), data(2), data(3)]);
  assert.deepEqual(planRepair(1, [scan(1, [data(1), undefined])], 'other'), []);
});

test('a chain of hundreds of thousands of records is replayed', () => {
  const many = Array.from({ length: 300_000 }, () => data(1));
  assert.equal(planReplay('/d', 1, [scan(1, many)], 'this').records.length, many.length);
  assert.equal(planReplay('/d', 1, [scan(1, [...many, marker(many.length)])], 'other').records.length, many.length);
});
