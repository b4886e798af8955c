/** The recycle bin of the real program: what is deleted comes back byte for byte over a death of the server, and its space by emptying. */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { TestServer, waitFor } from './server.ts';

const MIB = 1024 ** 2;
const SIZE_BYTES = 8 * MIB;

async function write(server: TestServer, diskId: string): Promise<string> {
  const client = await server.connect(diskId);
  const bytes = crypto.randomBytes(SIZE_BYTES);
  for (let at = 0; at < SIZE_BYTES; at += MIB) await client.write(at, bytes.subarray(at, at + MIB));
  await client.flush();
  await client.close();
  return crypto.hash('sha256', bytes);
}

async function read(server: TestServer, diskId: string): Promise<string> {
  const client = await server.connect(diskId);
  const pieces: Buffer[] = [];
  for (let at = 0; at < SIZE_BYTES; at += MIB) pieces.push(await client.read(at, MIB));
  await client.close();
  return crypto.hash('sha256', Buffer.concat(pieces));
}

test('a deleted disk and snapshot are restored over a SIGKILL, and emptying makes disks and repository smaller', async () => {
  const server = new TestServer();
  const serve = () => server.start({ recycleHours: '24' });
  const options = ['--data', server.dataFolder];
  const cli = (...words: string[]) => {
    const { status, stdout, stderr } = server.cli('recycle-bin', ...words, ...options);
    assert.equal(status, 0, stderr);
    return stdout;
  };
  try {
    await serve();
    const { diskId, instanceId } = await server.runInstance({
      Category: 'cloud_essd',
      PerformanceLevel: 'PL0',
      Size: 1,
    });
    const then = await write(server, diskId);
    const { SnapshotId } = await server.call('CreateSnapshot', { DiskId: diskId, SnapshotName: 'then' });
    await server.finishedSnapshot(SnapshotId);
    const now = await write(server, diskId);
    await server.call('DetachDisk', { DiskId: diskId, InstanceId: instanceId });
    await waitFor('it to be free', 30_000, async () =>
      (await server.disk(diskId)).Status === 'Available' ? true : null,
    );
    assert.equal(cli(), 'The recycle bin is empty.\n');
    await server.call('DeleteSnapshot', { SnapshotId });
    await server.call('DeleteDisk', { DiskId: diskId });
    await server.killServe();
    await serve();
    assert.equal(await server.disk(diskId), undefined);
    assert.equal((await server.call('DescribeSnapshots')).TotalCount, 0);
    server.checkClean();
    const held = await waitFor('what it holds to be known', 30_000, async () => {
      const items = JSON.parse(cli('--json')) as { ResourceId: string; HeldSize?: number }[];
      assert.deepEqual(new Set(items.map(({ ResourceId }) => ResourceId)), new Set([diskId, SnapshotId]));
      return items.every(({ HeldSize = 0 }) => HeldSize >= SIZE_BYTES) ? items : null;
    });
    assert.equal(held.length, 2);
    assert.match(cli('list'), new RegExp(`${SnapshotId} +${diskId} .* then\\n`));
    assert.match(cli('restore', diskId, SnapshotId), /: restored\.\n$/);
    await server.call('AttachDisk', { DiskId: diskId, InstanceId: instanceId });
    assert.equal(await read(server, diskId), now);
    await server.rollBack(instanceId, diskId, SnapshotId);
    assert.equal(await read(server, diskId), then);

    await server.call('DetachDisk', { DiskId: diskId, InstanceId: instanceId });
    await waitFor('it to be free', 30_000, async () =>
      (await server.disk(diskId)).Status === 'Available' ? true : null,
    );
    await server.call('DeleteSnapshot', { SnapshotId, Force: true });
    await server.call('DeleteDisk', { DiskId: diskId });
    const folder = path.join(server.dataFolder, 'disks', diskId);
    const before = server.repositoryBytes();
    assert.ok(fs.existsSync(folder) && before > SIZE_BYTES);
    assert.match(server.cli('recycle-bin', 'empty', ...options).stderr, /say which IDs, or --all/);
    assert.match(
      server.cli('recycle-bin', 'empty', '--all', ...options).stderr,
      /Nobody is here to be asked: say --yes/,
    );
    assert.equal(cli('empty', '--all', '--yes'), 'The recycle bin is empty.\n');
    await waitFor('the space to return', 60_000, async () =>
      !fs.existsSync(folder) && server.repositoryBytes() < before - SIZE_BYTES ? true : null,
    );
    assert.match(server.cli('recycle-bin', 'restore', diskId, ...options).stderr, /is not in the recycle bin/);
    await server.stop();
  } finally {
    server.abandon();
  }
});
