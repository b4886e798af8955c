/** A rollback is undone by one command, on a real disk, and what is kept for that is listed and goes in its time. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { NbdClient } from '../../src/nbd/client.ts';
import { TestServer } from './server.ts';

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
    await server.start({ more: ['--undo-hours', '1'] });
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
    const { Snapshots } = await server.call('DescribeSnapshots', { DiskId: diskId });
    for (const each of Snapshots.Snapshot) await server.finishedSnapshot(each.SnapshotId);
    server.checkClean();
    await server.stop();
  } finally {
    server.abandon();
  }
});
