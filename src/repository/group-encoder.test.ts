/** Groups compressed into memory that is used again: frames that anybody can expand, the same as Node itself makes. */
import assert from 'node:assert/strict';
import test from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { GROUP_PARAMS, GroupEncoder } from './group-encoder.ts';

/** Bytes that compress, more or less. */
const plainBytes = fc
  .tuple(fc.uint8Array({ minLength: 1, maxLength: 3000 }), fc.integer({ min: 1, max: 200 }))
  .map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes)));

for (const usesCoder of [true, false]) {
  test(`groups one after another are what zlib makes of each, the ${usesCoder ? 'fast' : 'slow'} way`, () => {
    const property = fc.property(fc.array(plainBytes, { minLength: 1, maxLength: 8 }), (groups) => {
      const encoder = new GroupEncoder(usesCoder);
      for (const plain of groups) {
        const frame = encoder.encode(plain);
        const expected = zlib.zstdCompressSync(plain, { params: GROUP_PARAMS, chunkSize: 2 ** 20 });
        if (frame === undefined) assert.ok(expected.length >= plain.length);
        else assert.ok(frame.equals(expected) && frame.length < plain.length);
      }
      encoder.close();
    });
    fc.assert(property, { numRuns: 200 });
  });
}

test('an encoder that was closed begins anew', () => {
  const encoder = new GroupEncoder();
  const plain = Buffer.alloc(5000, 'again ');
  const first = Buffer.from(encoder.encode(plain) ?? []);
  encoder.close();
  assert.deepEqual(encoder.encode(plain), first);
  assert.ok(zlib.zstdDecompressSync(first).equals(plain));
  encoder.close();
});
