/** One coder for many groups; what it makes of them is in the tests of those who have it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import zlib from 'node:zlib';
import { UNUSED_BYTES, ZstdCoder } from './zstd-coder.ts';

const coders = {
  uploads: () => zlib.createZstdCompress({ chunkSize: UNUSED_BYTES }),
  restores: () => zlib.createZstdDecompress({ chunkSize: UNUSED_BYTES }),
};

for (const [who, makeStream] of Object.entries(coders)) {
  test(`this Node has what the fast way of ${who} needs`, () => {
    const coder = new ZstdCoder(makeStream);
    const stored = zlib.zstdCompressSync(Buffer.alloc(1000));
    assert.notEqual(
      coder.code(stored, Buffer.alloc(2000)),
      undefined,
      `zlib streams of this Node are made otherwise: ${who} are slower`,
    );
    coder.close();
  });
}
