/** A reply that may come before its work is done: what fails at once is told to the caller, the rest goes on by itself. */
import type { Clock } from '../lib/clock.ts';

/** npm clients give up after three seconds. */
const PATIENCE_MS = 2000;

/** Resolves when `work` does or patience ends; rejects when `work` does before that. */
export async function waitSoon(clock: Clock, work: Promise<void>): Promise<void> {
  const enough = new AbortController();
  const timer = clock.sleep(PATIENCE_MS, enough.signal).catch(() => undefined);
  try {
    await Promise.race([work, timer]);
  } finally {
    enough.abort();
    work.catch(() => undefined); // told in the log by the runner; nobody waits for it here any more
  }
}
