/**
 * Compresses groups on the thread pool, a few at a time. The zstd streams are used again and again, a frame a group: a
 * fresh one each time costs a quarter more, most of it in page faults and garbage collection.
 */
import zlib from 'node:zlib';
import { OperationalError, messageOf } from '../lib/errors.ts';
import { CODEC_STORED, CODEC_ZSTD } from './compression.ts';
import { freeBuffer } from './free-buffer.ts';
import { GROUP_PARAMS } from './group-encoder.ts';

/** As many as the thread pool has threads. */
const LANES = 4;
const OUTPUT_BYTES = 1024 * 1024;

export interface CompressedBytes {
  codec: number;
  bytes: Buffer;
  /** Of `bytes`, where it is known. */
  crc32?: number;
}

export class GroupCompressor {
  readonly #lanes: Lane[] = [];
  #turn = 0;

  /** `plain` must not change meanwhile, and holds the result afterwards: what is stored, where that is smaller. */
  async compress(plain: Buffer): Promise<CompressedBytes> {
    const number = this.#turn++ % LANES;
    const lane = (this.#lanes[number] ??= new Lane());
    const storedBytes = await lane.compress(plain);
    if (storedBytes === undefined) return { codec: CODEC_STORED, bytes: plain };
    return { codec: CODEC_ZSTD, bytes: plain.subarray(0, storedBytes) };
  }

  /** Frees the streams; nothing may be under way. */
  close(): void {
    for (const lane of this.#lanes.splice(0)) lane.close();
  }
}

/** One zstd stream: one group after another. */
class Lane {
  readonly #stream = zlib.createZstdCompress({
    params: GROUP_PARAMS,
    chunkSize: OUTPUT_BYTES,
    flush: zlib.constants.ZSTD_e_end, // each write is a frame, and one task for the thread pool
  });
  #parts: Buffer[] = [];
  #latest: Buffer | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #reject: ((error: Error) => void) | undefined;

  constructor() {
    this.#stream.on('data', (part: Buffer) => this.#parts.push(part));
    this.#stream.on('error', (error: Error) => {
      this.#reject?.(new OperationalError(`cannot compress: ${messageOf(error)}`, { retryable: true, cause: error }));
    });
  }

  /** Resolves to the length of the result at the beginning of `plain`; undefined: it is no smaller, and not there. */
  async compress(plain: Buffer): Promise<number | undefined> {
    const compressing = this.#last.then(async () => this.#compressNext(plain));
    this.#last = compressing.catch(() => undefined);
    return compressing;
  }

  async #compressNext(plain: Buffer): Promise<number | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#reject = reject;
    this.#stream.write(plain, () => resolve());
    await promise;
    const parts = this.#parts;
    this.#parts = [];
    const sizeBytes = parts.reduce((sum, part) => sum + part.length, 0);
    const isSmaller = sizeBytes < plain.length;
    let at = 0;
    for (const part of parts) {
      if (isSmaller) at += part.copy(plain, at);
      this.#freeUsedUp(part);
    }
    return isSmaller ? sizeBytes : undefined;
  }

  /**
   * The stream cuts its parts from one buffer after another. Once it has gone on to the next, the last is given back at
   * once.
   */
  #freeUsedUp(part: Buffer): void {
    if (this.#latest !== undefined && this.#latest.buffer !== part.buffer) freeBuffer(this.#latest);
    this.#latest = part;
  }

  close(): void {
    this.#stream.destroy();
  }
}
