/** Compresses groups on the thread pool, each with a fresh zstd stream: for who has time. Uploads have `GroupThreads`. */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { OperationalError, messageOf } from '../lib/errors.ts';
import { CODEC_STORED, CODEC_ZSTD } from './compression.ts';
import { GROUP_PARAMS, mostFrameBytes } from './group-encoder.ts';
import type { CompressedBytes, Compressor } from './pack-writer.ts';

/**
 * For the large groups of background rewriting. Of a system's files, groups of 1 MiB take 0.86 of what uploads store, at 84 MiB/s;
 * levels 5 and 9 0.885 and 0.855, at 99 and 59.
 */
export const DENSE_PARAMS = {
  [zlib.constants.ZSTD_c_compressionLevel]: 6,
  [zlib.constants.ZSTD_c_windowLog]: 20,
};

const compress = promisify<zlib.InputType, zlib.ZstdOptions, Buffer>(zlib.zstdCompress);

export class PoolCompressor implements Compressor {
  readonly #params: Record<number, number>;

  constructor(params: Record<number, number> = GROUP_PARAMS) {
    this.#params = params;
  }

  async compress(plain: Buffer): Promise<CompressedBytes> {
    // With room to spare: Node puts an empty frame behind one that fills its buffer to the end.
    const options = { params: this.#params, chunkSize: mostFrameBytes(plain.length) };
    const bytes = await compress(plain, options).catch((error: unknown) => {
      throw new OperationalError(`cannot compress: ${messageOf(error)}`, { retryable: true, cause: error });
    });
    return bytes.length < plain.length ? { codec: CODEC_ZSTD, bytes } : { codec: CODEC_STORED, bytes: plain };
  }

  close(): void {}
}
