/** How fast bases are fetched beside guests. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { BackgroundPace } from './background-pace.ts';

const MIB = 1024 ** 2;

/** Milliseconds that so many slices of 2 MiB take, with so many requests of guests a millisecond. */
async function timeOf(slices: number, requestsPerMs: number): Promise<number> {
  let nowMs = 1000;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: async (ms: number) => void (nowMs += ms) };
  const pace = new BackgroundPace(clock, async () => nowMs * requestsPerMs);
  for (let i = 0; i < slices; i++) {
    nowMs += 4; // what the slice itself takes
    await pace.pace(2 * MIB);
  }
  return nowMs - 1000;
}

test('beside busy guests it is 32 MiB/s, beside quiet ones as fast as it goes', async () => {
  const busyMs = await timeOf(160, 5);
  assert.ok(busyMs > 9500 && busyMs < 10_500, `${busyMs} ms for 320 MiB`);
  const quietMs = await timeOf(160, 0.01);
  assert.ok(quietMs < 1200, `${quietMs} ms for 320 MiB`);
});
