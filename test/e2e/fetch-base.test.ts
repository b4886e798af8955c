/**
 * `hupo disk fetch` on the real program: a disk made from a snapshot becomes whole while it is written, and then neither the
 * snapshot nor the repository is needed for it.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { TestServer, waitFor } from './server.ts';

const MIB = 1024 ** 2;
const BYTES = 48 * MIB;
const smallDisk = { Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 1 };

test('a disk that has fetched its base keeps nothing of the repository, and holds its bytes', async () => {
  const server = new TestServer();
  try {
    await server.start();
    const { instanceId, diskId } = await server.runInstance(smallDisk);
    const bytes = crypto.randomBytes(BYTES);
    await write(server, diskId, 0, bytes);
    const snapshotId = await server.takeSnapshot(diskId);
    await server.finishedSnapshot(snapshotId);
    const made = await makeDisk(server, snapshotId, instanceId);

    await write(server, made, 5 * MIB, bytes.fill(7, 5 * MIB, 6 * MIB).subarray(5 * MIB, 6 * MIB));
    await server.fetchBase(made);
    await server.killDiskd();
    const fetched = server.cli('disk', 'fetch', made, '--data', server.dataFolder);
    assert.equal(fetched.status, 0, fetched.stderr);
    assert.match(fetched.stdout, /has all of its base|There is nothing to fetch/);
    assert.match(
      server.cli('disk', 'show', made, '--data', server.dataFolder).stdout,
      /base +zeros; all of the snapshot/,
    );
    assert.ok((await read(server, made)).equals(bytes));

    await server.call('DeleteSnapshot', { SnapshotId: snapshotId, Force: true });
    await waitFor('the repository to be empty', 60_000, async () => (server.repositoryBytes() < MIB ? true : null));
    fs.renameSync(path.join(server.dataFolder, 'repository', 'packs'), path.join(server.dataFolder, 'away'));
    assert.ok((await read(server, made)).equals(bytes), 'it needs a pack');
    fs.renameSync(path.join(server.dataFolder, 'away'), path.join(server.dataFolder, 'repository', 'packs'));

    const again = await server.takeSnapshot(made);
    assert.equal((await server.finishedSnapshot(again)).Status, 'accomplished');
    const file = path.join(server.dataFolder, 'exported.img');
    const exported = server.cli('snapshot', 'export', again, file, '--data', server.dataFolder);
    assert.equal(exported.status, 0, exported.stderr);
    assert.ok(fs.readFileSync(file).subarray(0, BYTES).equals(bytes));
    assert.match(server.cli('disk', 'fetch', made, '--data', server.dataFolder).stdout, /nothing to fetch/);
    const unknown = server.cli('disk', 'fetch', 'd-none', '--data', server.dataFolder);
    assert.match(unknown.stderr, /There is no disk d-none/);
    await server.stop();
  } finally {
    server.abandon();
  }
});

async function makeDisk(server: TestServer, snapshotId: string, instanceId: string): Promise<string> {
  const kind = { ZoneId: 'cn-hangzhou-a', DiskCategory: 'cloud_essd', PerformanceLevel: 'PL0' };
  const { DiskId: diskId } = await server.call('CreateDisk', { SnapshotId: snapshotId, ...kind });
  await waitFor('the disk', 10_000, async () => ((await server.disk(diskId)).Status === 'Available' ? true : null));
  await server.call('AttachDisk', { DiskId: diskId, InstanceId: instanceId });
  await waitFor('it to be attached', 10_000, async () =>
    (await server.disk(diskId)).Status === 'In_use' ? true : null,
  );
  return String(diskId);
}

async function write(server: TestServer, diskId: string, offset: number, bytes: Buffer): Promise<void> {
  const client = await server.connect(diskId);
  for (let at = 0; at < bytes.length; at += MIB) await client.write(offset + at, bytes.subarray(at, at + MIB));
  await client.flush();
  await client.close();
}

async function read(server: TestServer, diskId: string): Promise<Buffer> {
  const client = await server.connect(diskId);
  const pieces = [];
  for (let at = 0; at < BYTES; at += MIB) pieces.push(await client.read(at, MIB));
  await client.close();
  return Buffer.concat(pieces);
}
