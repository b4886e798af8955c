/** A checkpoint is read back as it was written, and any damage to it is seen. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { CorruptionError } from '../lib/errors.ts';
import { RecordingFiles } from '../../test/crash/recording-files.ts';
import { captureState, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { MapState } from './map-state.ts';

async function writeOne(): Promise<{ files: ReturnType<RecordingFiles['startProcess']>; state: MapState }> {
  const files = new RecordingFiles().startProcess();
  const state = new MapState({
    diskId: 'd-a',
    sizeBytes: 3000 * CHUNK_BYTES,
    incarnation: 2,
    generation: 1,
    baseGeneration: 1,
    base: { snapshotId: 's-base', tree: { root: 'ab', levels: 2, dataChunkCount: 7 } },
    written: true,
    compareReason: null,
  });
  state.apply({ type: 'data', chunk: 5, slot: 1, generation: 1 });
  state.apply({ type: 'data', chunk: 2999, slot: 2, generation: 0 });
  state.apply({ type: 'freeze', snapshotId: 's-1', generation: 1, frozenAtMs: 12 });
  state.apply({ type: 'data', chunk: 5, slot: 3, generation: 2 });
  await writeCheckpoint(files, '/', captureState(state, { data: 4, journal: 9, syncFailure: 'once' }));
  return { files, state };
}

test('a checkpoint is read back as it was written', async () => {
  const { files, state } = await writeOne();
  const read = readCheckpoint(files, '/');
  assert.deepEqual(read.links, { data: 4, journal: 9, syncFailure: 'once' });
  assert.deepEqual(read.state.head, state.head);
  assert.deepEqual(read.state.view, {
    snapshotId: 's-1',
    generation: 1,
    frozenAtMs: 12,
    saved: new Map([[5, { place: 3, generation: 1 }]]),
  });
  assert.equal(read.state.dataChunkCount, 2);
  assert.deepEqual(new Set(read.state.usedSlots()), new Set([1, 2, 3]));
});

test('a flipped bit, a lost tail and a missing file are damage', async () => {
  for (const spoil of ['flip', 'cut', 'unlink']) {
    const { files } = await writeOne();
    if (spoil === 'unlink') files.unlink('/checkpoint');
    else {
      const fd = files.open('/checkpoint', 'read-write');
      if (spoil === 'cut') files.truncate(fd, 400);
      else files.write(fd, Buffer.from([0x55]), 0, 1, 600);
      files.close(fd);
    }
    assert.throws(() => readCheckpoint(files, '/'), CorruptionError, spoil);
  }
});
