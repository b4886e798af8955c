/** A rollback is undone by one command, on a real disk, and what is kept for that is listed and goes in its time. */
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { NbdClient } from '../../src/nbd/client.ts';
import { GIB } from '../../src/lib/geometry.ts';
import { TestServer, waitFor } from './server.ts';

const BLOCK_BYTES = 4096;

async function write(server: TestServer, diskId: string, byte: number): Promise<void> {
  const client = await NbdClient.connect(await uriOf(server, diskId));
  await client.write(0, Buffer.alloc(BLOCK_BYTES, byte), { fua: true });
  await client.close();
}

async function firstByte(server: TestServer, diskId: string): Promise<number> {
  const client = await NbdClient.connect(await uriOf(server, diskId));
  const bytes = await client.read(0, BLOCK_BYTES);
  await client.close();
  return bytes[0] ?? -1;
}

async function uriOf(server: TestServer, diskId: string): Promise<string> {
  const { Disks } = await server.call('DescribeDisks', { DiskIds: JSON.stringify([diskId]) });
  return Disks.Disk[0].NbdUri;
}

test('hupo disk undo brings back what a rollback replaced, and is undone itself', async () => {
  const server = new TestServer();
  try {
    await server.start();
    const { diskId, instanceId } = await server.runInstance({
      Category: 'cloud_essd',
      PerformanceLevel: 'PL0',
      Size: 1,
    });
    await write(server, diskId, 1);
    const { SnapshotId } = await server.call('CreateSnapshot', { DiskId: diskId });
    await server.finishedSnapshot(SnapshotId);
    await write(server, diskId, 2);
    const options = ['--data', server.dataFolder];
    const early = server.cli('disk', 'undo', diskId, ...options);
    assert.equal(early.status, 1);
    assert.match(early.stderr, /nothing is kept of what .* held before a rollback/);

    assert.match(server.cli('disk', 'undo', 'd-nothere', ...options).stderr, /^hupo: there is no disk d-nothere\n$/);

    const power = async (action: string) => server.call(action, { InstanceId: instanceId });
    await power('StopInstance');
    await server.call('ResetDisk', { DiskId: diskId, SnapshotId });
    await power('StartInstance');
    assert.equal(await firstByte(server, diskId), 1);
    assert.match(
      server.cli('disk', 'undo', diskId, '--list', ...options).stdout,
      /^s-\S+ {2}as of .* rolled back to s-/,
    );
    assert.match(server.cli('disk', 'undo', diskId, ...options).stderr, /is Running\. Stop it/);
    await power('StopInstance');
    const undone = server.cli('disk', 'undo', diskId, ...options);
    assert.equal(undone.status, 0, undone.stderr);
    await power('StartInstance');
    assert.equal(await firstByte(server, diskId), 2);
    await power('StopInstance');
    assert.equal(server.cli('disk', 'undo', diskId, ...options).status, 0);
    await power('StartInstance');
    assert.equal(await firstByte(server, diskId), 1, 'the undoing is undone');
    const { Snapshots } = await server.call('DescribeSnapshots', { DiskId: diskId, SnapshotType: 'undo' });
    assert.equal(Snapshots.Snapshot.length, 3);
    for (const each of Snapshots.Snapshot) await server.finishedSnapshot(each.SnapshotId);
    assert.equal((await server.call('DescribeSnapshots', { DiskId: diskId })).TotalCount, 1, 'no other list has them');
    assert.equal((await server.call('DescribeSnapshotsUsage')).UndoCount, 3);
    server.checkClean();
    await server.stop();
  } finally {
    server.abandon();
  }
});

test('while what a rollback replaced is being stored the disk is resized, used, rolled back to it over a death, and deleted', async () => {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-undo-'));
  const holdFile = path.join(scratch, 'hold');
  const server = new TestServer(undefined, { holdFile });
  try {
    await server.start();
    const { diskId, instanceId } = await server.runInstance({ Category: 'cloud_efficiency', Size: 20 });
    const power = async (action: string) => server.call(action, { InstanceId: instanceId });
    await write(server, diskId, 1);
    const { SnapshotId } = await server.call('CreateSnapshot', { DiskId: diskId });
    await server.finishedSnapshot(SnapshotId);
    await write(server, diskId, 2);
    fs.writeFileSync(holdFile, '');
    await power('StopInstance');
    await server.call('ResetDisk', { DiskId: diskId, SnapshotId });
    await server.call('ResizeDisk', { DiskId: diskId, NewSize: 30 });
    await power('StartInstance');
    assert.equal(await firstByte(server, diskId), 1);
    await write(server, diskId, 3);
    await power('StopInstance');
    await server.killServe();
    await server.start();
    assert.equal(server.cli('disk', 'undo', diskId, '--data', server.dataFolder).status, 0);
    await power('StartInstance');
    assert.equal(await firstByte(server, diskId), 2);
    const state = await server.diskState(diskId);
    assert.deepEqual(
      [state.sizeBytes, ...state.views.map(({ sizeBytes }) => sizeBytes)].map((bytes) => bytes / GIB),
      [30, 20, 30],
    );
    await power('StopInstance');
    await server.call('DetachDisk', { DiskId: diskId, InstanceId: instanceId });
    await server.call('DeleteDisk', { DiskId: diskId });
    assert.equal((await server.call('DescribeSnapshots', { SnapshotType: 'undo' })).TotalCount, 0);
    const folder = path.join(server.dataFolder, 'disks', diskId);
    await waitFor('the folder to go', 30_000, async () => (fs.existsSync(folder) ? null : true));
    fs.rmSync(holdFile);
    await server.stop();
  } finally {
    server.abandon();
    fs.rmSync(scratch, { recursive: true, force: true });
  }
});
