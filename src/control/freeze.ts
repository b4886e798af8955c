/** Asking diskd to freeze, so that a guest's moment does not come late. */
import type { DiskdCalls } from '../disk/protocol.ts';
import { OperationalError, RequestError } from '../lib/errors.ts';
import type { Parts } from './parts.ts';

/** How long one answer of diskd is waited for, and all in all. */
const ASK_MS = 1000;
const LIMIT_MS = 2000;

/** Asks again after a second without an answer, and gives up after two. `what` is to be frozen, for people. */
export async function askToFreeze<K extends 'freeze' | 'freezeGroup'>(
  parts: Parts,
  name: K,
  request: DiskdCalls[K]['request'],
  what: string,
): Promise<DiskdCalls[K]['reply']> {
  const limitMs = parts.clock.monotonicMs() + LIMIT_MS;
  for (;;) {
    try {
      return await parts.dataPlane.call(name, request, { timeoutMs: ASK_MS });
    } catch (error) {
      if (!(error instanceof OperationalError) || !error.retryable) throw error;
      if (parts.clock.monotonicMs() < limitMs) continue;
      throw new RequestError(
        'CreateSnapshot.Failed',
        `The data plane did not freeze ${what} within ${LIMIT_MS / 1000} s: no snapshot was made, try again.`,
      );
    }
  }
}
