/** Compresses groups on this thread, one after the other, into memory that is there already. */
import zlib from 'node:zlib';
import { OperationalError, messageOf } from '../lib/errors.ts';
import { freeBuffer } from './free-buffer.ts';
import { UNUSED_BYTES, ZstdCoder } from './zstd-coder.ts';

/**
 * Level 1 for inputs of 256 KiB, with 5-byte matches: measured on a file-system image, 1 % smaller than plain level 1 at
 * the same speed; level 2 is 1.7 % smaller still and takes a third longer.
 */
export const GROUP_PARAMS = {
  [zlib.constants.ZSTD_c_compressionLevel]: 1,
  [zlib.constants.ZSTD_c_minMatch]: 5,
  [zlib.constants.ZSTD_c_windowLog]: 18,
  [zlib.constants.ZSTD_c_hashLog]: 14,
};

export class GroupEncoder {
  readonly #usesCoder: boolean;
  readonly #coder = new ZstdCoder(() => zlib.createZstdCompress({ params: GROUP_PARAMS, chunkSize: UNUSED_BYTES }));
  #target: Buffer = Buffer.alloc(0);

  /** `usesCoder` is false in tests alone: as in a Node that has none. */
  constructor(usesCoder = true) {
    this.#usesCoder = usesCoder;
  }

  /** One zstd frame, valid until the next call; undefined where it is no smaller than `plain`. */
  encode(plain: Buffer): Buffer | undefined {
    const roomBytes = mostFrameBytes(plain.length);
    if (this.#target.length < roomBytes) this.#target = Buffer.allocUnsafeSlow(roomBytes);
    const frameBytes = this.#encode(plain);
    return frameBytes < plain.length ? this.#target.subarray(0, frameBytes) : undefined;
  }

  #encode(plain: Buffer): number {
    const target = this.#target;
    const room = this.#usesCoder ? this.#coder.code(plain, target) : undefined;
    if (room === undefined) return encodeSlowly(plain, target);
    if (room === null || room === 0) {
      throw new OperationalError('cannot compress: zstd did not finish', { retryable: true });
    }
    return target.length - room;
  }

  close(): void {
    this.#coder.close();
  }
}

/** Somewhat more than ZSTD_compressBound: then zstd works in one go, without buffers of its own. */
export function mostFrameBytes(plainBytes: number): number {
  return plainBytes + Math.ceil(plainBytes / 128) + 128;
}

function encodeSlowly(plain: Buffer, target: Buffer): number {
  try {
    const frame = zlib.zstdCompressSync(plain, { params: GROUP_PARAMS, chunkSize: target.length });
    const { length } = frame;
    frame.copy(target);
    freeBuffer(frame);
    return length;
  } catch (error) {
    throw new OperationalError(`cannot compress: ${messageOf(error)}`, { retryable: true, cause: error });
  }
}
