/** The walk: the main job on a mounted ext4, step by step, on the real program with real tools. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import zlib from 'node:zlib';
import { CHUNK_BYTES, GIB } from '../../src/lib/geometry.ts';
import { needsMounts } from '../requires.ts';
import { abandonDisks, digests, LoopDisk, run } from './mounted-disk.ts';
import { TestServer, waitFor } from './server.ts';

const MIB = 1024 ** 2;
const LOG_BLOCKS = 8192;
const skip = needsMounts('mkfs.ext4', 'e2fsck', 'nbdfuse', 'losetup', 'fusermount3', 'mount', 'qemu-img');
const root = path.dirname(path.dirname(import.meta.dirname));

interface Logged {
  sequence: number;
  issued: bigint;
  acknowledged: bigint;
}

test(
  'disk, snapshot, change, snapshot, rollback, disk from snapshot: every byte is where it was',
  { skip },
  async () => {
    const server = new TestServer();
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-walk-'));
    try {
      await server.start();
      await walk(server, scratch);
      await server.stop();
    } finally {
      abandonDisks(scratch);
      for (const left of server.leftProcesses()) process.kill(Number(left.split(' ')[0]), 'SIGKILL');
      fs.rmSync(server.dataFolder, { recursive: true, force: true });
    }
  },
);

async function walk(server: TestServer, scratch: string): Promise<void> {
  console.log(`walk: 1. An instance with a data disk, formatted and filled.`);
  const { instanceId, diskId, uri } = await server.runInstance({ Category: 'cloud_essd', Size: 20 });
  assert.match(uri, new RegExp(`^nbd\\+unix:///${diskId}\\?socket=%2F`));
  let disk = await LoopDisk.open(uri, path.join(scratch, 'a'));
  run('mkfs.ext4', '-q', disk.device);
  let mount = disk.mount();
  fillWithFiles(mount);
  run('sync', '-f', mount);
  const firstDigests = digests(mount);
  assert.ok(firstDigests.size > 100);

  console.log(`walk: 2. The first snapshot.`);
  const first = await server.call('CreateSnapshot', { DiskId: diskId, SnapshotName: 'first' });
  const firstDone = await server.finishedSnapshot(first.SnapshotId);
  assert.equal(firstDone.Status, 'accomplished');
  assert.equal(firstDone.Progress, '100%');
  assert.equal(firstDone.SourceDiskSize, 20);
  await server.call('DeleteSnapshot', { SnapshotId: 's-bp1000000000000000000' }).then(
    () => assert.fail('an unknown snapshot was deleted'),
    (error: { code?: string }) => assert.equal(error.code, 'InvalidSnapshotId.NotFound'),
  );

  console.log(`walk: 3. Change, and a second snapshot while a writer writes.`);
  changeFiles(mount);
  run('sync', '-f', mount);
  const bytesBefore = server.repositoryBytes();
  const { log, second, called, replied } = await snapshotUnderLoad(server, diskId, path.join(mount, 'write-log'));
  const secondDone = await server.finishedSnapshot(second);
  assert.equal(secondDone.Status, 'accomplished');
  const grown = server.repositoryBytes() - bytesBefore;
  const images = {
    first: exportImage(server, first.SnapshotId, scratch),
    second: exportImage(server, second, scratch),
  };
  const { changed, onlyFirst } = compareWeights(images.first, images.second);
  assert.ok(grown <= 1.2 * changed + MIB, `the repository grew by ${grown} bytes for ${changed} changed ones`);
  assert.ok(onlyFirst > 30 * MIB, `only ${onlyFirst} bytes are the first snapshot's own`);

  console.log(`walk: 4. Back to the first.`);
  await disk.close();
  await assert.rejects(server.call('ResetDisk', { DiskId: diskId, SnapshotId: first.SnapshotId }), {
    code: 'IncorrectInstanceStatus',
  });
  await server.stopInstance(instanceId);
  assert.equal((await server.disk(diskId)).NbdUri, undefined);
  await server.call('ResetDisk', { DiskId: diskId, SnapshotId: first.SnapshotId });
  await server.startInstance(instanceId);
  disk = await LoopDisk.open((await server.disk(diskId)).NbdUri, path.join(scratch, 'b'));
  mount = disk.mount();
  assert.deepEqual(digests(mount), firstDigests);
  disk.unmount();
  run('e2fsck', '-fn', disk.device);
  assert.equal((await server.snapshot(second)).Status, 'accomplished');

  console.log(`walk: 5. A disk from the second, beside it.`);
  const made = await server.call('CreateDisk', {
    SnapshotId: second,
    ZoneId: 'cn-hangzhou-a',
    DiskCategory: 'cloud_essd',
  });
  await server.call('AttachDisk', { DiskId: made.DiskId, InstanceId: instanceId });
  const beside = await LoopDisk.open((await server.disk(made.DiskId)).NbdUri, path.join(scratch, 'c'));
  const besideMount = beside.mount();
  assert.equal(fs.readFileSync(path.join(besideMount, 'changed'), 'utf8'), 'after the first snapshot');
  assertLogIsCut(path.join(besideMount, 'write-log'), log, called, replied);
  beside.unmount();
  run('e2fsck', '-fn', beside.device);
  await beside.close();

  console.log(
    `walk: 6. Delete the first while the disk still stands on it; roll that back: what it held is kept, until that is deleted too.`,
  );
  await assert.rejects(server.call('ResetDisk', { DiskId: made.DiskId, SnapshotId: second }), {
    code: 'InvalidParameter.Mismatch',
  });
  await server.call('DeleteSnapshot', { SnapshotId: first.SnapshotId, Force: true });
  assert.equal(await server.snapshot(first.SnapshotId), undefined);
  mount = disk.mount();
  assert.deepEqual(digests(mount), firstDigests, 'the disk lost its base');
  await disk.close();
  await server.stopInstance(instanceId);
  const held = server.repositoryBytes();
  await server.call('ResetDisk', { DiskId: diskId, SnapshotId: second });
  await waitFor('what the rollback replaced to be counted', 60_000, async () => {
    const { UndoCount, UndoSize } = await server.call('DescribeSnapshotsUsage');
    return UndoCount === 2 && UndoSize >= 0.8 * onlyFirst ? true : null;
  });
  const undo = await server.call('DescribeSnapshots', { DiskId: diskId, SnapshotType: 'undo' });
  for (const { SnapshotId } of undo.Snapshots.Snapshot) await server.call('DeleteSnapshot', { SnapshotId });
  await waitFor('the space of the deleted snapshot to return', 60_000, async () =>
    held - server.repositoryBytes() >= 0.8 * onlyFirst ? true : null,
  );
  fs.rmSync(images.first);
  const again = exportImage(server, second, scratch, 'again');
  assert.equal(differingChunks(images.second, again), 0, 'the second snapshot changed');
}

function fillWithFiles(mount: string): void {
  fs.cpSync(path.join(root, 'node_modules', 'typescript'), path.join(mount, 'typescript'), { recursive: true });
  fs.cpSync(path.join(root, 'node_modules', '@types'), path.join(mount, 'types'), { recursive: true });
  writeNoise(path.join(mount, 'noise-1'), 40);
  writeNoise(path.join(mount, 'noise-2'), 8);
  fs.writeFileSync(path.join(mount, 'changed'), 'at the first snapshot');
  fs.writeFileSync(path.join(mount, 'write-log'), Buffer.alloc(LOG_BLOCKS * 4096, 0xee));
}

function writeNoise(file: string, mib: number): void {
  fs.writeFileSync(file, crypto.randomBytes(mib * MIB));
}

/** In place: the old bytes are gone from the disk, not only from the file system. */
function overwriteNoise(file: string, mib: number): void {
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, crypto.randomBytes(mib * MIB), 0, mib * MIB, 0);
  fs.closeSync(fd);
}

function changeFiles(mount: string): void {
  overwriteNoise(path.join(mount, 'noise-1'), 40);
  fs.rmSync(path.join(mount, 'types'), { recursive: true });
  fs.writeFileSync(path.join(mount, 'changed'), 'after the first snapshot');
}

/** Takes a snapshot while `write-log.ts` writes into `file`. Times are CLOCK_MONOTONIC nanoseconds. */
async function snapshotUnderLoad(server: TestServer, diskId: string, file: string) {
  const writer = spawn(process.execPath, [path.join(import.meta.dirname, 'write-log.ts'), file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let printed = '';
  writer.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const lines = () => printed.split('\n').length;
  await waitFor('the writer to write', 30_000, async () => (lines() > 200 ? true : null));
  const called = process.hrtime.bigint();
  const answer = await server.call('CreateSnapshot', { DiskId: diskId, SnapshotName: 'second' });
  const replied = process.hrtime.bigint();
  const atReply = lines();
  await waitFor('the writer to go on', 30_000, async () => (lines() > atReply + 200 ? true : null));
  writer.stdin.end();
  await new Promise((resolve) => writer.once('close', resolve));
  const log: Logged[] = printed
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([sequence, issued, acknowledged]) => ({
      sequence: Number(sequence),
      issued: BigInt(issued ?? 0),
      acknowledged: BigInt(acknowledged ?? 0),
    }));
  return { log, second: String(answer.SnapshotId), called, replied };
}

function assertLogIsCut(file: string, log: Logged[], called: bigint, replied: bigint): void {
  const bytes = fs.readFileSync(file);
  const present = (sequence: number) => {
    const block = bytes.subarray(sequence * 4096, (sequence + 1) * 4096);
    const values = new Set(Array.from({ length: 512 }, (_, index) => block.readBigUInt64LE(index * 8)));
    assert.equal(values.size, 1, `block ${sequence} is torn`);
    return values.has(BigInt(sequence));
  };
  const before = log.filter((entry) => entry.acknowledged < called);
  const after = log.filter((entry) => entry.issued > replied);
  assert.ok(before.length > 100 && after.length > 100, `${before.length} before, ${after.length} after`);
  for (const { sequence } of before) assert.ok(present(sequence), `write ${sequence}, acknowledged before, is missing`);
  for (const { sequence } of after) assert.ok(!present(sequence), `write ${sequence}, issued after, is there`);
}

function exportImage(server: TestServer, snapshotId: string, scratch: string, name = snapshotId): string {
  const file = path.join(scratch, `${name}.img`);
  const result = server.cli('snapshot', 'export', snapshotId, file, '--data', server.dataFolder);
  assert.equal(result.status, 0, result.stderr);
  assert.equal(fs.statSync(file).size, 20 * GIB);
  return file;
}

function differingChunks(left: string, right: string): number {
  let differing = 0;
  for (const [a, b] of chunkPairs(left, right)) if (!a.equals(b)) differing += 1;
  return differing;
}

/**
 * What two images weigh, each chunk compressed alone: the chunks of the second that differ from the first's at the same
 * place, and the chunks of the first that stand nowhere in the second.
 */
function compareWeights(first: string, second: string): { changed: number; onlyFirst: number } {
  const inSecond = new Set<string>();
  const ofFirst: [string, number][] = [];
  let changed = 0;
  for (const [a, b] of chunkPairs(first, second)) {
    inSecond.add(crypto.hash('sha256', b));
    if (a.equals(b)) continue;
    changed += storedWeight(b);
    ofFirst.push([crypto.hash('sha256', a), storedWeight(a)]);
  }
  const onlyFirst = ofFirst.filter(([digest]) => !inSecond.has(digest)).reduce((sum, [, weight]) => sum + weight, 0);
  return { changed, onlyFirst };
}

const zeros = Buffer.alloc(CHUNK_BYTES);

function storedWeight(chunk: Buffer): number {
  return chunk.equals(zeros) ? 0 : Math.min(zlib.zstdCompressSync(chunk).length, CHUNK_BYTES);
}

/** The chunks of two images side by side; what both leave as holes is passed over. */
function* chunkPairs(left: string, right: string): Generator<[Buffer, Buffer]> {
  const files = [fs.openSync(left, 'r'), fs.openSync(right, 'r')];
  const chunks = new Set([...dataChunks(left), ...dataChunks(right)]);
  for (const chunk of [...chunks].toSorted((a, b) => a - b)) {
    const [a, b] = files.map((fd) => {
      const bytes = Buffer.alloc(CHUNK_BYTES);
      fs.readSync(fd, bytes, 0, CHUNK_BYTES, chunk * CHUNK_BYTES);
      return bytes;
    });
    yield [a ?? zeros, b ?? zeros];
  }
  for (const fd of files) fs.closeSync(fd);
}

/** The chunks that a sparse file holds data for, as QEMU's own tool sees them. */
function* dataChunks(file: string): Generator<number> {
  const extents = JSON.parse(run('qemu-img', 'map', '-f', 'raw', '--output=json', file)) as {
    start: number;
    length: number;
    data: boolean;
  }[];
  for (const { start, length } of extents.filter(({ data }) => data)) {
    for (let chunk = Math.floor(start / CHUNK_BYTES); chunk * CHUNK_BYTES < start + length; chunk += 1) yield chunk;
  }
}
