/** Tests of percent-encoding. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { decodePairs, percentEncode } from './percent.ts';

test('only letters, digits and - _ . ~ stay as they are', () => {
  assert.equal(percentEncode("aZ09-_.~ *!'()+测"), 'aZ09-_.~%20%2A%21%27%28%29%2B%E6%B5%8B');
});

test('plus and %20 are both a space, blanks stay, raw characters are taken as they are', () => {
  assert.deepEqual(decodePairs('a=1+2&b=1%202&c=&d&e=*!&&f=%2B'), [
    ['a', '1 2'],
    ['b', '1 2'],
    ['c', ''],
    ['d', ''],
    ['e', '*!'],
    ['f', '+'],
  ]);
  assert.deepEqual(decodePairs(Buffer.from('k=测').toString('latin1')), [['k', '测']]);
});

test('what is encoded decodes to the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      fc.pre(value.isWellFormed());
      assert.deepEqual(decodePairs(`k=${percentEncode(value)}`), [['k', value]]);
    }),
  );
});

test('broken encoding and floods of parameters are refused', () => {
  for (const raw of ['a=%', 'a=%zz', 'a=%E6%B5', 'a=\xff']) {
    assert.throws(() => decodePairs(raw), { name: 'RequestError', code: 'InvalidParameter' }, raw);
  }
  assert.throws(() => decodePairs('a&'.repeat(3000)), { code: 'InvalidParameter' });
});
