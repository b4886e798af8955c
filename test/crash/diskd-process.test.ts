/** The real diskd process over a real folder: served by its sockets, killed, started again, asked by its protocol. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { systemFiles } from '../../src/lib/files.ts';
import { NbdClient } from '../../src/nbd/client.ts';
import { checkDisk } from '../../src/disk/check.ts';
import { CorruptionError } from '../../src/lib/errors.ts';
import { DISKD_PROTOCOL } from '../../src/disk/protocol.ts';
import { ZERO_BASE, readSlot, spawnDiskd, startDiskd } from '../support/diskd-process.ts';
import type { Diskd } from '../support/diskd-process.ts';

const DISK_ID = 'd-process0000000000001';

function openNbd(diskd: Diskd, incarnation = 1): Promise<NbdClient> {
  return diskd.openNbd(DISK_ID, incarnation);
}

function findingsOf(diskd: Diskd): unknown[] {
  return checkDisk(systemFiles, path.join(diskd.folder, 'disks', DISK_ID));
}

function pattern(byte: number, length = 4096): Buffer {
  return Buffer.alloc(length, byte);
}

test('a disk that grew under its client keeps its size, and what was written beyond the old end, over a SIGKILL', async (t) => {
  const diskd = await startDiskd(t);
  await diskd.client.call('createDisk', { diskId: DISK_ID, sizeBytes: 1024 ** 3, base: ZERO_BASE });
  const early = await openNbd(diskd);
  await early.write(0, pattern(1));
  const { disk } = await diskd.client.call('resizeDisk', { diskId: DISK_ID, sizeBytes: 2 * 1024 ** 3 });
  assert.equal(disk.sizeBytes, 2 * 1024 ** 3);
  const late = await openNbd(diskd);
  assert.deepEqual([early.sizeBytes, late.sizeBytes], [1024 ** 3, 2 * 1024 ** 3]);
  await late.write(2 * 1024 ** 3 - 4096, pattern(2));
  await early.write(4096, pattern(3));
  assert.equal(await diskd.end('SIGKILL'), 'SIGKILL');
  assert.deepEqual(findingsOf(diskd), []);
  await diskd.start();
  const after = await openNbd(diskd);
  assert.equal(after.sizeBytes, 2 * 1024 ** 3);
  assert.deepEqual(await after.read(2 * 1024 ** 3 - 8192, 8192), Buffer.concat([pattern(0), pattern(2)]));
  assert.deepEqual(await after.read(0, 8192), Buffer.concat([pattern(1), pattern(3)]));
  await after.close();
});

test('a disk keeps acknowledged writes and its frozen view over a SIGKILL of diskd, and ends cleanly on SIGTERM', async (t) => {
  const diskd = await startDiskd(t);
  const hello = await diskd.client.call('hello', { protocol: DISKD_PROTOCOL });
  assert.equal(hello.protocol, DISKD_PROTOCOL);
  await diskd.client.call('createDisk', { diskId: DISK_ID, sizeBytes: 1024 ** 3, base: ZERO_BASE });
  let nbd = await openNbd(diskd);
  await nbd.write(0, pattern(1));
  await nbd.write(5 * CHUNK_BYTES + 4096, pattern(2, 3 * CHUNK_BYTES));
  const frozen = await diskd.client.call('freeze', { diskId: DISK_ID, snapshotId: 's-one' });
  assert.deepEqual(await diskd.client.call('freeze', { diskId: DISK_ID, snapshotId: 's-one' }), frozen);
  await diskd.client.call('awaitDurable', { diskId: DISK_ID, snapshotId: 's-one' });
  await nbd.write(0, pattern(3));

  assert.equal(await diskd.end('SIGKILL'), 'SIGKILL');
  assert.deepEqual(findingsOf(diskd), []);
  await diskd.start();
  nbd = await openNbd(diskd);
  assert.deepEqual(await nbd.read(0, 4096), pattern(3));
  assert.deepEqual(await nbd.read(5 * CHUNK_BYTES + 4096, 3 * CHUNK_BYTES), pattern(2, 3 * CHUNK_BYTES));

  const request = { diskId: DISK_ID, snapshotId: 's-one', sinceGeneration: 0, fromChunk: 0, limit: 100 };
  const view = await diskd.client.call('listViewChunks', request);
  assert.deepEqual(
    view.chunks.map(({ chunk }) => chunk),
    [0, 5, 6, 7, 8],
  );
  const [first] = view.chunks;
  assert.ok(first !== undefined && 'slot' in first, 'over zeros, the first write holds the whole chunk');
  assert.deepEqual(
    readSlot(view.dataFolder, first.slot!, 4096),
    pattern(1),
    'the view shows what was written after it',
  );
  await diskd.client.call('releaseView', { diskId: DISK_ID, snapshotId: 's-one', committed: true });
  assert.deepEqual((await diskd.client.call('checkDisk', { diskId: DISK_ID })).findings, []);

  assert.deepEqual(await diskd.client.call('shutdown', { force: false }), { clientCount: 1, ending: false });
  await nbd.close();
  const { disk } = await diskd.client.call('closeDisk', { diskId: DISK_ID });
  assert.equal(disk?.socketPath, null);
  assert.equal(await diskd.end('SIGTERM'), 0);
  assert.deepEqual(findingsOf(diskd), []);
  assert.deepEqual(fs.readdirSync(diskd.run), []);
});

test('a rollback takes the disk to its base, gives it a new incarnation, and refuses the old one', async (t) => {
  const diskd = await startDiskd(t);
  const { client } = diskd;
  await client.call('createDisk', { diskId: DISK_ID, sizeBytes: 1024 ** 3, base: ZERO_BASE });
  const nbd = await openNbd(diskd);
  await nbd.write(0, pattern(9, CHUNK_BYTES));
  const rollback = { diskId: DISK_ID, base: ZERO_BASE, incarnation: 2 };
  await assert.rejects(client.call('rollback', rollback), { code: 'IncorrectDiskStatus' });
  await nbd.close();
  await client.call('closeDisk', { diskId: DISK_ID });
  const { disk } = await client.call('rollback', rollback);
  assert.deepEqual(
    { incarnation: disk.incarnation, base: disk.base, views: disk.views },
    { incarnation: 2, base: ZERO_BASE, views: [] },
  );
  assert.deepEqual(await client.call('rollback', rollback).then((reply) => reply.disk.generation), disk.generation);
  await assert.rejects(client.call('openDisk', { diskId: DISK_ID, incarnation: 1 }), { code: 'OperationConflict' });
  const again = await openNbd(diskd, 2);
  assert.deepEqual(await again.read(0, CHUNK_BYTES), pattern(0, CHUNK_BYTES));
  const { disk: closed } = await client.call('closeDisk', { diskId: DISK_ID });
  assert.equal(closed?.clientCount, 1, 'it says how many clients it cut off');
  again.destroy();
  await client.call('deleteDisk', { diskId: DISK_ID });
  await client.call('deleteDisk', { diskId: DISK_ID });
  await assert.rejects(client.call('describeDisk', { diskId: DISK_ID }), { code: 'InvalidDiskId.NotFound' });
  assert.deepEqual((await client.call('listDisks', {})).disks, []);
  assert.deepEqual(await client.call('shutdown', { force: false }), { clientCount: 0, ending: true });
  assert.equal(await diskd.exited(), 0);
});

test('a second diskd on the same folder is refused, and a damaged disk hurts no other', async (t) => {
  const diskd = await startDiskd(t);
  const { client } = diskd;
  const other = 'd-process0000000000002';
  for (const diskId of [DISK_ID, other]) {
    await client.call('createDisk', { diskId, sizeBytes: 1024 ** 3, base: ZERO_BASE });
  }
  const second = spawnDiskd(diskd.folder, diskd.run);
  assert.deepEqual(await once(second, 'exit'), [1, null]);

  assert.equal(await diskd.end('SIGKILL'), 'SIGKILL');
  fs.writeFileSync(path.join(diskd.folder, 'disks', DISK_ID, 'checkpoint'), 'not a checkpoint');
  await diskd.start();
  const { disks } = await diskd.client.call('listDisks', {});
  assert.deepEqual(
    disks.map(({ diskId }) => diskId),
    [other],
  );
  assert.deepEqual(await diskd.client.call('listDisks', { active: true }), { disks: [] });
  const { findings } = await diskd.client.call('checkDisk', { diskId: DISK_ID });
  assert.match(findings[0]!.what, /checkpoint is damaged/);
  const view = { diskId: DISK_ID, snapshotId: 's-none' };
  await assert.rejects(diskd.client.call('freeze', view), CorruptionError);
  await diskd.client.call('cancelFreeze', view);
  await diskd.client.call('releaseView', { ...view, committed: true });
  assert.deepEqual(await diskd.client.call('closeDisk', { diskId: DISK_ID }), { disk: null });
  await diskd.client.call('shutdown', { force: true });
  assert.equal(await diskd.exited(), 0);
});

test('disks that stand on the frozen view of another read it over a SIGKILL, whichever thread would have had them', async (t) => {
  const diskd = await startDiskd(t);
  const sizeBytes = 1024 ** 3;
  await diskd.client.call('createDisk', { diskId: DISK_ID, sizeBytes, base: ZERO_BASE });
  const nbd = await openNbd(diskd);
  await nbd.write(0, pattern(1));
  await diskd.client.call('freeze', { diskId: DISK_ID, snapshotId: 's-one' });
  await diskd.client.call('awaitDurable', { diskId: DISK_ID, snapshotId: 's-one' });
  await nbd.write(0, pattern(2));
  const children = ['d-process0000000000002', 'd-process0000000000003', 'd-process0000000000004'];
  const base = { snapshotId: 's-one', viewOf: DISK_ID };
  for (const diskId of children) await diskd.client.call('createDisk', { diskId, sizeBytes, base });
  assert.equal(await diskd.end('SIGKILL'), 'SIGKILL');
  await diskd.start();
  for (const diskId of children.reverse()) {
    const { disk } = await diskd.client.call('openDisk', { diskId, incarnation: 1 });
    const child = await NbdClient.connect({ socketPath: disk.socketPath!, exportName: diskId });
    assert.deepEqual(await child.read(0, 8192), Buffer.concat([pattern(1), pattern(0)]));
    await child.close();
    await diskd.client.call('closeDisk', { diskId });
  }
  const again = await openNbd(diskd);
  assert.deepEqual(await again.read(0, 4096), pattern(2));
  await again.close();
  await diskd.client.call('closeDisk', { diskId: DISK_ID });
  await diskd.client.call('rollback', { diskId: DISK_ID, base, incarnation: 2 });
  const rolledBack = await openNbd(diskd, 2);
  assert.deepEqual(await rolledBack.read(0, 4096), pattern(1));
  await rolledBack.close();
  assert.equal(await diskd.end('SIGTERM'), 0);
  assert.deepEqual(findingsOf(diskd), []);
});
