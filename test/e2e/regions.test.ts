/** Two regions of one server: a snapshot and an image are copied between them on real bytes, killed on the way, and outlive their source. */
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { NbdClient } from '../../src/nbd/client.ts';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { TestServer, waitFor } from './server.ts';
import type { Answer } from './server.ts';

const FAR = 'cn-beijing';
const CHUNKS = 64;

/** A chunk that only `seed` makes, and that hardly compresses. */
function chunkOf(seed: number): Buffer {
  const bytes = Buffer.alloc(CHUNK_BYTES);
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let at = 0; at < CHUNK_BYTES; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeUInt32LE(state >>> 0, at);
  }
  return bytes;
}

async function write(uri: string, chunk: number, seed: number): Promise<void> {
  const client = await NbdClient.connect(uri);
  await client.write(chunk * CHUNK_BYTES, chunkOf(seed), { fua: true });
  await client.close();
}

async function assertChunks(uri: string, seedOf: (chunk: number) => number): Promise<void> {
  const client = await NbdClient.connect(uri);
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    const bytes = await client.read(chunk * CHUNK_BYTES, CHUNK_BYTES);
    assert.ok(bytes.equals(chunkOf(seedOf(chunk))), `chunk ${chunk}`);
  }
  await client.close();
}

async function finished(server: TestServer, snapshotId: string): Promise<Answer> {
  return await waitFor(`the copy ${snapshotId}`, 60_000, async () => {
    const asked = { RegionId: FAR, SnapshotIds: JSON.stringify([snapshotId]) };
    const [copy] = (await server.call('DescribeSnapshots', asked)).Snapshots.Snapshot;
    assert.ok(copy.Status !== 'failed', copy.FailureReason);
    return copy.Status === 'accomplished' ? copy : null;
  });
}

/** Of what is copied, in the region that it is copied to. */
function storedBytes(server: TestServer): number {
  const packs = path.join(server.dataFolder, 'regions', FAR, 'repository', 'packs');
  const files = fs.readdirSync(packs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + fs.statSync(path.join(parentPath, name)).size, 0);
}

async function runFrom(server: TestServer, snapshotId: string): Promise<{ instanceId: string; uri: string }> {
  const [image] = (await server.call('DescribeImages', { RegionId: FAR, ImageOwnerAlias: 'system' })).Images.Image;
  const { InstanceIdSets } = await server.call('RunInstances', {
    ...{ RegionId: FAR, ImageId: image.ImageId, InstanceType: 'ecs.external.large' },
    ...{ 'DataDisk.1.SnapshotId': snapshotId, 'DataDisk.1.Category': 'cloud_essd' },
  });
  const instanceId = String(InstanceIdSets.InstanceIdSet[0]);
  const uri = await waitFor(`the disk of ${instanceId}`, 30_000, async () => {
    // Without RegionId: the instance's id says where it is.
    const { Disks } = await server.call('DescribeDisks', { InstanceId: instanceId, DiskType: 'data' });
    return (Disks.Disk[0]?.NbdUri as string | undefined) ?? null;
  });
  return { instanceId, uri };
}

/** Read from the other region's repository, by its name or by its folder, which has no keys of its own. */
function exportFar(server: TestServer, snapshotId: string): void {
  for (const where of [
    ['--data', server.dataFolder, '--region', FAR],
    ['--data', path.join(server.dataFolder, 'regions', FAR)],
  ]) {
    const file = path.join(server.dataFolder, 'exported.img');
    const { status, stderr } = server.cli('snapshot', 'export', snapshotId, file, ...where);
    assert.equal(status, 0, stderr);
    const [chunk, descriptor] = [Buffer.alloc(CHUNK_BYTES), fs.openSync(file, 'r')];
    fs.readSync(descriptor, chunk, 0, CHUNK_BYTES, 0);
    fs.closeSync(descriptor);
    assert.ok(chunk.some((byte) => byte !== 0));
    fs.rmSync(file);
  }
}

test('a snapshot is copied to another region: only what is missing, over a kill, and without the source it is whole', async () => {
  const holdFile = path.join(fs.mkdtempSync('/tmp/hupo-hold-'), 'hold');
  const server = new TestServer(undefined, { holdFile });
  const more = ['--add-region', FAR];
  try {
    await server.start({ more });
    const { Regions } = await server.call('DescribeRegions');
    assert.deepEqual(
      Regions.Region.map((region: Answer) => region.RegionId),
      ['cn-hangzhou', FAR],
    );
    const { instanceId, diskId, uri } = await server.runInstance({ Category: 'cloud_essd', Size: 20 });
    for (let chunk = 0; chunk < CHUNKS; chunk++) await write(uri, chunk, chunk + 1);
    const first = await server.takeSnapshot(diskId);
    await server.finishedSnapshot(first);
    const copy = { RegionId: 'cn-hangzhou', DestinationRegionId: FAR, DestinationSnapshotDescription: 'of the first' };

    fs.writeFileSync(holdFile, '');
    const named = { ...copy, SnapshotId: first, DestinationSnapshotName: 'first', ClientToken: 'token-1' };
    const { SnapshotId } = await server.call('CopySnapshot', named);
    await assert.rejects(server.call('DeleteSnapshot', { SnapshotId: first }), /is being copied/);
    await server.killServe();
    fs.rmSync(holdFile);
    await server.start({ more });
    assert.equal((await server.call('CopySnapshot', named)).SnapshotId, SnapshotId);
    const copied = await finished(server, SnapshotId);
    assert.deepEqual(
      [copied.SourceSnapshotId, copied.SourceRegionId, copied.SnapshotName, copied.Progress],
      [first, 'cn-hangzhou', 'first', '100%'],
    );
    exportFar(server, SnapshotId);
    const firstBytes = storedBytes(server);
    assert.ok(firstBytes > CHUNKS * CHUNK_BYTES, `${firstBytes} bytes hold the random chunks`);

    await write(uri, 5, 1000);
    const second = await server.takeSnapshot(diskId);
    await server.finishedSnapshot(second);
    const next = await server.call('CopySnapshot', { ...copy, SnapshotId: second, DestinationSnapshotName: 'second' });
    await finished(server, next.SnapshotId);
    const addedBytes = storedBytes(server) - firstBytes;
    assert.ok(addedBytes < 4 * CHUNK_BYTES, `${addedBytes} bytes were added for one chunk`);

    for (const snapshotId of [first, second]) await server.call('DeleteSnapshot', { SnapshotId: snapshotId });
    const one = await runFrom(server, SnapshotId);
    await assertChunks(one.uri, (chunk) => chunk + 1);
    const other = await runFrom(server, next.SnapshotId);
    await assertChunks(other.uri, (chunk) => (chunk === 5 ? 1000 : chunk + 1));
    await server.stopInstance(instanceId);
    for (const made of [one, other]) await server.call('StopInstance', { InstanceId: made.instanceId });

    // The region's folder is a whole data folder: it is checked, and served, by itself.
    const farFolder = path.join(server.dataFolder, 'regions', FAR);
    const check = server.cli('check', '--data', farFolder, '--read-data');
    assert.equal(check.status, 0, check.stdout + check.stderr);
    assert.equal(await server.terminate(), 0);
    const alone = new TestServer(farFolder);
    await alone.start({ more: ['--region', FAR] });
    const { Snapshots } = await alone.call('DescribeSnapshots');
    assert.equal(Snapshots.TotalCount ?? Snapshots.Snapshot.length, 2);
    await alone.stop();
    await server.start();
    await assert.rejects(server.call('DescribeDisks', { RegionId: FAR }), /InvalidRegionId.NotFound|does not exist/);
    await server.stop();
  } finally {
    fs.rmSync(path.dirname(holdFile), { recursive: true, force: true });
    server.abandon();
  }
});
