import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { noteChanges, planChanges } from './demo-changes.ts';
import { DemoWriter } from './demo-writer.ts';
import { ExpectedDisk, ZERO_SEED, compareDisk, hashFile, makeBlock } from './expected-disk.ts';

const BLOCK = 4096;
const DISK_BYTES = 80 * 1024 * 1024;
const signal = new AbortController().signal;

function makeImage(): { folder: string; image: { file: string; sizeBytes: number }; bytes: Buffer } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-cli-'));
  const bytes = Buffer.concat(Array.from({ length: 700 }, (_, index) => makeBlock(index))).subarray(
    0,
    700 * BLOCK - 100,
  );
  fs.writeFileSync(path.join(folder, 'image'), bytes);
  return { folder, image: { file: path.join(folder, 'image'), sizeBytes: bytes.length }, bytes };
}

function compare(expected: ExpectedDisk, disk: Buffer): Promise<string> {
  const read = (offset: number, lengthBytes: number) => Promise.resolve(disk.subarray(offset, offset + lengthBytes));
  return compareDisk(expected, { read, onProgress: () => undefined, signal });
}

test('a disk is the image, zeros after it, and what was written since; any other byte is found', async () => {
  const { folder, image, bytes } = makeImage();
  const disk = Buffer.alloc(DISK_BYTES);
  bytes.copy(disk);
  const expected = new ExpectedDisk(image, DISK_BYTES);
  const digest = crypto.hash('sha256', bytes);
  assert.equal(await compare(expected, disk), digest);
  assert.equal(await hashFile(image.file, signal), digest);
  disk[DISK_BYTES - 1] = 1;
  await assert.rejects(compare(expected, disk), new RegExp(`the 4 KiB at ${DISK_BYTES - BLOCK} are not`));
  disk[DISK_BYTES - 1] = 0;
  makeBlock(99).copy(disk, 3 * BLOCK);
  await assert.rejects(compare(expected, disk), /the 4 KiB at 12288 are not/);
  expected.allowBlock(3, 99);
  await compare(expected, disk);
  expected.setBlock(3, ZERO_SEED);
  disk.fill(0, 3 * BLOCK, 4 * BLOCK);
  await compare(expected, disk);
  fs.rmSync(folder, { recursive: true });
});

test('changes rewrite a run, trim another and scatter blocks over the rest, never one chunk twice', () => {
  for (const count of [0, 1, 2, 40, 5000]) {
    const dataChunks = Array.from({ length: count }, (_, index) => 3 * index);
    const { written, trimmed } = planChanges(dataChunks);
    const writtenChunks = new Set(written.map(({ block }) => Math.floor(block / 16)));
    assert.equal(new Set(written.map(({ block }) => block)).size, written.length);
    assert.ok(trimmed.every((chunk) => !writtenChunks.has(chunk)));
    assert.ok([...writtenChunks, ...trimmed].every((chunk) => dataChunks.includes(chunk)));
    assert.ok(written.length <= 512 * 16 + 256 && trimmed.length <= 128);
    assert.equal(written.length > 0, count > 0);
  }
});

test('a snapshot amid writes must hold the earlier ones, may hold those meanwhile, never the later ones', async () => {
  const { folder, image, bytes } = makeImage();
  const disk = Buffer.alloc(DISK_BYTES);
  bytes.copy(disk);
  const writer = new DemoWriter({
    sizeBytes: DISK_BYTES,
    write: async (offset: number, data: Buffer) => {
      await nextTurn();
      data.copy(disk, offset);
    },
  });
  writer.start();
  await writer.awaitAnswered(50);
  const answeredBefore = writer.listAnswered();
  const frozen = Buffer.from(disk);
  await writer.awaitAnswered(100);
  const begunByReply = writer.begunCount;
  await writer.awaitAnswered(begunByReply + 50);
  await writer.stop();
  const expected = new ExpectedDisk(image, DISK_BYTES);
  noteChanges(expected, planChanges([]));
  writer.noteMoment(expected, answeredBefore, begunByReply);
  await compare(expected, frozen);
  await assert.rejects(compare(expected, disk), /are not what they must be/, 'later writes are noticed');
  const late = new ExpectedDisk(image, DISK_BYTES);
  writer.noteMoment(late, writer.listAnswered(), writer.begunCount);
  await compare(late, disk);
  await assert.rejects(compare(late, frozen), /are not what they must be/, 'missing writes are noticed');
  fs.rmSync(folder, { recursive: true });
});

test('a failed write is told to whoever waits for the writer', async () => {
  const writer = new DemoWriter({ sizeBytes: DISK_BYTES, write: () => Promise.reject(new Error('EIO')) });
  writer.start();
  await nextTurn();
  await assert.rejects(writer.awaitAnswered(1), /EIO/);
  await assert.rejects(writer.stop(), /EIO/);
});
