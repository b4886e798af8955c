import test from 'node:test';
import assert from 'node:assert/strict';
import { formatDuration, formatRate, formatWait } from './units.ts';

test('a rate is a size a second', () => {
  assert.equal(formatRate(1024 ** 2, 500), '2 MiB/s');
});

test('times use the unit that fits', () => {
  const cases: [number, string][] = [
    [0.4, '0 ms'],
    [12, '12 ms'],
    [1440, '1.4 s'],
    [125_000, '2 min 05 s'],
    [3_720_000, '1 h 02 min'],
  ];
  for (const [ms, text] of cases) assert.equal(formatDuration(ms), text);
});

test('a time that is only about right has no tenths', () => {
  const cases: [number, string][] = [
    [400, '0 s'],
    [18_000, '18 s'],
    [99_400, '99 s'],
    [125_000, '2 min 05 s'],
  ];
  for (const [ms, text] of cases) assert.equal(formatWait(ms), text);
});
