/**
 * Images as files, with the real program and `qemu-img`: imported from each format and exported to each, every byte compared;
 * with deaths of the server and of the data plane in the middle, cancelled, and into a bucket that is full.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { mountSmall } from '../support/small-file-system.ts';
import { needsPrograms } from '../requires.ts';
import { run } from './mounted-disk.ts';
import { type Answer, TestServer, waitFor } from './server.ts';

const MIB = 1024 ** 2;
const REGION = { RegionId: 'cn-hangzhou' };
const skip = needsPrograms('qemu-img');

interface Bed {
  server: TestServer;
  /** The bucket `images`. */
  bucket: string;
}

/** A server with a bucket; checked and ended at the end of the test. */
async function begin(t: TestContext, exchange?: string): Promise<Bed> {
  const server = new TestServer();
  t.after(async () => {
    for (const left of server.leftProcesses()) process.kill(Number(left.split(' ')[0]), 'SIGKILL');
    fs.rmSync(server.dataFolder, { recursive: true, force: true });
  });
  await server.start(exchange === undefined ? {} : { exchange });
  const bucket = path.join(exchange ?? path.join(server.dataFolder, 'exchange'), 'images');
  fs.mkdirSync(bucket, { recursive: true });
  return { server, bucket };
}

/** So many MiB, of which the first `dataMib` are noise, and one block in the middle. */
function makeRaw(file: string, { sizeMib, dataMib }: { sizeMib: number; dataMib: number }): void {
  fs.writeFileSync(file, crypto.randomBytes(dataMib * MIB));
  const fd = fs.openSync(file, 'r+');
  fs.ftruncateSync(fd, sizeMib * MIB);
  fs.writeSync(fd, 'in the middle', (sizeMib / 2) * MIB);
  fs.closeSync(fd);
}

function convert(file: string, format: string, options: string[] = []): void {
  run('qemu-img', 'convert', '-f', 'raw', '-O', format, ...options, file, `${file.replace('.raw', '')}.${format}`);
}

async function endOfTask(server: TestServer, TaskId: string): Promise<Answer> {
  return await waitFor(`the task ${TaskId}`, 120_000, async () => {
    const task = await server.call('DescribeTaskAttribute', { ...REGION, TaskId });
    return task.TaskStatus === 'Processing' ? null : task;
  });
}

/** By the SDK’s and our own name of each of its disks: the file that was written. */
async function exportTo(bed: Bed, ImageId: string, ImageFormat: string): Promise<string[]> {
  const asked = { ...REGION, ImageId, OSSBucket: 'images', ImageFormat, OSSPrefix: 'out' };
  const { TaskId } = await bed.server.call('ExportImage', asked);
  const task = await endOfTask(bed.server, TaskId);
  assert.equal(task.TaskStatus, 'Finished', JSON.stringify(task));
  return task.OperationProgressSet.OperationProgress.map(({ RelatedItemSet }: Answer) => {
    const items: { Name: string; Value: string }[] = RelatedItemSet.RelatedItem;
    return path.join(bed.bucket, items.find(({ Name }) => Name === 'OSSObject')?.Value ?? '');
  });
}

/** What is in the bucket, but for what was put there. */
function strangersIn(bucket: string, own: string[]): string[] {
  return fs.readdirSync(bucket).filter((name) => !own.includes(name));
}

function importOf(objects: string[], more: Record<string, string> = {}): Record<string, string> {
  const mappings = objects.flatMap((object, index) => [
    [`DiskDeviceMapping.${index + 1}.OSSBucket`, 'images'],
    [`DiskDeviceMapping.${index + 1}.OSSObject`, object],
  ]);
  return { ...REGION, ...more, ...(Object.fromEntries(mappings) as Record<string, string>) };
}

test('each format is imported and exported with every byte', { skip }, async (t) => {
  const bed = await begin(t);
  const { server, bucket } = bed;
  const raw = path.join(bucket, 'a.raw');
  makeRaw(raw, { sizeMib: 100, dataMib: 3 });
  convert(raw, 'qcow2');
  convert(raw, 'vpc', ['-o', 'subformat=dynamic,force_size=on']);
  const objects = ['a.raw', 'a.qcow2', 'a.vpc'];
  const { ImageId, TaskId } = await server.call('ImportImage', importOf(objects, { ImageName: 'mine' }));
  const task = await endOfTask(server, TaskId);
  assert.deepEqual(
    [task.TaskStatus, task.TaskProcess, task.SuccessCount, task.TotalCount],
    ['Finished', '100%', 3, 3],
    JSON.stringify(task),
  );
  const { Images } = await server.call('DescribeImages', { ...REGION, ImageId });
  const [image] = Images.Image;
  assert.deepEqual(
    image.DiskDeviceMappings.DiskDeviceMapping.map(({ Device, Size }: Answer) => [Device, Size]),
    [
      ['/dev/xvda', '1'],
      ['/dev/xvdb', '1'],
      ['/dev/xvdc', '1'],
    ],
  );
  assert.equal((await server.call('DescribeDisks', REGION)).TotalCount, 0);
  for (const [format, driver] of [
    ['raw', 'raw'],
    ['qcow2', 'qcow2'],
    ['vhd', 'vpc'],
    ['vmdk', 'vmdk'],
    ['vdi', 'vdi'],
  ] as const) {
    for (const file of await exportTo(bed, ImageId, format)) {
      const info = JSON.parse(run('qemu-img', 'info', '--output=json', '-f', driver, file)) as Answer;
      assert.equal(info['virtual-size'], 1024 * MIB, file);
      // longer by zeros than what was imported, which is no difference to qemu-img
      run('qemu-img', 'compare', '-f', 'raw', '-F', driver, raw, file);
      const { blocks, mode } = fs.statSync(file);
      assert.ok(blocks * 512 < 16 * MIB, `${file} is not sparse`);
      assert.equal(mode & 0o777, 0o600, file);
    }
  }
  const snapshotId = image.DiskDeviceMappings.DiskDeviceMapping[1].SnapshotId as string;
  const exported = await server.call('ExportSnapshot', { ...REGION, SnapshotId: snapshotId, OssBucket: 'images' });
  assert.equal((await endOfTask(server, exported.TaskId)).TaskStatus, 'Finished');
  run('qemu-img', 'compare', '-f', 'raw', raw, path.join(bucket, `${snapshotId}_${exported.TaskId}.raw`));
  assert.deepEqual(
    fs.readdirSync(bucket).filter((name) => name.startsWith('.')),
    [],
    'nothing half-written is left',
  );
  await server.stop();
});

test('an import that both processes die in is whole; one that is cancelled leaves nothing', { skip }, async (t) => {
  const bed = await begin(t);
  const { server, bucket } = bed;
  makeRaw(path.join(bucket, 'big.raw'), { sizeMib: 1024, dataMib: 250 });
  const { ImageId, TaskId } = await server.call('ImportImage', importOf(['big.raw'], { ImageName: 'big' }));
  const isUnderWay = async () =>
    (await server.call('DescribeTasks', REGION)).TaskSet.Task[0].TaskStatus === 'Processing';
  await delay(300);
  assert.ok(await isUnderWay());
  await server.killServe();
  await server.start();
  await delay(200);
  await server.killDiskd();
  const task = await endOfTask(server, TaskId);
  assert.equal(task.TaskStatus, 'Finished', JSON.stringify(task));
  const [file = ''] = await exportTo(bed, ImageId, 'raw');
  run('qemu-img', 'compare', '-f', 'raw', path.join(bucket, 'big.raw'), file);
  fs.rmSync(file);
  const cancelled = await server.call('ImportImage', importOf(['big.raw'], { ImageName: 'other' }));
  await server.call('CancelTask', { ...REGION, TaskId: cancelled.TaskId });
  const ended = await endOfTask(server, cancelled.TaskId);
  assert.deepEqual(
    [ended.TaskStatus, ended.OperationProgressSet.OperationProgress[0].ErrorCode],
    ['Failed', 'TaskCancelled'],
  );
  const { Images } = await server.call('DescribeImages', { ...REGION, Status: 'ALL', ImageOwnerAlias: 'self' });
  assert.deepEqual(
    Images.Image.map((image: Answer) => image.ImageId),
    [ImageId],
  );
  const writing = await server.call('ExportImage', { ...REGION, ImageId, OSSBucket: 'images', ImageFormat: 'qcow2' });
  await waitFor('it to write', 20_000, async () => strangersIn(bucket, ['big.raw']).length > 0 || null);
  await server.killServe();
  await server.start();
  await server.call('CancelTask', { ...REGION, TaskId: writing.TaskId }).catch(() => undefined);
  const last = await endOfTask(server, writing.TaskId);
  assert.equal(strangersIn(bucket, ['big.raw']).length, last.TaskStatus === 'Finished' ? 1 : 0);
  await server.stop();
});

test('what is no image, or leads elsewhere, is refused or fails with the reason', { skip }, async (t) => {
  const { server, bucket } = await begin(t);
  const raw = path.join(bucket, 'a.raw');
  makeRaw(raw, { sizeMib: 8, dataMib: 1 });
  run('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', raw, '-F', 'raw', path.join(bucket, 'backed.qcow2'));
  fs.symlinkSync('/etc/passwd', path.join(bucket, 'link.raw'));
  const refused = (objects: string[]) =>
    server.call('ImportImage', importOf(objects)).catch((error: Error) => error.message);
  assert.match(await refused(['backed.qcow2']), /backing file/);
  assert.match(await refused(['link.raw']), /symbolic link/);
  assert.match(await refused(['../../catalog.db']), /below its bucket/);
  convert(raw, 'qcow2');
  const broken = path.join(bucket, 'a.qcow2');
  const fd = fs.openSync(broken, 'r+');
  fs.writeSync(fd, Buffer.alloc(8, 0xff), 0, 8, 40); // where its table of tables is
  fs.closeSync(fd);
  const { ImageId, TaskId } = await server.call('ImportImage', importOf(['a.qcow2']));
  const task = await endOfTask(server, TaskId);
  assert.equal(task.TaskStatus, 'Failed');
  assert.match(task.OperationProgressSet.OperationProgress[0].ErrorMsg, /Could not open|Invalid|L1/i);
  const { Images } = await server.call('DescribeImages', { ...REGION, ImageId, Status: 'ALL' });
  assert.equal(Images.Image[0].Status, 'CreateFailed');
  await server.stop();
});

test('a bucket that is full fails the export, which says so and leaves nothing', { skip }, async (t) => {
  const small = mountSmall(t, 'tmpfs', 270 * MIB);
  if (small === null) return;
  const bed = await begin(t, small);
  const { server, bucket } = bed;
  makeRaw(path.join(bucket, 'a.raw'), { sizeMib: 64, dataMib: 20 });
  const { ImageId, TaskId } = await server.call('ImportImage', importOf(['a.raw']));
  assert.equal((await endOfTask(server, TaskId)).TaskStatus, 'Finished');
  const { TaskId: exporting } = await server.call('ExportImage', { ...REGION, ImageId, OSSBucket: 'images' });
  const task = await endOfTask(server, exporting);
  assert.equal(task.TaskStatus, 'Failed');
  assert.match(task.OperationProgressSet.OperationProgress[0].ErrorMsg, /needs up to .* the bucket has .* make room/);
  assert.deepEqual(fs.readdirSync(bucket), ['a.raw']);
  await server.stop();
});

test('without qemu-img the refusal says what to install', { skip }, async (t) => {
  const before = process.env['PATH'];
  process.env['PATH'] = path.join(os.tmpdir(), 'no-such-folder');
  const { server, bucket } = await begin(t).finally(() => (process.env['PATH'] = before));
  makeRaw(path.join(bucket, 'a.raw'), { sizeMib: 8, dataMib: 1 });
  const asked = importOf(['a.raw']);
  const message = await server.call('ImportImage', asked).catch((error: Error) => error.message);
  assert.match(String(message), /qemu-img is not installed on the server.*qemu-utils/);
  await server.stop();
});
