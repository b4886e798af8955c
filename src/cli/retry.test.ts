import test from 'node:test';
import assert from 'node:assert/strict';
import type { Clock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import { EcsError } from './ecs-client.ts';
import { callWithRetries } from './retry.ts';

function refusal(status: number, retryAfterMs: number | null = null): EcsError {
  return new EcsError({ status, code: 'C', message: 'M', requestId: 'R', recommend: '', retryAfterMs });
}

/** How often a call that always fails with `error` was made, and what was waited between. */
async function countCalls(error: Error, retryCount: number): Promise<{ calls: number; slept: number[] }> {
  const slept: number[] = [];
  const clock: Clock = { nowMs: () => 0, monotonicMs: () => 0, sleep: (ms) => Promise.resolve(void slept.push(ms)) };
  let calls = 0;
  const parts = { retryCount, clock, signal: new AbortController().signal };
  const call = () => {
    calls++;
    return Promise.reject(error);
  };
  await assert.rejects(callWithRetries(parts, call), error);
  return { calls, slept };
}

test('only what may pass is repeated, as often as asked for', async () => {
  assert.equal((await countCalls(refusal(503), 0)).calls, 1);
  assert.equal((await countCalls(refusal(503), 2)).calls, 3);
  assert.equal((await countCalls(refusal(404), 2)).calls, 1);
  assert.equal((await countCalls(new OperationalError('gone', { retryable: true }), 2)).calls, 3);
  assert.equal((await countCalls(new OperationalError('untrusted', { retryable: false }), 2)).calls, 1);
});

test('a server that says when to come back is asked three times more', async () => {
  assert.deepEqual(await countCalls(refusal(400, 700), 0), { calls: 4, slept: [700, 700, 700] });
  assert.equal((await countCalls(refusal(400, 3_600_000), 0)).calls, 1, 'not after an hour');
});
