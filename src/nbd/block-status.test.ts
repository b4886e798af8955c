import test from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { describeAllocation } from './block-status.ts';
import type { Extent } from './device.ts';
import { Command, type Request } from './protocol.ts';

function request(lengthBytes: number, flags = 0): Request {
  return { command: Command.blockStatus, flags, cookieHigh: 0, cookieLow: 0, offset: 4096, lengthBytes };
}

const extent = fc.record({
  lengthBytes: fc.integer({ min: 1, max: 100_000 }),
  isHole: fc.boolean(),
  isZero: fc.boolean(),
});

test('descriptors say of every byte what the extents say, and neighbours differ', () => {
  fc.assert(
    fc.property(fc.array(extent, { minLength: 1, maxLength: 20 }), (extents) => {
      const lengthBytes = extents.reduce((sum, { lengthBytes: length }) => sum + length, 0);
      const found = describeAllocation({ status: () => structuredClone(extents) }, request(lengthBytes));
      const spread = found.flatMap((descriptor) => [descriptor.lengthBytes, descriptor.flags]);
      const expected: number[] = [];
      for (const { lengthBytes: length, isHole, isZero } of extents) {
        const flags = (isHole ? 1 : 0) + (isZero ? 2 : 0);
        if (expected.at(-1) === flags) expected[expected.length - 2] = (expected.at(-2) ?? 0) + length;
        else expected.push(length, flags);
      }
      assert.deepEqual(spread, expected);
    }),
    { numRuns: 300 },
  );
});

test('the device is asked for the range, and for one extent only when the client wants one', () => {
  const asked: number[][] = [];
  const status = (offset: number, lengthBytes: number, limit: number): Extent[] => {
    asked.push([offset, lengthBytes, limit]);
    return [{ lengthBytes: 512, isHole: false, isZero: false }];
  };
  assert.deepEqual(describeAllocation({ status }, request(8192)), [{ lengthBytes: 512, flags: 0 }]);
  assert.deepEqual(describeAllocation({ status }, request(8192, 8)), [{ lengthBytes: 512, flags: 0 }]);
  assert.deepEqual(asked, [
    [4096, 8192, 1024],
    [4096, 8192, 1],
  ]);
});

test('a device that says nothing, or of bytes beyond the range, is found out', () => {
  for (const lengths of [[], [0], [4097], [4096, 1]]) {
    const extents = lengths.map((lengthBytes, index) => ({ lengthBytes, isHole: index > 0, isZero: false }));
    assert.throws(() => describeAllocation({ status: () => extents }, request(4096)), /described|at least one/);
  }
});
