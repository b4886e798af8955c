import test from 'node:test';
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as fc from 'fast-check';
import type { Clock } from '../lib/clock.ts';
import { Throttle, type ThrottleClient } from './throttle.ts';

/** Stands still but for what sleepers ask for: time passes in one place, deterministically. */
class ManualClock implements Clock {
  #ms = 0;
  #sleepers: { atMs: number; wake: () => void }[] = [];

  nowMs(): number {
    return this.#ms;
  }

  monotonicMs(): number {
    return this.#ms;
  }

  async sleep(ms: number): Promise<void> {
    await new Promise<void>((wake) => this.#sleepers.push({ atMs: this.#ms + ms, wake }));
  }

  get isAwaited(): boolean {
    return this.#sleepers.length > 0;
  }

  async advance(ms: number): Promise<void> {
    const endMs = this.#ms + ms;
    for (;;) {
      await nextTurn();
      const next = this.#sleepers.sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#sleepers.shift();
      this.#ms = next.atMs;
      next.wake();
    }
    this.#ms = endMs;
  }
}

/** A client that always has another request of the same size, and counts those that were let through. */
class Greedy {
  count = 0;
  readonly lengthBytes: number;
  readonly #client: ThrottleClient;

  constructor(throttle: Throttle, lengthBytes: number) {
    this.lengthBytes = lengthBytes;
    this.#client = throttle.join(() => this.run());
  }

  run(limit = Infinity): void {
    for (let index = 0; index < limit && this.#client.take(this.lengthBytes); index++) this.count++;
  }

  leave(): void {
    this.#client.leave();
  }
}

test('a burst of one second passes at once, then the rate holds', async () => {
  const clock = new ManualClock();
  const throttle = new Throttle({ iops: 1000, bytesPerSecond: 1e9 }, clock);
  const client = new Greedy(throttle, 4096);
  client.run();
  assert.equal(client.count, 1000);
  await clock.advance(10_000);
  assert.ok(Math.abs(client.count - 11_000) <= 2, `${client.count} operations`);
});

test('bytes are limited as well, and a request larger than a burst passes and is paid off', async () => {
  const clock = new ManualClock();
  const throttle = new Throttle({ iops: 1e6, bytesPerSecond: 1_000_000 }, clock);
  const client = new Greedy(throttle, 4_000_000);
  client.run();
  assert.equal(client.count, 1);
  await clock.advance(2_900);
  assert.equal(client.count, 1);
  await clock.advance(200);
  assert.equal(client.count, 2);
  await clock.advance(40_000);
  assert.equal(client.count, 12);
});

test('whatever clients ask for, never more passes than burst, rate and one request of each', async () => {
  const plan = fc.record({
    iops: fc.integer({ min: 1, max: 5000 }),
    bytesPerSecond: fc.integer({ min: 1, max: 10_000_000 }),
    sizes: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2_000_000 })), { minLength: 1, maxLength: 5 }),
    seconds: fc.integer({ min: 1, max: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ iops, bytesPerSecond, sizes, seconds }) => {
      const clock = new ManualClock();
      const throttle = new Throttle({ iops, bytesPerSecond }, clock);
      const clients = sizes.map((size) => new Greedy(throttle, size));
      for (const client of clients) client.run();
      await clock.advance(seconds * 1000);
      const operations = clients.reduce((sum, client) => sum + client.count, 0);
      const bytes = clients.reduce((sum, client) => sum + client.count * client.lengthBytes, 0);
      const largest = Math.max(...sizes);
      assert.ok(operations <= iops * (seconds + 1) + clients.length);
      assert.ok(bytes <= bytesPerSecond * (seconds + 1) + clients.length * largest);
      const idle = operations < 0.9 * iops * seconds && bytes < 0.9 * bytesPerSecond * seconds;
      const isDebt = largest * clients.length > 0.1 * bytesPerSecond * seconds || iops * seconds < 20 * clients.length;
      assert.ok(!idle || isDebt, `${operations} operations and ${bytes} bytes in ${seconds} s`);
      for (const client of clients) client.leave();
    }),
    { numRuns: 60 },
  );
});

test('who waits gets an equal share, whatever the size of requests', async () => {
  const clock = new ManualClock();
  const throttle = new Throttle({ iops: 1e6, bytesPerSecond: 10_000_000 }, clock);
  const small = new Greedy(throttle, 4096);
  const large = new Greedy(throttle, 1_048_576);
  large.run();
  small.run();
  small.count = 0;
  large.count = 0;
  await clock.advance(60_000);
  const ratio = (small.count * small.lengthBytes) / (large.count * large.lengthBytes);
  assert.ok(ratio > 0.8 && ratio < 1.25, `the small one had ${ratio} of the large one's bytes`);
});

test('one that comes later does not overtake those who wait', async () => {
  const clock = new ManualClock();
  const throttle = new Throttle({ iops: 100, bytesPerSecond: 1e9 }, clock);
  const first = new Greedy(throttle, 0);
  first.run();
  const second = new Greedy(throttle, 0);
  for (let turn = 0; turn < 1000; turn++) {
    second.run(1);
    await clock.advance(10);
  }
  assert.ok(first.count > 500 && second.count > 400, `${first.count} and ${second.count}`);
});

test('without limits nothing is counted and nobody waits; lifting them lets everybody go on, setting them holds', async () => {
  const clock = new ManualClock();
  const throttle = new Throttle(null, clock);
  const client = new Greedy(throttle, 1e9);
  client.run(100_000);
  assert.equal(client.count, 100_000);
  throttle.limits = { iops: 10, bytesPerSecond: 1e12 };
  const limited = new Greedy(throttle, 0);
  limited.run();
  assert.equal(limited.count, 10);
  throttle.limits = { iops: 10, bytesPerSecond: 1e12 };
  await clock.advance(1000);
  assert.ok(limited.count >= 19 && limited.count <= 20, `setting the same anew is no new burst: ${limited.count}`);
  let isFree = false;
  const waiting = throttle.join(() => (isFree = true));
  assert.equal(waiting.take(0), false);
  limited.leave();
  throttle.limits = null;
  assert.ok(isFree);
  await clock.advance(1000);
  assert.equal(clock.isAwaited, false, 'nobody looks at the clock when nobody waits');
});

test('a client that leaves is not called back, and leaves its tokens to the others', async () => {
  const clock = new ManualClock();
  const throttle = new Throttle({ iops: 10, bytesPerSecond: 1e9 }, clock);
  const stays = new Greedy(throttle, 0);
  const leaves = new Greedy(throttle, 0);
  stays.run();
  leaves.run();
  await clock.advance(1000);
  leaves.leave();
  const before = leaves.count;
  stays.count = 0;
  await clock.advance(10_000);
  assert.equal(leaves.count, before);
  assert.ok(stays.count >= 99 && stays.count <= 102, `${stays.count}`);
});
