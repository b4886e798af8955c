/** Groups compressed on the thread pool: one frame each, whatever their lengths. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import zlib from 'node:zlib';
import { CODEC_STORED, CODEC_ZSTD } from './compression.ts';
import { GroupDecoder } from './group-decoder.ts';
import { DENSE_PARAMS, PoolCompressor } from './pool-compressor.ts';
import { seededRandom } from '../../test/support/repositories.ts';

/** What Node's compressors write into unless told otherwise. */
const NODE_BUFFER_BYTES = 16 * 1024;

/** Text whose frame is about so many bytes: each further letter makes it longer by at most one. */
function* textsAbout(frameBytes: number): Generator<Buffer> {
  let text = '';
  for (let i = 0; text.length < 2 * frameBytes; i++) text += createHash('sha256').update(`${i}`).digest('base64url');
  const lengthOf = (count: number) => zlib.zstdCompressSync(text.slice(0, count), { chunkSize: 2 ** 20 }).length;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lengthOf(middle) < frameBytes) low = middle + 1;
    else high = middle;
  }
  for (let count = low - 60; count < low + 60; count++) yield Buffer.from(text.slice(0, count));
}

test('a frame is one frame, also where it fills a buffer of Node to the end', async () => {
  const decoder = new GroupDecoder();
  const lengths = new Set<number>();
  for (const params of [undefined, DENSE_PARAMS]) {
    const compressor = new PoolCompressor(params);
    for (const plain of textsAbout(NODE_BUFFER_BYTES)) {
      const { codec, bytes } = await compressor.compress(plain);
      const expanded = Buffer.alloc(plain.length);
      assert.ok(codec === CODEC_ZSTD && decoder.expand({ codec, bytes }, expanded), `${bytes.length} bytes`);
      assert.ok(expanded.equals(plain));
      lengths.add(bytes.length);
    }
  }
  decoder.close();
  assert.ok(lengths.has(NODE_BUFFER_BYTES), 'the case that matters is among them');
});

test('what does not get smaller is stored as it is', async () => {
  const plain = seededRandom(3).bytes(5000);
  assert.deepEqual(await new PoolCompressor().compress(plain), { codec: CODEC_STORED, bytes: plain });
});
