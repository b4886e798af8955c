/** A damaged journal: what a repair keeps, and what it no longer believes. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { CHUNK_BYTES, DISK_ID, DiskHarness, FOLDER } from '../../test/model/disk-harness.ts';
import { CorruptionError } from '../lib/errors.ts';
import { checkDisk } from './check.ts';
import { repairDisk } from './repair.ts';

test('a damaged journal keeps the disk from opening; a repair keeps what was before and compares everything next', async () => {
  const real = await DiskHarness.create({ chunkCount: 4 });
  await real.fill(0, 1);
  await real.fill(1, 2);
  real.disk.freeze('s-1');
  await real.disk.awaitDurable('s-1');
  await real.fill(2, 3);
  real.process.kill();
  real.process = real.machine.startProcess();
  const fd = real.process.open(`${FOLDER}/journal-1`, 'read-write');
  real.process.write(fd, Buffer.from([0xff]), 0, 1, 512 + 64 + 20);
  real.process.close(fd);
  await assert.rejects(real.open(), /journal-1 at byte 576/);
  const [finding] = checkDisk(real.process, FOLDER, real.bootId);
  assert.equal(finding!.diskId, DISK_ID);
  assert.match(finding!.repair ?? '', /before the damage/);
  const done = await repairDisk(real.process, FOLDER, { bootId: real.bootId, snapshotGeneration: 0 });
  assert.match(done.join('; '), /kept the 1 records before the damage.*compares every mapped chunk/);
  await real.open();
  assert.match(real.disk.describe().compareReason ?? '', /journal-1/);
  assert.equal((await real.read(0, 1))[0], 1);
  const { history } = real.disk.freeze('s-2');
  assert.ok(
    history.every(([first]) => first > 1),
    'the snapshot of before is something to compare with',
  );
  const request = { snapshotId: 's-2', sinceGeneration: -1, fromChunk: 0, limit: 10 };
  const { chunks } = await real.disk.listViewChunks(request);
  assert.deepEqual(
    chunks.map(({ chunk }) => chunk),
    [0],
  );
  await real.finish();
});

test('a repaired disk goes on in a generation that no snapshot has, and compares with none of before', async () => {
  const real = await DiskHarness.create({ chunkCount: 4 });
  await real.fill(0, 1);
  real.process.kill();
  real.process = real.machine.startProcess();
  real.process.unlink(`${FOLDER}/journal-1`);
  await repairDisk(real.process, FOLDER, { bootId: real.bootId, snapshotGeneration: 7 });
  await real.open();
  const { generation, history, compareReason } = real.disk.freeze('s-8');
  assert.ok(generation > 7);
  assert.deepEqual(history, [[generation, generation]]);
  assert.match(compareReason ?? '', /is missing/);
  await real.disk.awaitDurable('s-8');
  real.disk.releaseView('s-8', true);
  const next = real.disk.freeze('s-9');
  assert.deepEqual([next.compareReason, next.history], [null, [[generation, generation + 1]]]);
  await real.disk.awaitDurable('s-9');
  real.disk.releaseView('s-9', true);
  await real.finish();
});

test('a repair drops the frozen views and says so, and space that only they held returns', async () => {
  const real = await DiskHarness.create({ chunkCount: 4 });
  for (const chunk of [0, 1]) await real.fill(chunk, 1);
  for (const [i, snapshotId] of ['s-1', 's-2'].entries()) {
    real.disk.freeze(snapshotId);
    await real.disk.awaitDurable(snapshotId);
    await real.fill(0, 2 + i);
  }
  await real.disk.close();
  await real.open();
  await real.fill(2, 9);
  real.process.kill();
  real.process = real.machine.startProcess();
  const journal = real.process.list(FOLDER).find((name) => name.startsWith('journal-'));
  real.process.unlink(`${FOLDER}/${journal}`);
  const done = await repairDisk(real.process, FOLDER, { bootId: real.bootId, snapshotGeneration: 3 });
  assert.match(done.join('; '), /dropped 2 frozen views/);
  await real.open();
  assert.deepEqual([(await real.read(0, 1))[0], (await real.read(2 * CHUNK_BYTES, 1))[0]], [3, 0]);
  await real.disk.store.maintain();
  while (real.disk.sweep.isDue) real.disk.sweep.slice(() => false);
  assert.equal(real.disk.describe().mapping.usedSlotCount, 2);
  await real.finish();
});

test('of a journal of another boot a repair keeps only what a marker before the damage covers', async () => {
  const real = await DiskHarness.create({ chunkCount: 4 });
  await real.fill(0, 1);
  await real.disk.device.flush();
  await real.fill(1, 2);
  await real.fill(2, 3);
  await real.disk.device.flush();
  real.process.kill();
  real.process = real.machine.startProcess();
  const fd = real.process.open(`${FOLDER}/journal-1`, 'read-write');
  real.process.write(fd, Buffer.from([0xff]), 0, 1, 512 + 3 * 64 + 20); // data, marker, data, and this one
  real.process.close(fd);
  real.bootId = 'boot-2';
  await assert.rejects(real.open(), CorruptionError);
  await repairDisk(real.process, FOLDER, { bootId: real.bootId, snapshotGeneration: 0 });
  await real.open();
  assert.deepEqual([(await real.read(0, 1))[0], (await real.read(CHUNK_BYTES, 1))[0]], [1, 0]);
  await real.finish();
});

test('a repaired disk keeps the size that it had grown to', async () => {
  const real = await DiskHarness.create({ chunkCount: 4 });
  await real.disk.resize(6 * CHUNK_BYTES);
  await real.fill(5, 1);
  real.process.kill();
  real.process = real.machine.startProcess();
  const [journal] = real.process.list(FOLDER).filter((name) => name.startsWith('journal-'));
  real.process.unlink(`${FOLDER}/${journal}`);
  await repairDisk(real.process, FOLDER, { bootId: real.bootId, snapshotGeneration: 0 });
  await real.open();
  assert.equal(real.disk.device.sizeBytes, 6 * CHUNK_BYTES);
  await real.finish();
});
