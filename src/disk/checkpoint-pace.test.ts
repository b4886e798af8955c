/** When checkpoints are due. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { CheckpointPace } from './checkpoint-pace.ts';

function begin(fixedRecords?: number) {
  const world = { nowMs: 100_000 };
  const clock = { nowMs: () => world.nowMs, monotonicMs: () => world.nowMs, sleep: async () => {} };
  const pace = new CheckpointPace(clock, fixedRecords);
  const isDue = (recordCount: number, dirtyPageCount = 0, isPressed = false) =>
    pace.isDue({ recordCount, dirtyPageCount, isPressed });
  return { world, pace, isDue };
}

test('a busy disk has one every five seconds, or for a very long journal; a quiet one early', () => {
  const { world, pace, isDue } = begin();
  assert.deepEqual([isDue(65_535), isDue(65_536)], [false, true], 'the first is a long time ago');
  pace.ended(true);
  assert.equal(isDue(200_000), false, 'the last has just ended');
  assert.equal(isDue(262_144), true);
  world.nowMs += 4999;
  assert.equal(isDue(65_536), false);
  world.nowMs += 1;
  assert.equal(isDue(65_536), true);
  assert.deepEqual([pace.isDueWhenQuiet(4095), pace.isDueWhenQuiet(4096)], [false, true]);
});

test('changed pages make it due, few of them where memory is short', () => {
  const { isDue } = begin();
  assert.deepEqual([isDue(0, 8191), isDue(0, 8192)], [false, true]);
  assert.deepEqual([isDue(0, 63, true), isDue(0, 64, true)], [false, true]);
});

test('after failures it is tried less and less often, and after one that is done as before', () => {
  const { world, pace, isDue } = begin(20);
  assert.deepEqual([isDue(19), isDue(20)], [false, true]);
  const waits = [];
  for (let i = 0; i < 8; i++) {
    pace.ended(false);
    const failedAtMs = world.nowMs;
    while (!isDue(20)) world.nowMs += 500;
    assert.equal(pace.isDueWhenQuiet(5000), true);
    waits.push(world.nowMs - failedAtMs);
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  pace.ended(true);
  assert.equal(isDue(20), true);
});
