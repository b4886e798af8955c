/**
 * What is done to chunks in an arena of memory: their digests are taken, or a group of them is compressed in place. By the
 * threads of `GroupThreads`, or by its caller where it has none.
 */
import zlib from 'node:zlib';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { DIGEST_BYTES, digestOf } from './digest.ts';
import { GroupEncoder } from './group-encoder.ts';
import type { Task, TaskResult } from './task-ring.ts';

export const DIGEST_TASK = 1;
export const COMPRESS_TASK = 2;

const zeroChunk = Buffer.alloc(CHUNK_BYTES);

export class GroupWork {
  readonly #arena: Buffer;
  readonly #encoder = new GroupEncoder();

  constructor(arena: SharedArrayBuffer) {
    this.#arena = Buffer.from(arena);
  }

  perform({ kind, at, length }: Task, result: Buffer): TaskResult {
    const bytes = this.#arena.subarray(at, at + length);
    return kind === DIGEST_TASK ? digestChunks(bytes, result) : this.#compress(bytes);
  }

  /** Puts what is to be stored at the beginning of `plain`; its length first, its CRC second. No shorter: as it was. */
  #compress(plain: Buffer): TaskResult {
    const frame = this.#encoder.encode(plain);
    if (frame === undefined) return { first: plain.length, second: zlib.crc32(plain) };
    frame.copy(plain);
    return { first: frame.length, second: zlib.crc32(frame) };
  }

  close(): void {
    this.#encoder.close();
  }
}

/** One digest after the other. First: a mask of the chunks that are zeros, which have none. */
function digestChunks(chunks: Buffer, digests: Buffer): TaskResult {
  let zeros = 0;
  for (let i = 0; i * CHUNK_BYTES < chunks.length; i++) {
    const chunk = chunks.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES);
    if (chunk.equals(zeroChunk)) zeros |= 1 << i;
    else digestOf(chunk).copy(digests, i * DIGEST_BYTES);
  }
  return { first: zeros, second: 0 };
}
