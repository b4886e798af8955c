/** The real program on a file system that fills up: what is refused and told, and that deleting always gives room back. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { NbdClient } from '../../src/nbd/client.ts';
import { fillUp, mountSmall } from '../support/small-file-system.ts';
import { TestServer, waitFor } from './server.ts';

const MIB = 1024 ** 2;
const smallDisk = { Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 1 };

/** On 512 MiB: a reserve of 10 MiB, a high-water mark of 36 MiB, 8 MiB kept in `DIR/reserve`. */
async function started(t: TestContext): Promise<TestServer | null> {
  const folder = mountSmall(t, 'ext4', 512 * MIB);
  if (folder === null) return null;
  const server = new TestServer(path.join(folder, 'hupo'));
  t.after(() => {
    for (const left of server.leftProcesses()) process.kill(Number(left.split(' ')[0]), 'SIGKILL');
  });
  await server.start();
  await waitFor('the reserve file', 10_000, async () => (reserveBytes(server) > 0 ? true : null));
  return server;
}

function reserveBytes(server: TestServer): number {
  return fs.statSync(path.join(server.dataFolder, 'reserve'), { throwIfNoEntry: false })?.size ?? 0;
}

async function write(server: TestServer, diskId: string, chunkCount: number): Promise<void> {
  const client = await NbdClient.connect((await server.disk(diskId)).NbdUri);
  for (let chunk = 0; chunk < chunkCount; chunk++) {
    const bytes = Buffer.alloc(CHUNK_BYTES, chunk + 1);
    await client.write(chunk * CHUNK_BYTES, bytes);
  }
  await client.flush();
  await client.close();
}

test('on a full device snapshots are refused, guests get ENOSPC, and deleting gives the room back', async (t) => {
  const server = await started(t);
  if (server === null) return;
  const folder = path.dirname(server.dataFolder);
  const { instanceId, diskId } = await server.runInstance(smallDisk);
  await write(server, diskId, 64);
  const { SnapshotId: first } = await server.call('CreateSnapshot', { DiskId: diskId });
  assert.equal((await server.finishedSnapshot(first)).Status, 'accomplished');

  fillUp(folder, 'ballast', 20 * MIB);
  const short = {
    code: 'QuotaExceed.Snapshot',
    message: /Only .* MiB are free .* begins with 3\d.* MiB or more: delete/,
  };
  await assert.rejects(server.call('CreateSnapshot', { DiskId: diskId }), short);
  await write(server, diskId, 32);
  fillUp(folder, 'ballast');
  await waitFor('the reserve file to be given up', 10_000, async () =>
    reserveBytes(server) === 0 && server.output.includes('the reserve file was given up') ? true : null,
  );
  await server.call('DeleteSnapshot', { SnapshotId: first });
  await server.stopInstance(instanceId);
  await server.call('DeleteInstance', { InstanceId: instanceId, Force: true });
  assert.equal(await server.disk(diskId), undefined);

  fs.rmSync(path.join(folder, 'ballast'));
  await waitFor('the reserve file again', 10_000, async () => (reserveBytes(server) > 0 ? true : null));
  const again = await server.runInstance(smallDisk);
  await write(server, again.diskId, 16);
  const { SnapshotId: second } = await server.call('CreateSnapshot', { DiskId: again.diskId });
  assert.equal((await server.finishedSnapshot(second)).Status, 'accomplished');

  fillUp(folder);
  await assert.rejects(write(server, again.diskId, 1024), /ENOSPC/);
  fs.rmSync(path.join(folder, 'ballast'));
  await write(server, again.diskId, 1024);
  await server.stop();
});

test('a server that was killed starts on a device that is full to the last byte, and what is deleted then is gone', async (t) => {
  const server = await started(t);
  if (server === null) return;
  const folder = path.dirname(server.dataFolder);
  const { instanceId, diskId } = await server.runInstance(smallDisk);
  await write(server, diskId, 64);
  const pid = await server.diskdPid();
  await server.killServe();
  process.kill(pid, 'SIGKILL');
  await waitFor('diskd to be gone', 5000, async () => (server.leftProcesses().length === 0 ? true : null));
  fillUp(folder);
  assert.equal(fs.statfsSync(folder).bavail, 0);

  const checked = server.cli('check', '--data', server.dataFolder);
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  assert.ok(reserveBytes(server) > 4 * MIB, 'the check did not take back what it had used');
  fillUp(folder);
  await server.start();
  assert.match(server.output, /is full: make room on it/);
  await server.stopInstance(instanceId);
  await server.call('DeleteInstance', { InstanceId: instanceId, Force: true });
  assert.equal(await server.disk(diskId), undefined);
  await waitFor('the bytes to be back', 10_000, async () => {
    return fs.existsSync(path.join(server.dataFolder, 'disks', diskId)) ? null : true;
  });
  fs.rmSync(path.join(folder, 'ballast'));
  await server.stop();
});
