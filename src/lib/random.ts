/** Randomness comes from outside, so that tests can seed it. Only this file asks the system for it. */
import { randomBytes } from 'node:crypto';

export interface Random {
  /** `byteCount` random bytes. */
  bytes(byteCount: number): Buffer;
}

export const systemRandom: Random = { bytes: (byteCount) => randomBytes(byteCount) };
