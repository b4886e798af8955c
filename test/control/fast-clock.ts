/** A clock that runs many times as fast as the wall's, so that pauses and patience pass quickly in tests. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../src/lib/clock.ts';

export function createFastClock(speed: number): Clock {
  const startMs = performance.now();
  const elapsedMs = () => (performance.now() - startMs) * speed;
  return {
    nowMs: () => Math.floor(1_790_000_000_000 + elapsedMs()),
    monotonicMs: elapsedMs,
    sleep: async (ms, signal) => {
      await delay(ms / speed, undefined, signal ? { signal } : {});
    },
  };
}
