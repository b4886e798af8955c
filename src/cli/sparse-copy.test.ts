import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { copyImageToDisk, planRuns } from './sparse-copy.ts';

const CHUNK = 65536;

test('a piece is written in whole chunks, those of zeros left out', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 16 }), fc.integer({ min: 0, max: CHUNK - 1 }), (data, missing) => {
      const piece = Buffer.alloc(Math.max(0, data.length * CHUNK - missing));
      for (const [index, isData] of data.entries()) if (isData) piece.fill(1, index * CHUNK, index * CHUNK + 1);
      const copy = Buffer.alloc(piece.length);
      const runs = planRuns(piece);
      for (const { start, end } of runs) piece.copy(copy, start, start, end);
      assert.ok(copy.equals(piece));
      for (const [index, run] of runs.entries()) {
        assert.equal(run.start % CHUNK, 0);
        assert.ok(run.start > (runs[index - 1]?.end ?? -1), 'neighbours are one run');
      }
      const filled = data.filter((isData, index) => isData && index * CHUNK < piece.length).length;
      assert.equal(
        runs.reduce((sum, run) => sum + Math.ceil((run.end - run.start) / CHUNK), 0),
        filled,
      );
    }),
  );
});

test('an image arrives whole, without its holes, and a failed write ends the copy', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-cli-'));
  const file = path.join(folder, 'image');
  const image = Buffer.alloc(40 * CHUNK + 777);
  for (const chunk of [0, 1, 17, 40]) image.fill(chunk + 1, chunk * CHUNK, chunk * CHUNK + 500);
  fs.writeFileSync(file, image);
  const disk = Buffer.alloc(64 * CHUNK);
  const told: number[] = [];
  const target = { write: (offset: number, data: Buffer) => Promise.resolve(void data.copy(disk, offset)) };
  const signal = new AbortController().signal;
  const copy = { file, sizeBytes: image.length, target, onProgress: (done: number) => told.push(done), signal };
  assert.equal(await copyImageToDisk(copy), 3 * CHUNK + 777);
  assert.ok(disk.subarray(0, image.length).equals(image));
  assert.equal(told.at(-1), image.length);
  await assert.rejects(
    copyImageToDisk({ ...copy, target: { write: () => Promise.reject(new Error('full')) } }),
    /full/,
  );
  await assert.rejects(copyImageToDisk({ ...copy, sizeBytes: image.length + 1 }), /became shorter/);
  await assert.rejects(copyImageToDisk({ ...copy, signal: AbortSignal.abort(new Error('stop')) }), /stop/);
  fs.rmSync(folder, { recursive: true });
});
