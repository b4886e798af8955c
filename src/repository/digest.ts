/** Digests: SHA-256 names of chunks and pages, 32 bytes in stores and 64 hex digits in JSON and messages. */
import crypto from 'node:crypto';

export const DIGEST_BYTES = 32;

/** 32 bytes. */
export type Digest = Buffer;

export function digestOf(bytes: Uint8Array): Digest {
  return crypto.hash('sha256', bytes, 'buffer');
}

/** SHA-256 of the parts, joined. */
export function digestOfParts(parts: readonly Uint8Array[]): Digest {
  const hash = crypto.createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
