/** The limits of a file system, and the gate that keeps its reserve. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { mountSmall } from '../../test/support/small-file-system.ts';
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
  const world = { freeBytes, lookCount: 0, fails: false };
  const gate = new SpaceGate('/', reserveBytes, () => {
    world.lookCount++;
    if (world.fails) throw new Error('EIO');
    return { freeBytes: world.freeBytes, sizeBytes: GIB };
  });
  const take = (bytes: number) => {
    gate.take(bytes);
    world.freeBytes -= bytes;
  };
  return { world, gate, take };
}

test('so much can be taken as is free above the reserve, and not a byte more', () => {
  const { world, take } = gateOver(100, 40);
  take(50);
  assert.throws(
    () => take(11),
    (error: Error) => {
      assert.ok(error instanceof NoSpaceError && error.retryable);
      assert.equal(errnoOf(error), 'ENOSPC');
      assert.match(error.message, /50 B are free .* 40 B of it are the reserve: delete/);
      return true;
    },
  );
  take(10);
  assert.throws(() => take(1), NoSpaceError);
  world.freeBytes = 41;
  take(1);
});

test('it looks again when much of what was left is taken, and always before it refuses', () => {
  const { world, gate } = gateOver(1000, 0);
  for (let i = 0; i < 3; i++) gate.take(80);
  assert.equal(world.lookCount, 1, 'the first look');
  world.freeBytes = 10_000;
  gate.take(80);
  assert.equal(world.lookCount, 2, 'and what others gave back is found');
  gate.take(9000);
  world.freeBytes = 0;
  gate.look();
  assert.throws(() => gate.take(1), NoSpaceError);
  world.freeBytes = 5;
  gate.take(1);
});

test('a file system that cannot be asked refuses nothing at first, and later what it refused before', () => {
  const { world, gate } = gateOver(100, 0);
  world.fails = true;
  gate.take(1e15);
  world.fails = false;
  gate.take(30);
  world.fails = true;
  assert.throws(() => gate.take(101), NoSpaceError);
  gate.take(70);
});

test('whatever is taken, the reserve is never touched by one gate alone, and nothing is refused that there is room for', () => {
  const takes = fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 60 });
  fc.assert(
    fc.property(takes, fc.integer({ min: 0, max: 500 }), (sizes, reserveBytes) => {
      const { world, take } = gateOver(2000, reserveBytes);
      for (const bytes of sizes) {
        const room = world.freeBytes - reserveBytes;
        let refused = false;
        try {
          take(bytes);
        } catch {
          refused = true;
        }
        assert.ok(world.freeBytes >= reserveBytes);
        assert.equal(refused, bytes > room, `${bytes} of ${room}`);
      }
    }),
  );
});

test('taking costs next to nothing', () => {
  const { gate } = gateOver(1e15, 0);
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
    const gate = new SpaceGate(folder, reserveBytes);
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
    write();
  });
}
