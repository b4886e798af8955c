import assert from 'node:assert/strict';
import test from 'node:test';
import { ReadPace } from './read-pace.ts';

/** A pace whose reads take as long as the test says. */
function timedPace() {
  let nowMs = 0;
  const pace = new ReadPace({ nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: async () => {} });
  const read = (tookMs: number): void => {
    pace.begin();
    nowMs += tookMs;
    pace.end();
  };
  /** How many reads go to the pool before one is tried at once. */
  const pooled = (): number => {
    let count = 0;
    while (pace.isPooled()) count++;
    return count;
  };
  return { read, pooled };
}

test('reads from the page cache never go to the pool', () => {
  const { read, pooled } = timedPace();
  for (let i = 0; i < 100; i++) {
    assert.equal(pooled(), 0);
    read(0.01);
  }
});

test('after a slow read the next go to the pool, twice as many each time, up to a bound', () => {
  const { read, pooled } = timedPace();
  const stretches: number[] = [];
  for (let i = 0; i < 9; i++) {
    read(5);
    stretches.push(pooled());
  }
  assert.deepEqual(stretches, [16, 32, 64, 128, 256, 512, 1024, 1024, 1024]);
});

test('a fast try is not enough to be trusted; some in a row are', () => {
  const { read, pooled } = timedPace();
  for (let i = 0; i < 5; i++) {
    read(5);
    pooled();
  }
  read(0.01);
  assert.equal(pooled(), 0, 'the next is read at once');
  read(5);
  assert.equal(pooled(), 512);
  for (let i = 0; i < 24; i++) read(0.01);
  read(5);
  assert.equal(pooled(), 16);
});

test('where a read in fifty is slow by chance most are still done at once', () => {
  const { read, pooled } = timedPace();
  let seed = 1;
  let pooledCount = 0;
  for (let i = 0; i < 20_000; i++) {
    seed = (seed * 48_271) % 2_147_483_647;
    read(seed % 50 === 0 ? 5 : 0.01);
    pooledCount += pooled();
  }
  assert.ok(pooledCount < 20_000, `${pooledCount} went to the pool`);
});
