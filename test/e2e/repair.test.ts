/** A damaged disk, with the real program: refused, told, in nobody's way, repaired, and snapshotted right afterwards. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { NbdClient } from '../../src/nbd/client.ts';
import { TestServer, waitFor } from './server.ts';

/** More than the test writes to. */
const HEAD_BYTES = 16 * CHUNK_BYTES;
const smallDisk = { Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 1 };

async function started(t: TestContext): Promise<TestServer> {
  const server = new TestServer();
  t.after(() => {
    for (const left of server.leftProcesses()) process.kill(Number(left.split(' ')[0]), 'SIGKILL');
    fs.rmSync(server.dataFolder, { recursive: true, force: true });
  });
  await server.start();
  return server;
}

async function fill(server: TestServer, diskId: string, chunk: number, byte: number): Promise<void> {
  const client = await NbdClient.connect((await server.disk(diskId)).NbdUri);
  await client.write(chunk * CHUNK_BYTES, Buffer.alloc(CHUNK_BYTES, byte), { fua: true });
  await client.close();
}

async function snapshot(server: TestServer, diskId: string): Promise<string> {
  const { SnapshotId } = await server.call('CreateSnapshot', { DiskId: diskId });
  assert.equal((await server.finishedSnapshot(SnapshotId)).Status, 'accomplished');
  return SnapshotId;
}

async function headOfDisk(server: TestServer, diskId: string): Promise<Buffer> {
  const client = await NbdClient.connect((await server.disk(diskId)).NbdUri);
  const head = await client.read(0, HEAD_BYTES);
  await client.close();
  return head;
}

async function headOfSnapshot(server: TestServer, snapshotId: string): Promise<Buffer> {
  const image = path.join(server.dataFolder, `${snapshotId}.img`);
  const result = server.cli('snapshot', 'export', snapshotId, image, '--data', server.dataFolder);
  assert.equal(result.status, 0, result.stderr);
  const head = Buffer.alloc(HEAD_BYTES);
  const fd = fs.openSync(image, 'r');
  fs.readSync(fd, head, 0, HEAD_BYTES, 0);
  fs.closeSync(fd);
  fs.rmSync(image);
  return head;
}

async function assertSame(server: TestServer, diskId: string, snapshotId: string): Promise<void> {
  const same = (await headOfSnapshot(server, snapshotId)).equals(await headOfDisk(server, diskId));
  assert.ok(same, `${snapshotId} is not what ${diskId} holds`);
}

/** Ends both processes as a power cut of the whole service would, so that the journal stays as it is. */
async function kill(server: TestServer): Promise<void> {
  const pid = await server.diskdPid();
  await server.killServe();
  process.kill(pid, 'SIGKILL');
  await waitFor('diskd to be gone', 5000, async () => (server.leftProcesses().length === 0 ? true : null));
}

test('a disk with a damaged journal is refused and told, a repair mends it, and its snapshots are right again', async (t) => {
  const server = await started(t);
  const check = (...options: string[]) => server.cli('check', '--data', server.dataFolder, ...options);
  const { instanceId, diskId } = await server.runInstance(smallDisk);
  const other = await server.runInstance(smallDisk);
  await fill(server, diskId, 0, 1);
  await snapshot(server, diskId);
  await fill(server, diskId, 1, 2);
  const second = await snapshot(server, diskId);
  await fill(server, diskId, 2, 3);
  await fill(server, other.diskId, 0, 9);
  await kill(server);
  const journal = path.join(server.dataFolder, 'disks', diskId, 'journal-1');
  const fd = fs.openSync(journal, 'r+');
  fs.writeSync(fd, Buffer.from([0xff]), 0, 1, 512 + 40); // in the first record
  fs.closeSync(fd);

  await server.start();
  assert.equal((await server.disk(diskId)).NbdUri, undefined);
  assert.ok((await server.disk(other.diskId)).NbdUri, 'another disk is not served');
  const begunMs = performance.now();
  await assert.rejects(server.call('CreateSnapshot', { DiskId: diskId }), {
    code: 'InternalError',
    message: /hupo check/,
  });
  assert.ok(performance.now() - begunMs < 3000, 'the refusal is late');
  await server.stopInstance(instanceId);
  await assert.rejects(server.call('StartInstance', { InstanceId: instanceId }), { message: /hupo check/ });
  await server.instanceStatus(instanceId, 'Stopped');
  await fill(server, other.diskId, 1, 9);
  const told = check();
  assert.equal(told.status, 1);
  assert.match(told.stdout, new RegExp(`${journal} at byte 512.*hupo check --repair`));
  const refused = check('--repair');
  assert.match(refused.stderr, /hupo stop/);
  assert.equal(refused.status, 1);

  assert.equal(server.cli('stop', '--data', server.dataFolder).status, 0);
  await server.killServe();
  const repaired = check('--repair');
  assert.equal(repaired.status, 0, repaired.stdout + repaired.stderr);
  assert.match(repaired.stdout, new RegExp(`repaired: ${diskId}: kept the 0 records before the damage`));
  await server.start();
  await server.startInstance(instanceId);
  await fill(server, diskId, 5, 7);
  const third = await snapshot(server, diskId);
  await assertSame(server, diskId, third);
  await server.call('DeleteSnapshot', { SnapshotId: third });
  await fill(server, diskId, 6, 8);
  const fourth = await snapshot(server, diskId);
  await assertSame(server, diskId, fourth); // compared with none of before the repair
  await server.stopInstance(instanceId);
  await server.call('ResetDisk', { DiskId: diskId, SnapshotId: second });
  await server.startInstance(instanceId);
  await assertSame(server, diskId, second); // what the journal lost is in it
  await server.stop();
});
