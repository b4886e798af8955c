/** A checkpoint is read back as it was written, and any damage to it is seen. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { CorruptionError } from '../lib/errors.ts';
import { RecordingFiles, systemError } from '../../test/crash/recording-files.ts';
import type { Checkpoint } from './checkpoint.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { OPEN_END } from './lineage.ts';

const tree = { root: 'ab', levels: 2, dataChunkCount: 7 };
const checkpoint: Checkpoint = {
  head: {
    diskId: 'd-a',
    sizeBytes: 3000 * CHUNK_BYTES,
    incarnation: 2,
    generation: 9,
    live: {
      base: { snapshotId: 's-base', viewOf: 'd-b' },
      baseGeneration: 5,
      ranges: [
        [4, 6],
        [8, OPEN_END],
      ],
    },
    written: true,
    compareReason: null,
    trackedSince: 5,
    hasUndone: true,
    dataChunkCount: 2,
    olderLayerCount: 1,
  },
  views: [
    {
      snapshotId: 's-1',
      generation: 3,
      frozenAtMs: 12,
      sizeBytes: 3000 * CHUNK_BYTES,
      lineage: { base: { snapshotId: 's-0', tree }, baseGeneration: 1, ranges: [[0, 3]] },
      isDurable: true,
    },
  ],
  links: { data: 4, journal: 9, syncFailure: 'once' },
  groups: {
    pages: [
      { index: 0, unit: 7, crc: 0xffff_ffff },
      { index: 8, unit: 2, crc: 1 },
    ],
    bitmaps: [{ index: 1, unit: 3, crc: 2 }],
  },
};

test('a checkpoint is read back as it was written', async () => {
  const files = new RecordingFiles().startProcess();
  await writeCheckpoint(files, '/', checkpoint);
  assert.deepEqual(readCheckpoint(files, '/'), checkpoint);
  assert.deepEqual(files.list('/'), ['checkpoint']);
});

test('every flipped bit, a lost tail and a missing file are damage', async () => {
  const files = new RecordingFiles({ record: false }).startProcess();
  await writeCheckpoint(files, '/', checkpoint);
  const size = files.find('/checkpoint')!.sizeBytes;
  const fd = files.open('/checkpoint', 'read-write');
  const byte = Buffer.alloc(1);
  for (let at = 0; at < size; at++) {
    files.read(fd, byte, 0, 1, at);
    files.write(fd, Buffer.from([byte[0]! ^ (1 << (at % 8))]), 0, 1, at);
    assert.throws(() => readCheckpoint(files, '/'), CorruptionError, `byte ${at}`);
    files.write(fd, byte, 0, 1, at);
  }
  assert.deepEqual(readCheckpoint(files, '/'), checkpoint);
  files.truncate(fd, size - 1);
  assert.throws(() => readCheckpoint(files, '/'), CorruptionError);
  files.close(fd);
  files.unlink('/checkpoint');
  assert.throws(() => readCheckpoint(files, '/'), /is missing/);
});

test('a checkpoint that cannot be written leaves the old one, and nothing of itself', async () => {
  const machine = new RecordingFiles({ record: false });
  const files = machine.startProcess();
  await writeCheckpoint(files, '/', checkpoint);
  const next: Checkpoint = { ...checkpoint, links: { ...checkpoint.links, journal: 10 } };
  for (const name of ['open', 'truncate', 'write', 'syncData', 'rename'] as const) {
    machine.fault = (call) => (call.name === name ? { error: systemError('ENOSPC', call.path) } : undefined);
    let isReplaced = false;
    await assert.rejects(
      writeCheckpoint(files, '/', next, () => (isReplaced = true)),
      { code: 'ENOSPC' },
    );
    machine.fault = undefined;
    assert.equal(isReplaced, false);
    assert.equal(readCheckpoint(files, '/').links.journal, 9);
    assert.equal(files.openCount, 0);
  }
  machine.fault = (call) => (call.name === 'syncFolder' ? { error: systemError('EIO', call.path) } : undefined);
  let isReplaced = false;
  await assert.rejects(
    writeCheckpoint(files, '/', next, () => (isReplaced = true)),
    { code: 'EIO' },
  );
  assert.deepEqual([isReplaced, readCheckpoint(files, '/').links.journal], [true, 10]);
});
