import test from 'node:test';
import assert from 'node:assert/strict';
import { formatBytes } from './byte-units.ts';

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
});
