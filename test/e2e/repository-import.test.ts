/**
 * A catalog that is lost, or restored from an old copy, and a repository that changes hands: `hupo repository import` and
 * `adopt` bring every snapshot back, and nothing that anybody needs is collected (R2, R6).
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { TestServer } from './server.ts';

const smallDisk = { Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 1 };

/** Random bytes that the disk holds from its beginning on, from now on. */
async function writeBytes(server: TestServer, diskId: string, chunks: number): Promise<Buffer> {
  const bytes = crypto.randomBytes(chunks * CHUNK_BYTES);
  const client = await server.connect(diskId);
  await client.write(0, bytes);
  await client.flush();
  await client.close();
  return bytes;
}

async function snapshotOf(server: TestServer, diskId: string): Promise<string> {
  const snapshotId = await server.takeSnapshot(diskId);
  const { Status } = await server.finishedSnapshot(snapshotId);
  assert.equal(Status, 'accomplished');
  return snapshotId;
}

function assertExport(server: TestServer, snapshotId: string, bytes: Buffer): void {
  const file = path.join(server.dataFolder, `${snapshotId}.img`);
  const { status, stderr } = server.cli('snapshot', 'export', snapshotId, file, '--data', server.dataFolder);
  assert.equal(status, 0, stderr);
  assert.ok(fs.readFileSync(file).subarray(0, bytes.length).equals(bytes), `${snapshotId} is what it was`);
  fs.rmSync(file);
}

/** Waits until the repository holds a copy of the catalog that is later than those before. */
async function awaitCopy(server: TestServer, before: readonly string[]): Promise<string[]> {
  for (let looks = 0; ; looks++) {
    const folder = path.join(server.dataFolder, 'repository', 'catalogs');
    const names = fs.existsSync(folder) ? fs.readdirSync(folder).sort() : [];
    if ((names.at(-1) ?? '') > (before.at(-1) ?? '')) return names;
    assert.ok(looks < 300, `no new copy: ${names.join()}`);
    await delay(100);
  }
}

interface Group {
  groupId: string;
  name: string;
  snapshotIds: string[];
}

async function groupOf(server: TestServer, diskId: string): Promise<Group> {
  const { SnapshotGroupId: groupId } = await server.call('CreateSnapshotGroup', {
    'DiskId.1': diskId,
    Name: 'nightly',
  });
  const group = await findGroup(server, groupId);
  for (const snapshotId of group.snapshotIds) await server.finishedSnapshot(snapshotId);
  return group;
}

async function findGroup(server: TestServer, groupId: string): Promise<Group> {
  const { SnapshotGroups } = await server.call('DescribeSnapshotGroups', { 'SnapshotGroupId.1': groupId });
  const [{ Name: name, Snapshots }] = SnapshotGroups.SnapshotGroup;
  return { groupId, name, snapshotIds: Snapshots.Snapshot.map((each: { SnapshotId: string }) => each.SnapshotId) };
}

function removeCatalog(server: TestServer): void {
  for (const name of ['catalog.db', 'catalog.db-wal', 'catalog.db-shm']) {
    fs.rmSync(path.join(server.dataFolder, name), { force: true });
  }
}

test('a lost catalog comes back from its copy in the repository, with what is newer than that', async () => {
  const server = new TestServer();
  try {
    await server.start();
    const { diskId } = await server.runInstance(smallDisk);
    const old = await writeBytes(server, diskId, 20);
    const first = await snapshotOf(server, diskId);
    const copies = await awaitCopy(server, []);
    await server.call('ModifySnapshotAttribute', { SnapshotId: first, SnapshotName: 'kept' });
    const bytes = await writeBytes(server, diskId, 30);
    const second = await snapshotOf(server, diskId);
    await awaitCopy(server, copies);
    const third = await snapshotOf(server, diskId);
    const group = await groupOf(server, diskId);
    const made = await server.call('CreateDisk', {
      ZoneId: 'cn-hangzhou-a',
      SnapshotId: third,
      DiskCategory: 'cloud_essd',
      PerformanceLevel: 'PL0',
    });
    await server.killServe();
    removeCatalog(server);

    const options = ['--data', server.dataFolder];
    const refused = server.cli('serve', '--listen', '127.0.0.1:0', ...options);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /belongs to another catalog .*repository import .* brings back/);
    const imported = server.cli('repository', 'import', ...options);
    assert.equal(imported.status, 0, imported.stderr);
    assert.match(imported.stdout, /The catalog is that of 20\S+, restored from the repository/);
    assert.match(server.cli('repository', 'import', ...options).stdout, /knows all that the repository holds/);

    await server.start();
    const { Snapshots } = await server.call('DescribeSnapshots', { DiskId: diskId });
    const found = new Map(Snapshots.Snapshot.map((each: { SnapshotId: string }) => [each.SnapshotId, each]));
    assert.deepEqual(new Set(found.keys()), new Set([first, second, third, ...group.snapshotIds]));
    assert.deepEqual(await findGroup(server, group.groupId), group);
    assert.equal((found.get(first) as { SnapshotName: string }).SnapshotName, 'kept');
    const { Disks } = await server.call('DescribeDisks', {});
    const there = Disks.Disk.map((disk: { DiskId: string }) => disk.DiskId);
    assert.ok(there.includes(diskId) && there.includes(made.DiskId), 'the disk that only its folder knew is there');
    assertExport(server, first, old);
    assertExport(server, second, bytes);
    // What the disk stands on outlives its snapshot also when its row is new.
    await server.call('DeleteSnapshot', { SnapshotId: third, Force: true });
    assertExport(server, second, bytes);
    await server.call('DeleteSnapshotGroup', { SnapshotGroupId: group.groupId });
    const last = await snapshotOf(server, diskId);
    assertExport(server, last, bytes);
    assert.equal(server.cli('repository', 'check', '--read-data', ...options).status, 0);
    await server.stop();
  } finally {
    server.abandon();
  }
});

test('a catalog that was restored from an old copy imports before it writes, and nothing is lost', async () => {
  const server = new TestServer();
  try {
    await server.start();
    const { diskId, instanceId } = await server.runInstance(smallDisk);
    const old = await writeBytes(server, diskId, 10);
    const first = await snapshotOf(server, diskId);
    await server.terminate();
    fs.copyFileSync(path.join(server.dataFolder, 'catalog.db'), path.join(server.dataFolder, 'old.db'));
    await server.start();
    const bytes = await writeBytes(server, diskId, 25);
    const second = await snapshotOf(server, diskId);
    await server.call('DeleteSnapshot', { SnapshotId: first });
    await server.call('StopInstance', { InstanceId: instanceId });
    await server.terminate();
    removeCatalog(server);
    fs.renameSync(path.join(server.dataFolder, 'old.db'), path.join(server.dataFolder, 'catalog.db'));

    const options = ['--data', server.dataFolder];
    const refused = server.cli('serve', '--listen', '127.0.0.1:0', ...options);
    assert.match(refused.stderr, /older than the repository.*repository import /);
    for (const command of ['show', 'check']) {
      const looked = server.cli('repository', command, ...options);
      assert.equal(looked.status, 1);
      assert.match(looked.stderr, /older than the repository.*repository import /);
    }
    const imported = server.cli('repository', 'import', ...options);
    assert.match(imported.stdout, new RegExp(`snapshot ${first} is not in the repository any more`));
    assert.match(imported.stdout, new RegExp(`snapshot ${second} of ${diskId}, of .* is in the catalog again`));
    await server.start();
    assertExport(server, second, bytes);
    assert.notDeepEqual(old, bytes);
    await server.stop();
  } finally {
    server.abandon();
  }
});

test('a second catalog on a repository may only read until it adopts it, and then the first may only read', async () => {
  const server = new TestServer();
  const other = new TestServer();
  try {
    await server.start();
    const { diskId } = await server.runInstance(smallDisk);
    const bytes = await writeBytes(server, diskId, 12);
    const snapshotId = await snapshotOf(server, diskId);
    fs.symlinkSync(path.join(server.dataFolder, 'repository'), path.join(other.dataFolder, 'repository'));
    const options = ['--data', other.dataFolder];
    const refused = other.cli('serve', '--listen', '127.0.0.1:0', ...options);
    assert.match(refused.stderr, /belongs to another catalog/);
    assert.match(other.cli('repository', 'show', ...options).stdout, /snapshots\s+1/);
    assert.equal(other.cli('repository', 'check', '--read-data', ...options).status, 0);

    const adopted = other.cli('repository', 'adopt', ...options);
    assert.equal(adopted.status, 0, adopted.stderr);
    assert.match(adopted.stdout, /may only read it from now on/);
    await other.start();
    const { Snapshots } = await other.call('DescribeSnapshots', {});
    assert.equal(Snapshots.Snapshot[0].SnapshotId, snapshotId);
    assertExport(other, snapshotId, bytes);

    const late = await server.takeSnapshot(diskId);
    const { Status } = await server.finishedSnapshot(late);
    assert.equal(Status, 'failed');
    await assert.rejects(fs.promises.stat(path.join(other.dataFolder, 'repository', 'snapshots', late)));
    await other.call('DeleteSnapshot', { SnapshotId: snapshotId });
    await other.stop();
    await server.killServe();
  } finally {
    server.abandon();
    other.abandon();
  }
});

test('a disk that stands on a frozen view keeps it over an import, and a view that nobody knows goes', async () => {
  const holdFolder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-hold-'));
  const holdFile = path.join(holdFolder, 'held');
  const server = new TestServer(undefined, { holdFile });
  try {
    await server.start();
    const { diskId, instanceId } = await server.runInstance(smallDisk);
    const first = await snapshotOf(server, diskId);
    const bytes = await writeBytes(server, diskId, 20);
    fs.writeFileSync(holdFile, '');
    const held = await server.takeSnapshot(diskId);
    await server.availableSnapshot(held);
    const made = await server.call('CreateDisk', {
      ZoneId: 'cn-hangzhou-a',
      SnapshotId: held,
      DiskCategory: 'cloud_essd',
      PerformanceLevel: 'PL0',
    });
    const copies = await awaitCopy(server, []);
    await server.call('DeleteSnapshot', { SnapshotId: first, Force: true });
    await awaitCopy(server, copies);
    const unknown = await server.takeSnapshot(diskId);
    await server.availableSnapshot(unknown);
    await server.killServe();
    removeCatalog(server);
    assert.equal(server.cli('repository', 'import', '--data', server.dataFolder).status, 0);
    fs.rmSync(holdFile);
    await server.start();
    await server.finishedSnapshot(held);
    assertExport(server, held, bytes);
    await server.call('AttachDisk', { InstanceId: instanceId, DiskId: made.DiskId });
    const client = await server.connect(made.DiskId);
    assert.ok((await client.read(0, bytes.length)).equals(bytes), 'the disk is what it was made of');
    await client.close();
    for (let looks = 0; (await server.diskState(diskId)).views.length > 0; looks++) {
      assert.ok(looks < 100, server.output);
      await delay(100);
    }
    await server.stop();
  } finally {
    server.abandon();
    fs.rmSync(holdFolder, { recursive: true });
  }
});

test('a backup of DIR without its cache, put back beside a newer cache, reads', async () => {
  const server = new TestServer();
  const backup = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-backup-'));
  const copy = (from: string, to: string): void => {
    for (const name of fs.readdirSync(from)) {
      if (name !== 'cache') fs.cpSync(path.join(from, name), path.join(to, name), { recursive: true });
    }
  };
  try {
    await server.start();
    const { diskId } = await server.runInstance(smallDisk);
    const bytes = await writeBytes(server, diskId, 20);
    const snapshotId = await snapshotOf(server, diskId);
    await server.terminate();
    copy(server.dataFolder, backup);
    await server.start();
    await server.call('DeleteSnapshot', { SnapshotId: snapshotId, Force: true });
    for (let looks = 0; server.repositoryBytes() > bytes.length / 2; looks++) {
      assert.ok(looks < 200, 'nothing is collected');
      await delay(100);
    }
    await server.terminate();
    for (const name of fs.readdirSync(server.dataFolder)) {
      if (name !== 'cache') fs.rmSync(path.join(server.dataFolder, name), { recursive: true });
    }
    copy(backup, server.dataFolder);
    await server.start();
    assertExport(server, snapshotId, bytes);
    await server.stop();
  } finally {
    server.abandon();
    fs.rmSync(backup, { recursive: true });
  }
});

test('a folder without disks is not the one whose catalog was lost', async () => {
  const server = new TestServer();
  const other = new TestServer();
  try {
    await server.start();
    await server.runInstance(smallDisk);
    fs.symlinkSync(path.join(server.dataFolder, 'repository'), path.join(other.dataFolder, 'repository'));
    const refused = other.cli('repository', 'import', '--data', other.dataFolder);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /has no disk, so it is not the folder .*repository adopt/);
    await server.stop();
  } finally {
    server.abandon();
    other.abandon();
  }
});
