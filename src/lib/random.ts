/** Randomness comes from outside, so that tests can seed it. Only this file asks the system for it. */
import { randomBytes } from 'node:crypto';

export interface Random {
  /** `byteCount` random bytes. */
  bytes(byteCount: number): Buffer;
}

export const systemRandom: Random = { bytes: (byteCount) => randomBytes(byteCount) };

/** A random UUID, lower-case (RFC 9562, version 4). */
export function newUuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
