/** Work that meets other work half done: sweeps, releases and fetches beside rollbacks, rebases and reopenings. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { systemError } from '../../test/crash/recording-files.ts';
import { CHUNK_BYTES, DISK_ID, DiskHarness, ZERO_BASE, baseByte, baseRef } from '../../test/model/disk-harness.ts';

/** Holds every sync of the machine back until the returned function is called. */
function holdSyncs(real: DiskHarness): () => void {
  const gate = Promise.withResolvers<void>();
  real.machine.syncGate = () => gate.promise;
  return () => {
    real.machine.syncGate = undefined;
    gate.resolve();
  };
}

/** As often as syncs and their followers need to go on. */
async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await setImmediate();
}

test('a sweep beside a rollback writes nothing down that a replay of the new state cannot do', async () => {
  const real = await DiskHarness.create({ chunkCount: 4 });
  await real.fill(0, 1);
  await real.fill(1, 1);
  real.disk.freeze('s-1');
  await real.disk.awaitDurable('s-1');
  await real.fill(0, 2, 0, 4096);
  await real.fill(1, 3);
  real.disk.releaseView('s-1', true);
  await real.disk.store.flush();
  assert.equal(real.disk.sweep.isDue, true);
  const letGo = holdSyncs(real);
  const rolledBack = real.disk.rollback(baseRef(2), 2);
  await turns();
  if (real.disk.sweep.isDue) real.disk.sweep.slice(() => false);
  letGo();
  await rolledBack;
  await real.fill(3, 4);
  await real.restart();
  assert.equal((await real.read(0, 1))[0], baseByte(2, 0));
  await real.finish();
});

test('a view that is being rolled back to is not released meanwhile', async () => {
  const real = await DiskHarness.create({ chunkCount: 4 });
  await real.fill(0, 1);
  real.disk.freeze('s-1');
  await real.disk.awaitDurable('s-1');
  await real.fill(0, 2);
  const letGo = holdSyncs(real);
  const rolledBack = real.disk.rollback({ snapshotId: 's-1', viewOf: DISK_ID }, 2);
  await turns();
  assert.throws(() => real.disk.releaseView('s-1', true), { retryable: true });
  letGo();
  await rolledBack;
  real.disk.releaseView('s-1', true);
  assert.equal((await real.read(0, 1))[0], 1);
  await real.finish();
});

test('a zero of many chunks that cannot read a page of the map changes nothing', async () => {
  const real = await DiskHarness.create({ chunkCount: 1024 });
  for (const chunk of [0, 300, 600]) await real.fill(chunk, 1);
  await real.reopen();
  let failed = 0;
  real.machine.fault = (call) => {
    if (call.name !== 'read' || !call.path.endsWith('/map')) return undefined;
    return ++failed === 2 ? { error: systemError('EIO', call.path) } : undefined;
  };
  await assert.rejects(real.zero(0, 1024 * CHUNK_BYTES), { code: 'EIO' });
  real.machine.fault = undefined;
  await real.disk.device.flush();
  await real.fill(900, 9);
  await real.fill(901, 9);
  const before = await real.read(0, CHUNK_BYTES);
  await real.restart();
  assert.ok((await real.read(0, CHUNK_BYTES)).equals(before), 'the zero came and went');
  await real.finish();
});

test('a chunk of a view is never read from what the view held once it is released', async () => {
  const real = await DiskHarness.create({ chunkCount: 4, base: baseRef(2) });
  await real.fill(0, 1, 0, 4096);
  real.disk.freeze('s-1');
  await real.disk.awaitDurable('s-1');
  await real.fill(0, 7);
  const gate = Promise.withResolvers<void>();
  real.source.gate = gate.promise;
  const read = real.disk.readViewChunk('s-1', 0);
  real.disk.releaseView('s-1', true);
  await real.disk.store.flush();
  real.disk.sweep.slice(() => false);
  gate.resolve();
  await assert.rejects(read, /no frozen view/);
  await real.finish();
});

test('a fetch for a view that ended meanwhile leaves nothing behind on the live disk', async () => {
  const real = await DiskHarness.create({ chunkCount: 4, base: baseRef(2) });
  await real.fill(0, 1, 0, 4096);
  real.disk.freeze('s-1');
  await real.disk.awaitDurable('s-1');
  await real.disk.rollback(ZERO_BASE, 2);
  const gate = Promise.withResolvers<void>();
  real.source.gate = gate.promise;
  const listed = real.disk.listViewChunks({ snapshotId: 's-1', sinceGeneration: -1, fromChunk: 0, limit: 9 });
  await turns(1);
  real.disk.releaseView('s-1', false);
  await real.disk.store.flush();
  while (real.disk.sweep.isDue) real.disk.sweep.slice(() => false);
  assert.equal(real.disk.store.map.head.hasUndone, false);
  gate.resolve();
  await assert.rejects(listed, /no frozen view/);
  assert.equal(
    (await real.read(0, CHUNK_BYTES)).findIndex((byte) => byte !== 0),
    -1,
  );
  await real.finish();
});

test('a chunk that is being fetched from a view is fetched from the tree that takes its place', async () => {
  const real = await DiskHarness.create({ chunkCount: 4 });
  const { snapshotId, tree } = baseRef(3);
  const viewBase = { snapshotId: snapshotId!, viewOf: 'd-other' };
  const { head } = real.disk.store.map;
  head.live = { ...head.live, base: viewBase };
  await real.disk.store.checkpoint();
  await real.restart();
  const gate = Promise.withResolvers<void>();
  real.source.readView = async () => {
    await gate.promise;
    throw new Error('d-other has no frozen view of s-3');
  };
  const read = real.read(CHUNK_BYTES, 4096);
  await real.disk.rebase(snapshotId!, tree);
  gate.resolve();
  assert.equal((await read)[0], baseByte(3, 1));
  await real.finish();
});

test('a disk that is let go while a checkpoint is written replaces nothing afterwards', async () => {
  const real = await DiskHarness.create({ chunkCount: 4 });
  await real.fill(0, 1);
  await real.disk.device.flush();
  let letGo: (() => void) | undefined;
  const isHeld = Promise.withResolvers<void>();
  real.machine.fault = (call) => {
    if (call.name !== 'syncData' || !call.path.endsWith('checkpoint.new') || letGo !== undefined) return undefined;
    letGo = holdSyncs(real);
    isHeld.resolve();
    return undefined;
  };
  const checkpoint = real.disk.store.checkpoint();
  await isHeld.promise;
  await turns();
  real.machine.syncGate = undefined;
  let isOver = false;
  const abandoned = (async () => {
    await real.disk.store.abandon();
    isOver = true;
  })();
  await turns();
  assert.equal(isOver, false, 'it is let go, and still replaces its checkpoint');
  letGo!();
  await Promise.allSettled([checkpoint, abandoned]);
  assert.equal(real.process.openCount, 0);
  await real.open();
  await real.fill(1, 2);
  await real.reopen();
  assert.deepEqual([(await real.read(0, 1))[0], (await real.read(CHUNK_BYTES, 1))[0]], [1, 2]);
  await real.finish();
});
