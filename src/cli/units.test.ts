import test from 'node:test';
import assert from 'node:assert/strict';
import { formatBytes, formatDuration, formatRate, formatWait } from './units.ts';

test('sizes have three digits and a binary unit', () => {
  const cases: [number, string][] = [
    [0, '0 B'],
    [512, '512 B'],
    [1024, '1 KiB'],
    [1536, '1.50 KiB'],
    [87_451_238, '83.4 MiB'],
    [20 * 1024 ** 3, '20 GiB'],
    [300.4 * 1024 ** 2, '300 MiB'],
  ];
  for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
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
