import test from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { WriteAssembly } from './write-assembly.ts';

const range = { offset: fc.integer({ min: 0, max: 200_000 }), lengthBytes: fc.integer({ min: 1, max: 300_000 }) };

test('however a payload is cut on the way, its pieces are whole blocks, small enough, in order and complete', () => {
  fc.assert(
    fc.property(
      fc.record({
        ...range,
        steps: fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1 }),
      }),
      (given) => {
        const payload = Buffer.from(Array.from({ length: given.lengthBytes }, (_, index) => index % 251));
        const pieces: { offset: number; bytes: Buffer }[] = [];
        const assembly = new WriteAssembly(given.offset, given.lengthBytes, (offset, piece) => {
          pieces.push({ offset, bytes: Buffer.from(piece) });
        });
        for (let at = 0, turn = 0; at < payload.length; turn++) {
          const end = Math.min(payload.length, at + (given.steps[turn % given.steps.length] ?? 1));
          assert.equal(assembly.accept(payload.subarray(0, end), at), end);
          at = end;
        }
        assert.ok(assembly.isComplete);
        assert.deepEqual(Buffer.concat(pieces.map((piece) => piece.bytes)), payload);
        let next = given.offset;
        for (const piece of pieces) {
          assert.equal(piece.offset, next);
          assert.ok(piece.bytes.length <= 65536);
          next += piece.bytes.length;
          assert.ok(next % 4096 === 0 || next === given.offset + given.lengthBytes);
        }
      },
    ),
    { numRuns: 100 },
  );
});

test('bytes after the payload are left alone', () => {
  const assembly = new WriteAssembly(4096, 4096, () => {});
  assert.equal(assembly.accept(Buffer.alloc(10_000), 28), 28 + 4096);
  assert.ok(assembly.isComplete);
});

test('a block of which the client sent only a part is never handed over', () => {
  const pieces: number[] = [];
  const assembly = new WriteAssembly(0, 8192, (offset) => {
    pieces.push(offset);
  });
  assembly.accept(Buffer.alloc(8191), 0);
  assert.deepEqual(pieces, [0]);
});
