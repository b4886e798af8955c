import test from 'node:test';
import assert from 'node:assert/strict';
import { Courtesy } from './step-back.ts';

const MIB = 1024 * 1024;

/** Two processors; others take `busy` of them, the worker the rest. Moves `bytes` a ms while it is not paused. */
async function mibPerSecond(busy: number, bytes: number): Promise<number> {
  let nowMs = 0;
  const clock = {
    nowMs: () => 0,
    monotonicMs: () => nowMs,
    sleep: async (ms: number) => void (nowMs += ms),
  };
  const courtesy = new Courtesy(clock, () => ({
    all: 2 * nowMs,
    left: (2 - busy) * nowMs,
  }));
  let moved = 0;
  while (nowMs < 60_000) {
    nowMs += MIB / bytes;
    moved += MIB;
    await courtesy.pace(MIB);
  }
  return moved / MIB / (nowMs / 1000);
}

test('a worker goes as fast as it can while others leave it a processor, and at 32 MiB/s while they do not', async () => {
  const fast = (200 * MIB) / 1000;
  assert.equal(Math.round(await mibPerSecond(0, fast)), 200);
  assert.equal(Math.round(await mibPerSecond(0.9, fast)), 200);
  const slow = await mibPerSecond(1.5, fast);
  assert.ok(slow > 31 && slow < 35, `${slow} MiB/s`);
  assert.equal(Math.round(await mibPerSecond(1.9, (10 * MIB) / 1000)), 10, 'it is not made slower than it is');
});

test('where the kernel tells nothing nobody waits', async () => {
  const clock = { nowMs: () => 0, monotonicMs: () => 1e6, sleep: () => assert.fail('it waits') };
  await new Courtesy(clock, () => null).pace(1024 * MIB);
});
