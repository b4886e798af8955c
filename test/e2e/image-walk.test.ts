/**
 * From a system disk with a real ext4 on it to a custom image and to an instance of that image, by `hupo ecs` and every
 * SDK: the new system disk has the digest of the old one, and its data disk comes with it.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { NbdClient } from '../../src/nbd/client.ts';
import { needsPrograms } from '../requires.ts';
import { callerNames, openCaller, type Caller } from './callers.ts';
import { run } from './mounted-disk.ts';
import { TestServer, waitFor } from './server.ts';

const MIB = 1024 ** 2;
const IMAGE_MIB = 96;
const REGION = { RegionId: 'cn-hangzhou' };
const skip = needsPrograms('mkfs.ext4', 'nbdcopy');
const root = path.dirname(path.dirname(import.meta.dirname));

for (const tls of [false, true]) {
  test(`the image walk over ${tls ? 'https' : 'http'}, by hupo ecs and every SDK`, { skip }, async (t) => {
    const server = new TestServer();
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-image-walk-'));
    try {
      await server.start({ tls });
      let passed = 0;
      for (const name of callerNames) {
        await t.test(name, async () => {
          await using caller = openCaller(name, server);
          await walk(caller, server, scratch);
          passed++;
        });
      }
      if (passed === callerNames.length) await server.stop();
    } finally {
      for (const left of server.leftProcesses()) process.kill(Number(left.split(' ')[0]), 'SIGKILL');
      fs.rmSync(scratch, { recursive: true, force: true });
      fs.rmSync(server.dataFolder, { recursive: true, force: true });
    }
  });
}

async function walk(caller: Caller, server: TestServer, scratch: string): Promise<void> {
  const { instanceId, disks } = await runInstance(caller, {
    ImageId: 'hupo_empty_20G',
    'DataDisk.1.Category': 'cloud_essd',
    'DataDisk.1.Size': 20,
  });
  const [systemDisk = '', dataDisk = ''] = disks;
  const file = makeExt4(scratch, caller.name);
  run('nbdcopy', '--flush', file, (await server.disk(systemDisk)).NbdUri as string);
  const digest = await digestOf(server, systemDisk);
  assert.equal(digest, crypto.hash('sha256', fs.readFileSync(file)), 'the disk holds the image');
  await mark(server, dataDisk);

  const fromSnapshot = await imageOfSnapshot(caller, server, systemDisk);
  const whole = String(
    (await caller.call('CreateImage', { ...REGION, InstanceId: instanceId, ImageName: nameOf(caller, 'whole') }))
      .ImageId,
  );
  await isImage(caller, whole);

  const plain = await runInstance(caller, { ImageId: fromSnapshot.imageId });
  assert.equal(plain.disks.length, 1);
  assert.equal(await digestOf(server, plain.disks[0] ?? ''), digest);
  const both = await runInstance(caller, { ImageId: whole });
  assert.equal(both.disks.length, 2, 'the data disk comes with the image');
  assert.equal(await digestOf(server, both.disks[0] ?? ''), digest);
  assert.equal(await readMark(server, both.disks[1] ?? ''), 'a data disk');

  await assert.rejects(caller.call('DeleteSnapshot', { SnapshotId: fromSnapshot.snapshotId, Force: true }), {
    code: 'SnapshotCreatedImage',
  });
  await assert.rejects(caller.call('DeleteImage', { ...REGION, ImageId: fromSnapshot.imageId }), {
    code: 'ImageUsingByInstance',
  });
  for (const imageId of [fromSnapshot.imageId, whole]) {
    await caller.call('DeleteImage', { ...REGION, ImageId: imageId, Force: true });
  }
  await caller.call('DeleteSnapshot', { SnapshotId: fromSnapshot.snapshotId, Force: true });
  assert.equal(await digestOf(server, plain.disks[0] ?? ''), digest, 'the bytes outlive image and snapshot');
  const all = [instanceId, plain.instanceId, both.instanceId];
  const members = Object.fromEntries(all.map((id, index) => [`InstanceId.${index + 1}`, id]));
  await caller.call('DeleteInstances', { ...REGION, ...members, Force: true });
}

function nameOf(caller: Caller, suffix: string): string {
  return `${caller.name.replaceAll(' ', '-')}-${suffix}`;
}

async function imageOfSnapshot(
  caller: Caller,
  server: TestServer,
  diskId: string,
): Promise<{ imageId: string; snapshotId: string }> {
  const { SnapshotId } = await caller.call('CreateSnapshot', { DiskId: diskId });
  assert.equal((await server.finishedSnapshot(SnapshotId)).Status, 'accomplished');
  const request = { ...REGION, SnapshotId, ImageName: nameOf(caller, 'system'), Description: 'with an ext4' };
  const { ImageId } = await caller.call('CreateImage', request);
  await isImage(caller, ImageId);
  const { Snapshots } = await caller.call('DescribeSnapshots', {
    ...REGION,
    SnapshotIds: JSON.stringify([SnapshotId]),
  });
  assert.equal(Snapshots.Snapshot[0].Usage, 'image');
  return { imageId: String(ImageId), snapshotId: String(SnapshotId) };
}

async function isImage(caller: Caller, imageId: string): Promise<void> {
  await waitFor(`${imageId} to be Available`, 60_000, async () => {
    const { Images } = await caller.call('DescribeImages', { ...REGION, ImageId: imageId, Status: 'ALL' });
    const [image] = Images.Image;
    assert.notEqual(image?.Status, 'CreateFailed');
    return image?.Status === 'Available' ? true : null;
  });
}

/** Running, with its disks in device order. */
async function runInstance(
  caller: Caller,
  parameters: Record<string, string | number>,
): Promise<{ instanceId: string; disks: string[] }> {
  const request = { ...REGION, InstanceType: 'ecs.external.large', ...parameters };
  const answer = await caller.call('RunInstances', request);
  const instanceId = String(answer.InstanceIdSets.InstanceIdSet[0]);
  await waitFor(`${instanceId} to run`, 20_000, async () => {
    const { Status } = await caller.call('DescribeInstanceAttribute', { InstanceId: instanceId });
    return Status === 'Running' ? true : null;
  });
  const { Disks } = await caller.call('DescribeDisks', { ...REGION, InstanceId: instanceId });
  const disks = (Disks.Disk as { Device: string; DiskId: string }[]).toSorted((a, b) => (a.Device < b.Device ? -1 : 1));
  return { instanceId, disks: disks.map(({ DiskId }) => DiskId) };
}

function makeExt4(scratch: string, label: string): string {
  const file = path.join(scratch, `${label.replaceAll(' ', '-')}.img`);
  const content = path.join(root, 'node_modules', '@types');
  run('mkfs.ext4', '-q', '-d', content, '-L', label.slice(0, 16), file, `${IMAGE_MIB}M`);
  return file;
}

/** SHA-256 of the part of the disk that the ext4 takes; the next MiB must be empty. */
async function digestOf(server: TestServer, diskId: string): Promise<string> {
  const client = await NbdClient.connect((await server.disk(diskId)).NbdUri as string);
  const hash = crypto.createHash('sha256');
  for (let offset = 0; offset < IMAGE_MIB * MIB; offset += MIB) hash.update(await client.read(offset, MIB));
  assert.ok((await client.read(IMAGE_MIB * MIB, MIB)).equals(Buffer.alloc(MIB)));
  await client.close();
  return hash.digest('hex');
}

async function mark(server: TestServer, diskId: string): Promise<void> {
  const client = await NbdClient.connect((await server.disk(diskId)).NbdUri as string);
  await client.write(MIB, Buffer.from('a data disk'.padEnd(4096, '\0')));
  await client.flush();
  await client.close();
}

async function readMark(server: TestServer, diskId: string): Promise<string> {
  const client = await NbdClient.connect((await server.disk(diskId)).NbdUri as string);
  const block = await client.read(MIB, 4096);
  await client.close();
  return block.toString('utf8').replace(/\0+$/, '');
}
