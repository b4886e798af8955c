/** The disks of one thread, asked as the control plane asks: idempotent calls, failed syncs, views as bases of other disks. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { NbdClient } from '../nbd/client.ts';
import { RecordingFiles, systemError } from '../../test/crash/recording-files.ts';
import { ZERO_BASE, baseByte, baseRef, testClock } from '../../test/model/disk-harness.ts';
import { systemClock } from '../lib/clock.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { DiskHost } from './disk-host.ts';

const DISK_ID = 'd-host';
const SMALL = 8 * CHUNK_BYTES;
const LARGE = 16 * CHUNK_BYTES;
const otherTree: TreeRef = { root: 'a'.repeat(64), levels: 1, dataChunkCount: 1 };

/** A machine with one closed disk; `start` is a new diskd on it. */
async function createMachine(runFolder = '/run') {
  const machine = new RecordingFiles({ record: false });
  const clock = runFolder === '/run' ? testClock : systemClock; // sockets have deadlines
  const start = () => {
    const files = machine.startProcess();
    const host = new DiskHost({
      ...{ files, disksFolder: '/disks', runFolder, bootId: 'boot', clock },
      trees: {
        readChunk: async ({ root }, chunk) => {
          const byte = root?.length === 1 ? baseByte(Number(root), chunk) : 0;
          return byte === 0 ? null : Buffer.alloc(CHUNK_BYTES, byte);
        },
        listChunks: async () => [],
        findDigest: async () => null,
      },
      log: { info: () => undefined, warn: () => undefined },
    });
    return { files, host };
  };
  const { files, host } = start();
  files.ensureFolder('/disks');
  await host.call('createDisk', { diskId: DISK_ID, sizeBytes: SMALL, base: ZERO_BASE });
  return { machine, host, files, start };
}

/** The sync after the next rename of a checkpoint fails once with `code`. */
function failAfterRename(machine: RecordingFiles, code: string): void {
  let isRenamed = false;
  machine.fault = (call) => {
    if (call.name === 'rename') isRenamed = true;
    if (call.name !== 'syncFolder' || !isRenamed) return undefined;
    machine.fault = undefined;
    return { error: systemError(code, call.path) };
  };
}

for (const code of ['EIO', 'ENOSPC']) {
  test(`after ${code} in the last sync of a resize, the disk says the size that every later opening finds`, async () => {
    const { machine, host, files, start } = await createMachine();
    failAfterRename(machine, code);
    await assert.rejects(host.call('resizeDisk', { diskId: DISK_ID, sizeBytes: LARGE }));
    const { disk } = await host.call('describeDisk', { diskId: DISK_ID });
    assert.equal(disk.syncFailure, null);
    files.kill();
    const { disk: found } = await start().host.call('describeDisk', { diskId: DISK_ID });
    assert.equal(found.sizeBytes, disk.sizeBytes);
    assert.equal(found.sizeBytes, LARGE, 'the rename happened');
  });

  test(`after ${code} in the last sync of a rollback, the disk says the base that every later opening finds`, async () => {
    const { machine, host, files, start } = await createMachine();
    failAfterRename(machine, code);
    const base = { snapshotId: 's-1', tree: otherTree };
    await assert.rejects(host.call('rollback', { diskId: DISK_ID, base, incarnation: 2 }));
    const { disk } = await host.call('describeDisk', { diskId: DISK_ID });
    files.kill();
    const { disk: found } = await start().host.call('describeDisk', { diskId: DISK_ID });
    assert.deepEqual([found.incarnation, found.base], [disk.incarnation, disk.base]);
    assert.deepEqual([found.incarnation, found.base], [2, base]);
  });
}

test('closing a disk that was not opened, is damaged or is not there is nothing', async () => {
  const { machine, files, start } = await createMachine();
  files.kill();
  machine.startProcess().unlink(`/disks/${DISK_ID}/checkpoint`);
  const { host } = start();
  assert.deepEqual(await host.call('closeDisk', { diskId: DISK_ID }), { disk: null });
  assert.deepEqual(await host.call('closeDisk', { diskId: 'd-absent' }), { disk: null });
});

/** A machine whose sockets are real, in a folder that goes at the end, as do its disks. */
async function withSockets(work: (machine: Awaited<ReturnType<typeof createMachine>>) => Promise<void>): Promise<void> {
  const runFolder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-host-'));
  const hosts: DiskHost[] = [];
  try {
    const created = await createMachine(runFolder);
    const start = (): ReturnType<typeof created.start> => {
      const started = created.start();
      hosts.push(started.host);
      return started;
    };
    hosts.push(created.host);
    await work({ ...created, start });
    for (const host of hosts) await host.closeAll();
    assert.deepEqual(fs.readdirSync(runFolder), []);
  } finally {
    for (const host of hosts) await host.closeAll();
    fs.rmSync(runFolder, { recursive: true });
  }
}

async function connect(host: DiskHost, diskId: string, incarnation = 1): Promise<NbdClient> {
  const { disk } = await host.call('openDisk', { diskId, incarnation });
  return NbdClient.connect({ socketPath: disk.socketPath!, exportName: diskId });
}

/** Bytes of a closed disk's chunk, by its socket. */
async function firstByte(host: DiskHost, diskId: string, chunk: number, incarnation = 1): Promise<number> {
  const client = await connect(host, diskId, incarnation);
  const byte = (await client.read(chunk * CHUNK_BYTES, 512))[0]!;
  await client.close();
  await host.call('closeDisk', { diskId });
  return byte;
}

test('creating a disk again is the same disk; with another size or base it is refused', async () => {
  const { host } = await createMachine();
  await host.call('createDisk', { diskId: DISK_ID, sizeBytes: SMALL, base: ZERO_BASE });
  for (const other of [
    { sizeBytes: LARGE, base: ZERO_BASE },
    { sizeBytes: SMALL, base: baseRef(2) },
  ]) {
    await assert.rejects(host.call('createDisk', { diskId: DISK_ID, ...other }), { code: 'OperationConflict' });
  }
  await assert.rejects(host.call('createDisk', { diskId: DISK_ID, sizeBytes: 5, base: ZERO_BASE }), /whole chunks/);
  await assert.rejects(host.call('createDisk', { diskId: '../x', sizeBytes: SMALL, base: ZERO_BASE }), {
    code: 'InvalidDiskId.NotFound',
  });
  await host.closeAll();
});

test('active disks are those that are served, and those that clients used; nothing is opened for that', async () => {
  await withSockets(async ({ host }) => {
    const active = async () => (await host.listActive()).map(({ diskId, socketPath }) => [diskId, socketPath !== null]);
    const other = 'd-other';
    await host.call('createDisk', { diskId: other, sizeBytes: SMALL, base: ZERO_BASE });
    assert.deepEqual(await active(), []);
    await host.call('openDisk', { diskId: other, incarnation: 1 });
    assert.deepEqual(await active(), [[other, true]]);
    await host.call('closeDisk', { diskId: other });
    assert.deepEqual(await active(), [], 'nobody used it');
    await firstByte(host, DISK_ID, 0);
    assert.deepEqual(await active(), [[DISK_ID, false]]);
    await host.call('deleteDisk', { diskId: DISK_ID });
    assert.deepEqual(await active(), []);
  });
});

test('the limits of clients are those of the last opening, and none when it names none', async () => {
  await withSockets(async ({ host }) => {
    const limits = { iops: 100, bytesPerSecond: 1_000_000 };
    const opened = async (given?: typeof limits) =>
      (await host.call('openDisk', { diskId: DISK_ID, incarnation: 1, ...(given && { limits: given }) })).disk;
    assert.equal((await opened()).limits, null);
    assert.deepEqual((await opened(limits)).limits, limits);
    assert.deepEqual((await host.call('describeDisk', { diskId: DISK_ID })).disk.limits, limits);
    const { socketPath } = await opened({ ...limits, iops: 7 });
    assert.equal((await opened({ ...limits, iops: 7 })).socketPath, socketPath);
    assert.equal((await opened()).limits, null);
    await assert.rejects(host.call('openDisk', { diskId: DISK_ID, incarnation: 2 }), { code: 'OperationConflict' });
    await host.closeAll();
  });
});

test('a disk is made from a frozen view, reads it in a later diskd too, and lets go of it by a rebase', async () => {
  await withSockets(async ({ machine, host, files, start }) => {
    const child = 'd-child';
    const base = { snapshotId: 's-1', viewOf: DISK_ID };
    const create = { diskId: child, sizeBytes: LARGE, base };
    await assert.rejects(host.call('createDisk', create), { code: 'InvalidSnapshotId.NotReady' });
    const client = await connect(host, DISK_ID);
    await client.write(0, Buffer.alloc(CHUNK_BYTES, 1));
    await client.write(CHUNK_BYTES, Buffer.alloc(512, 2));
    await host.call('freeze', { diskId: DISK_ID, snapshotId: 's-1' });
    await host.call('awaitDurable', { diskId: DISK_ID, snapshotId: 's-1' });
    await client.write(0, Buffer.alloc(CHUNK_BYTES, 9));
    await client.close();
    await host.call('createDisk', create);
    await host.call('createDisk', create);
    assert.deepEqual((await host.call('describeDisk', { diskId: child })).disk.base, base);
    assert.deepEqual([await firstByte(host, child, 0), await firstByte(host, DISK_ID, 0)], [1, 9]);
    await assert.rejects(host.call('deleteDisk', { diskId: DISK_ID }), {
      code: 'IncorrectDiskStatus.CreatingSnapshot',
    });
    await host.call('closeDisk', { diskId: DISK_ID });
    files.kill();

    const next = start();
    assert.equal(await firstByte(next.host, child, 1), 2, 'from the disk that nobody had opened yet');
    const { tree } = baseRef(3); // says other bytes, so that it shows where they come from
    await next.host.call('rebase', { diskId: child, snapshotId: 's-1', tree });
    await next.host.call('releaseView', { diskId: DISK_ID, snapshotId: 's-1', committed: true });
    assert.equal(await firstByte(next.host, child, 2), baseByte(3, 2));
    assert.equal(await firstByte(next.host, child, 0), 1, 'what was fetched is its own');
    await next.host.call('createDisk', create);
    await next.host.call('deleteDisk', { diskId: DISK_ID });
    await next.host.closeAll();
    assert.deepEqual(
      machine
        .startProcess()
        .list('/disks')
        .filter((name) => name.startsWith('d-')),
      [child],
    );
  });
});

test('a disk whose base is a view that is gone answers errors for that, and nothing else', async () => {
  await withSockets(async ({ host }) => {
    await host.call('freeze', { diskId: DISK_ID, snapshotId: 's-1' });
    const base = { snapshotId: 's-1', viewOf: DISK_ID };
    await host.call('createDisk', { diskId: 'd-child', sizeBytes: SMALL, base });
    await host.call('releaseView', { diskId: DISK_ID, snapshotId: 's-1', committed: false });
    const client = await connect(host, 'd-child');
    await assert.rejects(client.read(0, 512));
    await client.write(0, Buffer.alloc(4096, 5));
    assert.equal((await client.read(0, 512))[0], 5);
    await client.close();
    await host.closeAll();
  });
});

test('a release that comes during a rollback to that view waits for it', async () => {
  const { machine, host } = await createMachine();
  await host.call('freeze', { diskId: DISK_ID, snapshotId: 's-1' });
  await host.call('awaitDurable', { diskId: DISK_ID, snapshotId: 's-1' });
  const gate = Promise.withResolvers<void>();
  machine.syncGate = () => gate.promise;
  const base = { snapshotId: 's-1', viewOf: DISK_ID };
  const rolledBack = host.call('rollback', { diskId: DISK_ID, base, incarnation: 2 });
  const released = host.call('releaseView', { diskId: DISK_ID, snapshotId: 's-1', committed: true });
  machine.syncGate = undefined;
  gate.resolve();
  const [{ disk }] = await Promise.all([rolledBack, released]);
  assert.equal(disk.incarnation, 2);
  assert.deepEqual((await host.call('describeDisk', { diskId: DISK_ID })).disk.views, []);
  await host.closeAll();
});

test('a disk of a failed sync is opened again by the next opening, and says until then why it flushes nothing', async () => {
  await withSockets(async ({ machine, host }) => {
    const client = await connect(host, DISK_ID);
    await client.write(0, Buffer.alloc(4096, 1));
    await client.flush();
    await client.write(4096, Buffer.alloc(4096, 2));
    machine.fault = (call) => (call.name === 'syncData' ? { error: systemError('EIO', call.path) } : undefined);
    await assert.rejects(client.flush());
    machine.fault = undefined;
    await assert.rejects(client.flush());
    await client.close();
    const { disk } = await host.call('closeDisk', { diskId: DISK_ID });
    assert.match(disk?.syncFailure ?? '', /EIO/);
    assert.equal(await firstByte(host, DISK_ID, 0), 1);
    assert.equal((await host.call('describeDisk', { diskId: DISK_ID })).disk.syncFailure, null);
    await host.closeAll();
  });
});

test('an online check looks at what is committed, beside an open disk, also where nothing can be written', async () => {
  const { machine, host } = await createMachine();
  await host.call('freeze', { diskId: DISK_ID, snapshotId: 's-1' });
  assert.deepEqual(await host.call('checkDisk', { diskId: DISK_ID }), { findings: [] });
  machine.fault = (call) => (call.name === 'write' ? { error: systemError('ENOSPC', call.path) } : undefined);
  await assert.rejects(host.call('releaseView', { diskId: DISK_ID, snapshotId: 's-1', committed: false }));
  assert.deepEqual(await host.call('checkDisk', { diskId: DISK_ID }), { findings: [] });
  machine.fault = undefined;
  await assert.rejects(host.call('checkDisk', { diskId: 'd-absent' }), { code: 'InvalidDiskId.NotFound' });
  await host.closeAll();
});
