/** What a disk does at its edges: bases that arrive late or damaged, failing syncs, full file systems, space given back. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { CorruptionError, OperationalError } from '../lib/errors.ts';
import { systemError } from '../../test/crash/recording-files.ts';
import { CHUNK_BYTES, DiskHarness, FOLDER, baseByte, baseRef } from '../../test/model/disk-harness.ts';
import { checkDisk } from './check.ts';
import { repairDisk } from './repair.ts';

test('a chunk of the base is fetched once, kept as unchanged, and not fetched again', async () => {
  const real = await DiskHarness.create({ base: baseRef(2) });
  const [first, second] = await Promise.all([real.read(CHUNK_BYTES, 4096), real.read(CHUNK_BYTES + 8192, 4096)]);
  assert.deepEqual([first[0], second[4095]], [baseByte(2, 1), baseByte(2, 1)]);
  await real.disk.store.maintain();
  await real.restart();
  await real.read(CHUNK_BYTES, CHUNK_BYTES);
  assert.equal(real.source.readCount, 1);
  real.disk.freeze('s-1');
  const request = { snapshotId: 's-1', sinceGeneration: 0, fromChunk: 0, limit: 10 };
  assert.deepEqual((await real.disk.listViewChunks(request)).chunks, []);
  await real.finish();
});

test('reads and writes of one chunk while it is fetched are done in the order they came', async () => {
  const real = await DiskHarness.create({ base: baseRef(2) });
  const gate = Promise.withResolvers<void>();
  real.source.gate = gate.promise;
  const before = Buffer.alloc(512);
  const after = Buffer.alloc(512);
  const waits = [
    real.disk.device.read(100, before),
    real.disk.device.write(0, Buffer.alloc(512, 0x77)),
    real.disk.device.read(100, after),
    real.disk.device.write(CHUNK_BYTES - 512, Buffer.alloc(512, 0x78)),
  ];
  gate.resolve();
  await Promise.all(waits.map(async (wait) => wait));
  assert.equal(real.source.readCount, 1);
  assert.deepEqual([before[0], after[0], after[411], after[412]], [baseByte(2, 0), 0x77, 0x77, baseByte(2, 0)]);
  const chunk = await real.read(0, CHUNK_BYTES);
  assert.deepEqual(
    [chunk[0], chunk[512], chunk[CHUNK_BYTES - 513], chunk[CHUNK_BYTES - 1]],
    [0x77, baseByte(2, 0), baseByte(2, 0), 0x78],
  );
  await real.finish();
});

test('whole blocks that are written while their chunk is fetched are not undone by what it brings', async () => {
  const real = await DiskHarness.create({ base: baseRef(2) });
  const gate = Promise.withResolvers<void>();
  real.source.gate = gate.promise;
  const read = real.read(0, CHUNK_BYTES);
  await real.fill(0, 9, 4096, 4096);
  await real.trim(CHUNK_BYTES, CHUNK_BYTES);
  gate.resolve();
  const found = await read;
  assert.deepEqual([found[0], found[4096], found[8192]], [baseByte(2, 0), 9, baseByte(2, 0)]);
  assert.ok((await real.read(0, CHUNK_BYTES)).equals(found));
  assert.equal((await real.read(CHUNK_BYTES, 1))[0], 0);
  await real.finish();
});

test('a chunk that cannot be read is an error on that chunk only, and a whole write mends it', async () => {
  const real = await DiskHarness.create({ base: baseRef(2) });
  real.source.broken.add(1);
  await assert.rejects(real.read(CHUNK_BYTES, 4096), CorruptionError);
  await assert.rejects(real.fill(1, 9, 100, 4096), CorruptionError);
  await assert.rejects(real.read(0, 2 * CHUNK_BYTES), CorruptionError);
  assert.equal((await real.read(0, 1))[0], baseByte(2, 0));
  await real.fill(1, 9);
  assert.equal((await real.read(CHUNK_BYTES, 1))[0], 9);
  await real.finish();
});

test('after a failed sync every flush fails, also on the same boot, until the disk is opened again', async () => {
  const real = await DiskHarness.create();
  await real.fill(0, 1);
  await real.disk.device.flush();
  await real.fill(1, 2);
  real.machine.fault = (call) =>
    call.name === 'syncData' && call.path.includes('.seg') ? { error: systemError('EIO', call.path) } : undefined;
  await assert.rejects(real.disk.device.flush(), OperationalError);
  real.machine.fault = undefined;
  await assert.rejects(real.disk.device.flush(), /a sync failed/);
  assert.match(real.disk.describe().syncFailure ?? '', /EIO/);
  await real.restart();
  assert.equal(real.disk.describe().syncFailure, null);
  await real.disk.device.flush();
  const image = await real.readAll();
  assert.deepEqual([image[0], image[CHUNK_BYTES]], [1, 0], 'what was not synced is believed');
  await real.disk.close();
  const [finding] = checkDisk(real.process, FOLDER, real.bootId);
  assert.match(finding!.what, /a sync failed .* was dropped/);
  assert.equal((await repairDisk(real.process, FOLDER, { bootId: real.bootId, snapshotGeneration: 0 })).length, 1);
  assert.deepEqual(checkDisk(real.process, FOLDER, real.bootId), []);
});

test('a checkpoint that cannot be written takes nothing along: what was acknowledged stays, flushes go on', async () => {
  for (const victim of ['/map', 'checkpoint.new']) {
    for (const name of ['write', 'syncData']) {
      const real = await DiskHarness.create();
      await real.fill(0, 1);
      real.machine.fault = (call) =>
        call.name === name && call.path.endsWith(victim) ? { error: systemError('EIO', call.path) } : undefined;
      await assert.rejects(real.disk.store.checkpoint(), { code: 'EIO' });
      await real.fill(1, 2);
      await real.disk.device.flush();
      assert.equal(real.disk.describe().syncFailure, null);
      await real.restart();
      assert.deepEqual([(await real.read(0, 1))[0], (await real.read(CHUNK_BYTES, 1))[0]], [1, 2]);
      real.machine.fault = undefined;
      await real.disk.store.checkpoint();
      await real.finish();
    }
  }
});

test('checkpoints that fail are tried less and less often, and each success makes up for it', async () => {
  let nowMs = 1000;
  const clock = { nowMs: () => 1_800_000_000_000, monotonicMs: () => nowMs, sleep: async () => {} };
  const real = await DiskHarness.create({ checkpointRecords: 4, clock, chunkCount: 300 });
  let tries = 0;
  real.machine.fault = (call) => {
    if (call.name !== 'write' || !call.path.endsWith('/map')) return undefined;
    tries++;
    return { error: systemError('ENOSPC', call.path) };
  };
  for (let i = 0; i < 200; i++) {
    await real.fill(i, 1, 0, 4096);
    await real.disk.device.flush();
  }
  assert.equal(tries, 1, 'each try leaves a journal more');
  for (let second = 0; second < 10; second++) {
    nowMs += 1000;
    for (let i = 0; i < 6; i++) {
      await real.fill(200 + second * 6 + i, 1, 0, 4096);
      await real.disk.device.flush();
    }
  }
  assert.ok(tries >= 3 && tries <= 5, `${tries} tries`);
  real.machine.fault = undefined;
  await real.disk.store.checkpoint();
  assert.equal(real.process.list(FOLDER).filter((name) => name.startsWith('journal-')).length, 1);
  await real.finish();
});

test('a full file system is an error on the write, and nothing else', async () => {
  const real = await DiskHarness.create();
  await real.fill(0, 1);
  for (const victim of ['.seg', 'journal']) {
    real.machine.fault = (call) =>
      call.name === 'write' && call.path.includes(victim)
        ? { error: systemError('ENOSPC', call.path), writtenBytes: 32 }
        : undefined;
    await assert.rejects(real.fill(1, 2), { code: 'ENOSPC' });
    real.machine.fault = undefined;
    await real.fill(2, 3);
    await real.disk.device.flush();
  }
  const image = await real.readAll();
  assert.deepEqual([image[0], image[2 * CHUNK_BYTES]], [1, 3]);
  await real.restart();
  assert.ok((await real.readAll()).equals(image), 'the map is not what it was');
  await real.finish();
});

test('released and trimmed bytes go back to the file system, and a fresh slot shows none of them', async () => {
  const real = await DiskHarness.create({ chunkCount: 200 });
  for (let chunk = 0; chunk < 200; chunk++) await real.fill(chunk, 5);
  await real.disk.device.flush();
  const before = real.disk.describe().allocatedBytes;
  await real.trim(0, 200 * CHUNK_BYTES);
  await real.disk.store.maintain();
  assert.equal(before, 200 * CHUNK_BYTES);
  assert.equal(real.disk.describe().allocatedBytes, 0);
  await real.fill(3, 6, 4096, 512);
  const chunk = await real.read(3 * CHUNK_BYTES, CHUNK_BYTES);
  assert.equal(chunk.indexOf(5), -1);
  await real.finish();
});

test('a slot is not used again before the record that freed it is durable', async () => {
  const real = await DiskHarness.create({ chunkCount: 4 });
  await real.fill(0, 1);
  await real.disk.device.flush();
  await real.trim(0, CHUNK_BYTES);
  await real.fill(1, 2);
  assert.equal(real.disk.store.map.livePlace(1), 3, 'slot 0 was used again');
  await real.disk.device.flush();
  await real.fill(2, 3);
  assert.equal(real.disk.store.map.livePlace(2), 2, 'slot 0 is not used again');
  await real.finish();
});

test('hundreds of thousands of slots can be freed at once', async () => {
  const chunkCount = 150_000;
  const real = await DiskHarness.create({ chunkCount });
  const { store } = real.disk;
  for (let slot = 0; slot < chunkCount; slot++) store.map.freed.push(slot);
  store.record({ type: 'zero', chunk: 0, count: chunkCount, generation: 1, overZero: true, drops: true });
  assert.equal(store.map.freed.length, 0);
  await store.abandon();
});

test('a disk grows under its clients, durably, once, and never shrinks', async () => {
  const real = await DiskHarness.create({ chunkCount: 4, base: baseRef(2) });
  await real.fill(3, 7);
  await real.disk.resize(6 * CHUNK_BYTES);
  await real.disk.resize(6 * CHUNK_BYTES);
  await assert.rejects(real.disk.resize(5 * CHUNK_BYTES), { code: 'InvalidDiskSize.TooSmall' });
  assert.equal(real.disk.device.sizeBytes, 6 * CHUNK_BYTES);
  const added = await real.read(4 * CHUNK_BYTES, 2 * CHUNK_BYTES);
  assert.ok(added.equals(Buffer.alloc(added.length)), 'what is new is zeros, also over a base');
  await real.fill(5, 9);
  await real.reopen({ anotherBoot: true });
  assert.equal(real.disk.device.sizeBytes, 6 * CHUNK_BYTES);
  assert.deepEqual([(await real.read(3 * CHUNK_BYTES, 1))[0], (await real.read(5 * CHUNK_BYTES, 1))[0]], [7, 9]);
  await real.disk.rollback(baseRef(2), 2);
  assert.equal(real.disk.device.sizeBytes, 6 * CHUNK_BYTES, 'a rollback keeps the size');
  assert.deepEqual([(await real.read(0, 1))[0], (await real.read(5 * CHUNK_BYTES, 1))[0]], [baseByte(2, 0), 0]);
  await real.finish();
});

test('a disk that grows while it is frozen leaves the view as it was, and can be rolled back to that', async () => {
  const real = await DiskHarness.create({ chunkCount: 4 });
  await real.fill(0, 1);
  const { sizeBytes } = real.disk.freeze('s-1');
  assert.equal(sizeBytes, 4 * CHUNK_BYTES);
  await real.disk.awaitDurable('s-1');
  await real.disk.resize(6 * CHUNK_BYTES);
  await real.fill(0, 2);
  await real.fill(5, 3);
  await real.reopen({ anotherBoot: true });
  assert.equal(real.disk.describe().views[0]?.sizeBytes, 4 * CHUNK_BYTES);
  assert.equal((await real.disk.readViewChunk('s-1', 0))?.[0], 1);
  assert.equal(await real.disk.readViewChunk('s-1', 5), null);
  const { chunks } = await real.disk.listViewChunks({ snapshotId: 's-1', sinceGeneration: -1, fromChunk: 0, limit: 9 });
  assert.deepEqual(
    chunks.map(({ chunk }) => chunk),
    [0],
  );
  await real.disk.rollback({ snapshotId: 's-1', viewOf: real.disk.describe().diskId }, 2);
  assert.equal(real.disk.device.sizeBytes, 6 * CHUNK_BYTES, 'a rollback keeps the size');
  assert.deepEqual([(await real.read(0, 1))[0], (await real.read(5 * CHUNK_BYTES, 1))[0]], [1, 0]);
  real.disk.releaseView('s-1', true);
  await real.finish();
});

test('a disk is not frozen while it grows', async () => {
  const real = await DiskHarness.create({ chunkCount: 4 });
  const growing = real.disk.resize(5 * CHUNK_BYTES);
  assert.throws(() => real.disk.freeze('s-2'), { code: 'OperationConflict' });
  await growing;
  assert.equal(real.disk.freeze('s-2').sizeBytes, 5 * CHUNK_BYTES);
  await real.disk.awaitDurable('s-2');
  real.disk.releaseView('s-2', true);
  await real.finish();
});

test('a disk that cannot write down its new size keeps the old one, and grows when it is asked again', async () => {
  const real = await DiskHarness.create({ chunkCount: 4 });
  real.machine.fault = (call) =>
    call.name === 'write' && call.path.includes('checkpoint.new')
      ? { error: systemError('ENOSPC', call.path), writtenBytes: 0 }
      : undefined;
  await assert.rejects(real.disk.resize(5 * CHUNK_BYTES), { code: 'ENOSPC' });
  real.machine.fault = undefined;
  assert.equal(real.disk.device.sizeBytes, 4 * CHUNK_BYTES);
  await real.restart();
  assert.equal(real.disk.device.sizeBytes, 4 * CHUNK_BYTES);
  await real.disk.resize(5 * CHUNK_BYTES);
  await real.fill(4, 3);
  await real.restart();
  assert.equal((await real.read(4 * CHUNK_BYTES, 1))[0], 3);
  await real.finish();
});

test('a disk of 32 TiB opens, freezes and trims at once', async () => {
  const real = await DiskHarness.create({ chunkCount: 32 * 1024 * 16_384 });
  const { sizeBytes } = real.disk.device;
  await real.write(sizeBytes - 4096, Buffer.alloc(4096, 7));
  real.disk.freeze('s-1');
  await real.disk.awaitDurable('s-1');
  await real.trim(0, sizeBytes);
  assert.equal((await real.read(sizeBytes - 1, 1))[0], 0);
  const request = { snapshotId: 's-1', sinceGeneration: 0, fromChunk: 0, limit: 10 };
  assert.equal((await real.disk.listViewChunks(request)).chunks.length, 1);
  await real.disk.close();
});
