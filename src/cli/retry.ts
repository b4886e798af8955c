/**
 * Repeating a call that failed (`--retry-count`): after a failed connection or HTTP 5xx as often as was asked for; and, as the
 * aliyun CLI does, up to three times when the server itself says when to come back.
 */
import type { Clock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import { EcsError } from './ecs-client.ts';

const ASKED_BY_SERVER_LIMIT = 3;
const LONGEST_WAIT_MS = 60_000;
const PAUSE_MS = 1000;

export async function callWithRetries<T>(
  parts: { retryCount: number; clock: Clock; signal: AbortSignal },
  call: () => Promise<T>,
): Promise<T> {
  for (let repeats = 0; ; repeats++) {
    try {
      return await call();
    } catch (error) {
      const waitMs = planWait(error, repeats, parts.retryCount);
      if (waitMs === null || parts.signal.aborted) throw error;
      await parts.clock.sleep(waitMs, parts.signal);
    }
  }
}

/** How long to wait before the same again, or null when it is over. */
function planWait(error: unknown, repeats: number, retryCount: number): number | null {
  if (error instanceof EcsError && error.retryAfterMs !== null && error.retryAfterMs <= LONGEST_WAIT_MS) {
    return repeats < Math.max(ASKED_BY_SERVER_LIMIT, retryCount) ? error.retryAfterMs : null;
  }
  const mayPass =
    error instanceof EcsError ? error.status >= 500 : error instanceof OperationalError && error.retryable;
  return mayPass && repeats < retryCount ? PAUSE_MS : null;
}
