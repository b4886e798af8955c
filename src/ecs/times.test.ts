/** Tests of the time formats. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { formatMinute, formatSecond, parseMinute, parseSecond } from './times.ts';

test('times have seconds or minutes, UTC and no fraction', () => {
  const timeMs = Date.UTC(2026, 10, 22, 3, 4, 5, 678);
  assert.equal(formatSecond(timeMs), '2026-11-22T03:04:05Z');
  assert.equal(formatMinute(timeMs), '2026-11-22T03:04Z');
});

test('what is formatted parses to the same second or minute', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Date.UTC(2999, 0) }), (timeMs) => {
      assert.equal(parseSecond(formatSecond(timeMs)), timeMs - (timeMs % 1000));
      assert.equal(parseMinute(formatMinute(timeMs)), timeMs - (timeMs % 60_000));
    }),
  );
});

test('other formats and dates that do not exist are refused', () => {
  for (const text of [
    '',
    '2026-02-30T00:00:00Z',
    '2026-11-22T25:00:00Z',
    '2026-11-22T03:04:05.1Z',
    '2026-11-22 03:04:05',
  ]) {
    assert.equal(parseSecond(text), null, text);
  }
  assert.equal(parseMinute('2026-11-22T03:04:05Z'), null);
});
