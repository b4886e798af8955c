import assert from 'node:assert/strict';
import test from 'node:test';
import { parseSize } from './size-option.ts';

test('a size is bytes, or a number with a unit of 1024', () => {
  const sizes: [string, number][] = [
    ['0', 0],
    ['4096', 4096],
    ['4096B', 4096],
    ['512MiB', 512 * 1024 ** 2],
    ['1.5GiB', 1.5 * 1024 ** 3],
    ['2g', 2 * 1024 ** 3],
    ['2 TiB', 2 * 1024 ** 4],
  ];
  for (const [text, bytes] of sizes) assert.equal(parseSize('--reserve', text), bytes, text);
  assert.equal(parseSize('--reserve', undefined), null);
});

test('anything else is told', () => {
  for (const text of ['', 'GiB', '-1', '1 GB/s', '5%', '1e9', '9999999PiB']) {
    assert.throws(() => parseSize('--reserve', text), /--reserve .* is not a size, as in 512MiB/, text);
  }
});
