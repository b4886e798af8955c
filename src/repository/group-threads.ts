/**
 * Digests and compression for an upload, on threads that do nothing else, in memory that they share with it. Without threads,
 * for what is small, the caller's own does the work at once. Memory: what is allocated, and 15 MiB a thread.
 */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { assert } from '../lib/assert.ts';
import { OperationalError, messageOf } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { codeCacheEnvironment } from './code-cache.ts';
import { CODEC_STORED, CODEC_ZSTD } from './compression.ts';
import { DIGEST_BYTES } from './digest.ts';
import type { Digest } from './digest.ts';
import { COMPRESS_TASK, DIGEST_TASK, GroupWork } from './group-work.ts';
import type { GroupWorkerStart } from './group-worker.ts';
import type { CompressedBytes, Compressor } from './pack-writer.ts';
import { RESULT_BYTES, TaskGiver } from './task-ring.ts';
import type { TaskResult } from './task-ring.ts';

/** Address space: what nobody allocates takes no memory. */
const ARENA_BYTES = 32 * 1024 * 1024;
/**
 * Nothing begins on a page: processors by AMD take four times as long to copy bytes of a file to the beginning of one
 * (`rep movsb`, which Linux copies with: 2 GB/s, and 9 beside it).
 */
const FIRST_AT = 64;
/** A thread makes next to nothing that is not in the arena. */
const YOUNG_MIB = 2;

type Settled = TaskResult & { bytes: Buffer };

interface Waiting {
  settle: (result: Settled) => void;
  reject: (error: Error) => void;
}

export class GroupThreads implements Compressor {
  readonly #arena = new SharedArrayBuffer(ARENA_BYTES);
  readonly #giver = new TaskGiver();
  readonly #threads: Worker[] = [];
  /** Where there are no threads. */
  readonly #work: GroupWork | undefined;
  #allocatedTo = FIRST_AT;
  /** For the tasks under way, in order. */
  readonly #waiting: Waiting[] = [];
  #isWatching = false;
  #failure: Error | undefined;

  /** Throws a retryable OperationalError where no more threads can be made. */
  constructor(threadCount: number) {
    this.#work = threadCount === 0 ? new GroupWork(this.#arena) : undefined;
    try {
      while (this.#threads.length < threadCount) this.#threads.push(this.#startThread());
    } catch (error) {
      this.close();
      throw new OperationalError(`cannot start a thread: ${messageOf(error)}`, { retryable: true, cause: error });
    }
  }

  #startThread(): Worker {
    const entry = path.join(import.meta.dirname, `group-worker${path.extname(import.meta.filename)}`);
    const workerData: GroupWorkerStart = { ring: this.#giver.memory, arena: this.#arena };
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MIB };
    const thread = new Worker(entry, { workerData, resourceLimits, env: codeCacheEnvironment() });
    thread.on('error', (error: unknown) => this.#fail(messageOf(error), error));
    thread.on('exit', () => this.#fail('it ended early'));
    return thread;
  }

  /** Memory for `digest` and `compress`, as long as this lives. */
  allocate(byteCount: number): Buffer {
    const at = this.#allocatedTo;
    this.#allocatedTo += byteCount;
    assert(this.#allocatedTo <= ARENA_BYTES, 'the arena is large enough for all who use it');
    return Buffer.from(this.#arena, at, byteCount);
  }

  /** Of each of up to 16 chunks that lie one after the other; null: zeros. */
  async digest(chunks: Buffer): Promise<(Digest | null)[]> {
    const chunkCount = chunks.length / CHUNK_BYTES;
    assert(chunkCount * DIGEST_BYTES <= RESULT_BYTES, 'the digests fit in a result');
    return this.#run(DIGEST_TASK, chunks, ({ first: zeros, bytes }) => {
      const digests = Buffer.from(bytes.subarray(0, chunkCount * DIGEST_BYTES));
      return Array.from({ length: chunkCount }, (_, i) =>
        (zeros & (1 << i)) === 0 ? digests.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES) : null,
      );
    });
  }

  async compress(plain: Buffer): Promise<CompressedBytes> {
    return this.#run(COMPRESS_TASK, plain, ({ first: storedBytes, second }) => {
      const codec = storedBytes < plain.length ? CODEC_ZSTD : CODEC_STORED;
      return { codec, bytes: plain.subarray(0, storedBytes), crc32: second >>> 0 };
    });
  }

  /** Ends the threads, whatever they are at. */
  close(): void {
    this.#work?.close();
    this.#fail('it was told to end');
    for (const thread of this.#threads) void thread.terminate();
  }

  async #run<T>(kind: number, bytes: Buffer, read: (result: Settled) => T): Promise<T> {
    assert(bytes.buffer === this.#arena, 'the bytes are in the arena');
    const task = { kind, at: bytes.byteOffset, length: bytes.length };
    if (this.#work !== undefined) {
      const result = Buffer.allocUnsafe(RESULT_BYTES);
      return read({ ...this.#work.perform(task, result), bytes: result });
    }
    if (this.#failure !== undefined) throw this.#failure;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push({ settle: (result) => resolve(read(result)), reject });
    this.#giver.give(task);
    if (!this.#isWatching) void this.#watch();
    return promise;
  }

  /** Settles what is done, until nothing is under way. */
  async #watch(): Promise<void> {
    this.#isWatching = true;
    while (this.#waiting.length > 0) {
      await this.#giver.waitForSome();
      for (let result = this.#giver.settle(); result !== undefined; result = this.#giver.settle()) {
        this.#waiting.shift()?.settle(result);
      }
    }
    this.#isWatching = false;
  }

  #fail(message: string, cause?: unknown): void {
    this.#failure ??= new OperationalError(`a thread of the upload: ${message}`, { retryable: true, cause });
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
    this.#giver.wake();
  }
}
