/** A tag in an address comes back as it was, whatever its key is. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { formatTagFilter, parseTagFilter } from '../../console/src/lists/tag-filter.ts';

test('what is typed is a key, or a key and a value', () => {
  assert.deepEqual(parseTagFilter('team'), { key: 'team', value: '' });
  assert.deepEqual(parseTagFilter('team=a=b'), { key: 'team', value: 'a=b' });
  assert.deepEqual(parseTagFilter(String.raw`C:\temp=1`), { key: String.raw`C:\temp`, value: '1' });
});

test('every key and value comes back', () => {
  const text = fc.string({ unit: fc.constantFrom('=', '\\', 'a', '\n', '<') });
  fc.assert(
    fc.property(fc.oneof(text, fc.string()), fc.oneof(text, fc.string()), (key, value) => {
      assert.deepEqual(parseTagFilter(formatTagFilter({ key, value })), { key, value });
    }),
  );
});
