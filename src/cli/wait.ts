/** Waiting for something that only asking tells. */
import type { Clock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';

const STEP_MS = 50;

export interface WaitOptions {
  /** What is waited for, for the error. */
  what: string;
  timeoutMs: number;
  clock: Clock;
  signal: AbortSignal;
}

/** Asks every 50 ms until `look` gives something other than undefined. Throws an OperationalError after `timeoutMs`. */
export async function waitFor<T>(options: WaitOptions, look: () => Promise<T | undefined>): Promise<T> {
  const { clock, signal, what, timeoutMs } = options;
  const endMs = clock.monotonicMs() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const found = await look();
    if (found !== undefined) return found;
    if (clock.monotonicMs() >= endMs) {
      throw new OperationalError(`waited ${Math.round(timeoutMs / 1000)} s in vain for ${what}`, { retryable: true });
    }
    await clock.sleep(STEP_MS);
  }
}
