/** Digests and compression by threads, and without: the same results, in whatever order they come. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import zlib from 'node:zlib';
import { OperationalError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { CODEC_STORED, CODEC_ZSTD } from './compression.ts';
import { digestOf } from './digest.ts';
import { GroupThreads } from './group-threads.ts';
import { chunkBytes, seededRandom } from '../../test/support/repositories.ts';

const PAGE_BYTES = 4096;

for (const threadCount of [0, 1, 3]) {
  test(`chunks are hashed, zeros told, and groups compressed, by ${threadCount} threads`, async () => {
    const threads = new GroupThreads(threadCount);
    try {
      const groups = Array.from({ length: 12 }, (_, group) => {
        const buffer = threads.allocate(4 * CHUNK_BYTES);
        assert.notEqual(buffer.byteOffset % PAGE_BYTES, 0);
        const chunks = [1, 2, 3, 4].map((seed) => (seed === group ? Buffer.alloc(CHUNK_BYTES) : chunkBytes(seed)));
        const bytes = Buffer.concat(chunks.slice(0, 1 + (group % 4)));
        bytes.copy(buffer);
        return { chunks, bytes, plain: buffer.subarray(0, bytes.length) };
      });
      const digests = await Promise.all(groups.map(async ({ plain }) => threads.digest(plain)));
      for (const [position, { chunks, bytes, plain }] of groups.entries()) {
        const expected = chunks
          .slice(0, bytes.length / CHUNK_BYTES)
          .map((chunk) => (chunk.every((byte) => byte === 0) ? null : digestOf(chunk)));
        assert.deepEqual(digests[position], expected);
        assert.ok(plain.equals(bytes), 'hashing changes nothing');
      }
      const stored = await Promise.all(groups.map(async ({ plain }) => threads.compress(plain)));
      for (const [position, { bytes }] of groups.entries()) {
        const one = stored[position];
        assert.ok(one !== undefined && one.codec === CODEC_ZSTD);
        assert.ok(zlib.zstdDecompressSync(one.bytes).equals(bytes));
        assert.equal(one.crc32, zlib.crc32(one.bytes));
      }
    } finally {
      threads.close();
    }
  });

  test(`what does not get smaller is left as it is, by ${threadCount} threads`, async () => {
    const threads = new GroupThreads(threadCount);
    try {
      const plain = threads.allocate(CHUNK_BYTES);
      const noise = seededRandom(7).bytes(CHUNK_BYTES);
      noise.copy(plain);
      const stored = await threads.compress(plain);
      assert.equal(stored.codec, CODEC_STORED);
      assert.ok(stored.bytes.equals(noise));
      assert.equal(stored.crc32, zlib.crc32(noise));
    } finally {
      threads.close();
    }
  });
}

test('threads that are ended fail what they were asked for, and what they are asked for later', async () => {
  const threads = new GroupThreads(1);
  const plain = threads.allocate(CHUNK_BYTES);
  const isRetryable = (error: Error) => error instanceof OperationalError && error.retryable;
  const digesting = assert.rejects(threads.digest(plain), isRetryable);
  threads.close();
  await digesting;
  await assert.rejects(threads.compress(plain), isRetryable);
});

test('where a thread cannot be started, those that were end, and so does the process', () => {
  const script = `
    import threads from 'node:worker_threads';
    import { syncBuiltinESMExports } from 'node:module';
    let count = 0;
    threads.Worker = class extends threads.Worker {
      constructor(...args) {
        if (++count === 2) throw new Error('EAGAIN');
        super(...args);
      }
    };
    syncBuiltinESMExports();
    const { GroupThreads } = await import('./group-threads.ts');
    try {
      new GroupThreads(3);
    } catch (error) {
      console.log(error.name, error.retryable, error.message);
    }`;
  const args = ['--input-type=module', '--eval', script];
  const ended = spawnSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8', timeout: 20_000 });
  assert.equal(ended.status, 0, ended.stderr);
  assert.equal(ended.stdout, 'OperationalError true cannot start a thread: EAGAIN\n');
});
