/** The limits of a file system, and the gate that keeps its reserve. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { mountSmall } from '../../test/support/small-file-system.ts';
import { systemClock } from './clock.ts';
import { NoSpaceError, SpaceGate, freeSpace, planSpaceLimits } from './disk-space.ts';
import { errnoOf } from './errors.ts';
import { GIB } from './geometry.ts';

const MIB = 1024 ** 2;
const byDefault = { reserveBytes: null, highWaterBytes: null };

test('the limits grow with the file system and end at 1 GiB and 5 GiB', () => {
  assert.deepEqual(planSpaceLimits(1000 * GIB, byDefault), { reserveBytes: GIB, highWaterBytes: 5 * GIB });
  const small = planSpaceLimits(10 * GIB, byDefault);
  assert.deepEqual(small, { reserveBytes: Math.floor(0.2 * GIB), highWaterBytes: Math.floor(0.2 * GIB) + 0.5 * GIB });
  assert.equal(planSpaceLimits(10 * GIB, { ...byDefault, reserveBytes: GIB }).highWaterBytes, 1.5 * GIB);
  assert.deepEqual(planSpaceLimits(10 * GIB, { reserveBytes: 0, highWaterBytes: 0 }), {
    reserveBytes: 0,
    highWaterBytes: 0,
  });
  for (const given of [{ reserveBytes: 10 * GIB }, { reserveBytes: 2 * GIB, highWaterBytes: GIB }]) {
    assert.throws(() => planSpaceLimits(10 * GIB, { ...byDefault, ...given }), /--reserve and --high-water/);
  }
});

/** A file system of which a test says how much is free. */
function gateOver(freeBytes: number, reserveBytes: number) {
  const world = { freeBytes, lookCount: 0, nowMs: 0, fails: false };
  const clock = { ...systemClock, monotonicMs: () => world.nowMs };
  const gate = new SpaceGate('/', reserveBytes, clock, async () => {
    world.lookCount++;
    if (world.fails) throw new Error('EIO');
    return { freeBytes: world.freeBytes, sizeBytes: GIB };
  });
  return { world, gate };
}

test('so much can be taken as was free above the reserve, and not a byte more', async () => {
  const { world, gate } = gateOver(100, 40);
  gate.take(1e15); // nobody has looked yet
  await gate.poll();
  gate.take(50);
  assert.throws(
    () => gate.take(11),
    (error: Error) => {
      assert.ok(error instanceof NoSpaceError && error.retryable);
      assert.equal(errnoOf(error), 'ENOSPC');
      assert.match(error.message, /100 B are free .* 40 B of it are the reserve: delete/);
      return true;
    },
  );
  gate.take(10);
  assert.throws(() => gate.take(1), NoSpaceError);
  world.freeBytes = 41;
  await gate.poll();
  gate.take(1);
});

test('it looks again by itself when much of what was left is taken, and when it refuses, not too often', async () => {
  const { world, gate } = gateOver(1000, 0);
  await gate.poll();
  gate.take(200);
  assert.equal(world.lookCount, 1);
  world.nowMs = 1000;
  world.freeBytes = 10_000;
  gate.take(100);
  gate.take(100);
  assert.equal(world.lookCount, 2, 'and one look at a time');
  await gate.poll();
  gate.take(9000);
  await gate.poll();
  world.freeBytes = 0;
  world.nowMs = 2000;
  await gate.poll();
  const { lookCount } = world;
  for (let i = 0; i < 100; i++) assert.throws(() => gate.take(1), NoSpaceError);
  assert.equal(world.lookCount, lookCount, 'it has just looked');
  world.nowMs += 60;
  world.freeBytes = 5;
  assert.throws(() => gate.take(1), NoSpaceError);
  await gate.poll();
  gate.take(1);
});

test('what is taken while it looks still counts, and a look that fails changes nothing', async () => {
  const { world, gate } = gateOver(100, 0);
  const looking = gate.poll();
  gate.take(30);
  await looking;
  assert.throws(() => gate.take(71), NoSpaceError);
  gate.take(20);
  world.fails = true;
  await gate.poll();
  assert.throws(() => gate.take(51), NoSpaceError);
  gate.take(50);
});

test('whatever is taken between looks, the reserve is never touched by one gate alone', async () => {
  const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 400 }), fc.constant('look' as const)), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 0, max: 500 }), async (choices, reserveBytes) => {
      const { world, gate } = gateOver(2000, reserveBytes);
      await gate.poll();
      for (const choice of choices) {
        if (choice === 'look') {
          await gate.poll();
          continue;
        }
        const room = world.freeBytes - reserveBytes;
        let refused = false;
        try {
          gate.take(choice);
          world.freeBytes -= choice;
        } catch {
          refused = true;
        }
        assert.ok(world.freeBytes >= Math.min(reserveBytes, 2000));
        assert.equal(refused, choice > room, `${choice} of ${room}`);
      }
    }),
  );
});

test('taking costs next to nothing', async () => {
  const { gate } = gateOver(1e15, 0);
  await gate.poll();
  const startedMs = performance.now();
  for (let i = 0; i < 1_000_000; i++) gate.take(65_536);
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs < 500, `${tookMs} ns a call`);
});

for (const kind of ['tmpfs', 'ext4'] as const) {
  test(`on a real ${kind} writers stop at the reserve, and go on when there is room again`, async (t) => {
    const folder = mountSmall(t, kind, 96 * MIB);
    if (folder === null) return;
    const reserveBytes = 16 * MIB;
    const gate = new SpaceGate(folder, reserveBytes, systemClock);
    await gate.poll();
    const fd = fs.openSync(path.join(folder, 'data'), 'w');
    t.after(() => fs.closeSync(fd));
    const piece = Buffer.alloc(64 * 1024, 1);
    const write = () => {
      gate.take(piece.length);
      fs.writeSync(fd, piece);
    };
    assert.throws(() => {
      for (;;) write();
    }, NoSpaceError);
    const { freeBytes } = await freeSpace(folder);
    assert.ok(freeBytes >= reserveBytes - MIB && freeBytes < reserveBytes + 2 * MIB, `${freeBytes} are left`);
    fs.ftruncateSync(fd, 0);
    fs.fsyncSync(fd);
    await gate.poll();
    write();
  });
}
