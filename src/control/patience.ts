/** Waiting with an end: for a promise, for at most a while, unless a signal fires. */
import type { Clock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';

/**
 * `work`'s result. Throws a retryable OperationalError with `message` after `timeoutMs` (Infinity: never), or the
 * signal's reason. `work` itself goes on.
 */
export async function within<T>(
  clock: Clock,
  work: Promise<T>,
  options: { timeoutMs: number; signal: AbortSignal | undefined; message: string },
): Promise<T> {
  const { timeoutMs, signal, message } = options;
  work.catch(() => undefined); // when it fails later, nobody waits for it here
  signal?.throwIfAborted();
  const done = new AbortController();
  const ends: Promise<T>[] = [work];
  if (timeoutMs !== Infinity) ends.push(timeOut(clock, timeoutMs, message, done.signal));
  if (signal !== undefined) ends.push(abortion(signal, done.signal));
  try {
    return await Promise.race(ends);
  } finally {
    done.abort();
    for (const end of ends) end.catch(() => undefined);
  }
}

async function timeOut(clock: Clock, timeoutMs: number, message: string, done: AbortSignal): Promise<never> {
  await clock.sleep(Math.max(0, timeoutMs), done);
  throw new OperationalError(message, { retryable: true });
}

async function abortion(signal: AbortSignal, done: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true, signal: done });
  return await promise;
}
