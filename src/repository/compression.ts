/** Codecs of stored groups (`docs/format.md`): each group is one zstd frame, or stored as it is where that is smaller. */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { OperationalError, errnoOf, messageOf } from '../lib/errors.ts';

export const CODEC_STORED = 0;
export const CODEC_ZSTD = 1;
export const CIPHER_NONE = 0;

const zstdDecompress = promisify<zlib.InputType, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress);

export interface StoredBytes {
  codec: number;
  bytes: Buffer;
}

/** The plain bytes, or undefined when the stored ones are damaged. Never more than `plainLength`. */
export async function expandGroup(stored: StoredBytes, plainLength: number): Promise<Buffer | undefined> {
  if (stored.codec === CODEC_STORED) return checkLength(stored.bytes, plainLength);
  assertCodec(stored.codec);
  return zstdDecompress(stored.bytes, expandOptions(plainLength)).then(
    (plain) => checkLength(plain, plainLength),
    undefinedIfDamaged,
  );
}

/** `expandGroup` on this thread, for workers that do nothing else. */
export function expandGroupNow(stored: StoredBytes, plainLength: number): Buffer | undefined {
  if (stored.codec === CODEC_STORED) return checkLength(stored.bytes, plainLength);
  assertCodec(stored.codec);
  try {
    return checkLength(zlib.zstdDecompressSync(stored.bytes, expandOptions(plainLength)), plainLength);
  } catch (error) {
    return undefinedIfDamaged(error);
  }
}

/** A buffer that is filled to its end makes zlib allocate another, for nothing: hence the room for more. */
function expandOptions(plainLength: number): zlib.ZstdOptions {
  return { chunkSize: plainLength + 64, maxOutputLength: Math.max(1, plainLength) };
}

function checkLength(plain: Buffer, plainLength: number): Buffer | undefined {
  return plain.length === plainLength ? plain : undefined;
}

/** zstd's own errors, too little input and too much output mean bad bytes; anything else is not about the bytes. */
function undefinedIfDamaged(error: unknown): undefined {
  const code = errnoOf(error) ?? '';
  const isAboutBytes = code.startsWith('ZSTD_error_') || code === 'Z_BUF_ERROR' || code === 'ERR_BUFFER_TOO_LARGE';
  if (isAboutBytes && code !== 'ZSTD_error_memory_allocation') return undefined;
  throw new OperationalError(`cannot decompress: ${messageOf(error)}`, { retryable: true, cause: error });
}

/** Refuses what a newer version wrote. */
export function assertCodec(codec: number): void {
  if (codec === CODEC_STORED || codec === CODEC_ZSTD) return;
  throw new OperationalError(`codec ${codec} is not known to this version of Hupo; use a newer one`, {
    retryable: false,
  });
}

export function assertCipher(cipher: number): void {
  if (cipher === CIPHER_NONE) return;
  throw new OperationalError(`cipher ${cipher} is not known to this version of Hupo; use a newer one`, {
    retryable: false,
  });
}

export function assertVersion(version: number, newest: number, what: string): void {
  if (version >= 1 && version <= newest) return;
  throw new OperationalError(
    `${what} has format version ${version}; this version of Hupo reads up to ${newest}; use a newer one`,
    { retryable: false },
  );
}
