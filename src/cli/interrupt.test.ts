import test from 'node:test';
import assert from 'node:assert/strict';
import { systemClock } from '../lib/clock.ts';
import { withInterrupt } from './interrupt.ts';
import { waitFor } from './wait.ts';

test('Ctrl-C ends what waits, with "interrupted", and the next one is the system’s again', async () => {
  const listeners = process.listenerCount('SIGINT');
  const interrupted = withInterrupt(async (signal) => {
    assert.equal(process.listenerCount('SIGINT'), listeners + 1);
    process.kill(process.pid, 'SIGINT');
    return waitFor({ what: 'nothing', timeoutMs: 30_000, clock: systemClock, signal }, () =>
      Promise.resolve(undefined),
    );
  });
  await assert.rejects(interrupted, { name: 'OperationalError', message: 'interrupted', exitCode: 130 });
  assert.equal(process.listenerCount('SIGINT'), listeners);
  assert.equal(process.listenerCount('SIGTERM'), listeners);
});

test('waiting ends with what was found, or says what it waited for', async () => {
  const { signal } = new AbortController();
  let nowMs = 0;
  const clock = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms: number) => {
      nowMs += ms;
      return Promise.resolve();
    },
  };
  const options = { what: 'the disk', timeoutMs: 2000, clock, signal };
  assert.equal(await waitFor(options, () => Promise.resolve(nowMs > 500 ? 'there' : undefined)), 'there');
  await assert.rejects(
    waitFor(options, () => Promise.resolve(undefined)),
    /waited 2 s in vain for the disk/,
  );
});
