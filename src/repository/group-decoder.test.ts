/** Groups expanded into given memory: the same bytes as were compressed or a refusal, whatever came before. */
import assert from 'node:assert/strict';
import test from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { CODEC_STORED, CODEC_ZSTD } from './compression.ts';
import { GroupDecoder } from './group-decoder.ts';

/** Bytes that compress, more or less. */
const plainBytes = fc
  .tuple(fc.uint8Array({ minLength: 2, maxLength: 2000 }), fc.integer({ min: 1, max: 200 }))
  .map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes)));

/** What is stored, and how it is spoilt: at a place, by a number of bytes that are missing, or in that there is other room. */
const group = fc.record({
  plain: plainBytes,
  codec: fc.constantFrom(CODEC_STORED, CODEC_ZSTD),
  flipAt: fc.option(fc.nat(), { nil: undefined, freq: 3 }),
  missing: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 20 }) },
  ),
  moreRoom: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -1, max: 1 }) },
  ),
});

for (const usesCoder of [true, false]) {
  const way = usesCoder ? 'the fast way' : 'the slow way';

  test(`good groups are expanded and short ones refused, one after another, ${way}`, () => {
    const property = fc.property(fc.array(group, { minLength: 1, maxLength: 8 }), (groups) => {
      const decoder = new GroupDecoder(usesCoder);
      for (const { plain, codec, flipAt, missing, moreRoom } of groups) {
        const bytes = Buffer.from(codec === CODEC_ZSTD ? zlib.zstdCompressSync(plain) : plain);
        if (flipAt !== undefined) bytes[flipAt % bytes.length] = bytes.readUInt8(flipAt % bytes.length) ^ 1;
        const stored = { codec, bytes: bytes.subarray(0, Math.max(0, bytes.length - missing)) };
        const target = Buffer.alloc(plain.length + moreRoom);
        const isExpanded = decoder.expand(stored, target);
        // Whoever asks compares digests.
        if (flipAt !== undefined || (missing > 0 && moreRoom < 0)) continue;
        const fits = codec === CODEC_ZSTD ? missing === 0 && moreRoom === 0 : stored.bytes.length === target.length;
        assert.equal(isExpanded, fits);
        if (isExpanded) assert.ok(target.equals(plain.subarray(0, target.length)));
      }
      decoder.close();
    });
    fc.assert(property, { numRuns: 200 });
  });

  test(`a codec of a newer version is refused by name, ${way}`, () => {
    const decoder = new GroupDecoder(usesCoder);
    assert.throws(() => decoder.expand({ codec: 9, bytes: Buffer.alloc(1) }, Buffer.alloc(1)), /use a newer one/);
  });
}
