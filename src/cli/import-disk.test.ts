import test, { type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { MemoryDevice } from '../../test/support/block-devices.ts';
import { FakeEcs, makeContext } from '../../test/support/fake-ecs.ts';
import { serveNbd } from '../nbd/server.ts';
import { formatNbdUri } from '../nbd/uri.ts';
import { planSizeGib, runImport } from './import-disk.ts';
import { runExport } from './export-snapshot.ts';

const KEY = { accessKeyId: 'id', accessKeySecret: 'secret' };

function makeFolder(t: TestContext): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-cli-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  return folder;
}

test('the size is rounded up to GiB and to the least that the category allows', () => {
  const gib = 1024 ** 3;
  assert.equal(planSizeGib(1, 'cloud_auto'), 1);
  assert.equal(planSizeGib(gib, 'cloud_auto'), 1);
  assert.equal(planSizeGib(gib + 1, 'cloud_auto'), 2);
  assert.equal(planSizeGib(1, 'cloud_essd'), 20);
  assert.equal(planSizeGib(20 * gib + 1, 'cloud_essd'), 21);
});

test('an import writes the image over NBD, flushes, completes and prints the DiskId', async (t) => {
  const folder = makeFolder(t);
  const image = Buffer.concat([Buffer.alloc(300_000), Buffer.alloc(100_000, 7)]);
  fs.writeFileSync(path.join(folder, 'image'), image);
  const device = new MemoryDevice(1024 * 1024);
  const socketPath = path.join(folder, 'd-9.sock');
  const server = await serveNbd({ socketPath, exportName: 'd-9', device });
  const completed: number[] = [];
  const ecs = await FakeEcs.start({
    DescribeZones: { Zones: { Zone: [{ ZoneId: 'cn-x-a' }] } },
    HupoBeginImport: { DiskId: 'd-9', NbdUri: formatNbdUri({ socketPath, exportName: 'd-9' }) },
    HupoCompleteImport: () => {
      completed.push(device.flushCount);
      return { RequestId: 'R' };
    },
  });
  const context = makeContext(KEY);
  const options = { endpoint: ecs.endpoint, category: 'cloud_essd', name: 'mine' };
  assert.equal(await runImport(path.join(folder, 'image'), options, context), 0);
  await ecs.close();
  await server.close();
  assert.equal(context.output.out, 'd-9\n');
  assert.deepEqual(completed, [1], 'completed after the flush');
  assert.ok(device.bytes.subarray(0, image.length).equals(image));
  const begun = ecs.calls.find(({ action }) => action === 'HupoBeginImport')?.parameters;
  assert.deepEqual(begun, { DiskCategory: 'cloud_essd', DiskName: 'mine', Size: '20', ZoneId: 'cn-x-a' });
});

test('an import that fails on the way does not complete', async (t) => {
  const folder = makeFolder(t);
  fs.writeFileSync(path.join(folder, 'image'), 'x');
  const device = new MemoryDevice(1024 * 1024);
  device.failures.set('flush', new Error('sync'));
  const socketPath = path.join(folder, 'd-9.sock');
  const server = await serveNbd({ socketPath, exportName: 'd-9', device });
  const ecs = await FakeEcs.start({
    HupoBeginImport: { DiskId: 'd-9', NbdUri: formatNbdUri({ socketPath, exportName: 'd-9' }) },
  });
  const options = { endpoint: ecs.endpoint, category: 'cloud', zone: 'cn-x-a' };
  const context = makeContext(KEY);
  await assert.rejects(runImport(path.join(folder, 'image'), options, context), /EIO/);
  assert.match(context.output.err, /^The disk d-9 is not complete: it is Creating, and the server deletes it/m);
  assert.deepEqual(
    ecs.calls.map(({ action }) => action),
    ['HupoBeginImport'],
  );
  device.failures.clear();
  await ecs.close();
  await server.close();
});

test('a file that is absent, empty or no file is refused before anything is made', async (t) => {
  const folder = makeFolder(t);
  fs.writeFileSync(path.join(folder, 'empty'), '');
  const run = (name: string) => runImport(path.join(folder, name), { category: 'cloud' }, makeContext(KEY));
  await assert.rejects(run('absent'), /there is no file/);
  await assert.rejects(run('empty'), /is empty/);
  await assert.rejects(run('.'), /is not a regular file/);
});

test('an export into a folder that is not there says so before it asks anybody', async (t) => {
  const folder = makeFolder(t);
  fs.writeFileSync(path.join(folder, 'file'), '');
  const run = (target: string) =>
    runExport('s-1', path.join(folder, target), { endpoint: 'http://127.0.0.1:1' }, makeContext(KEY));
  await assert.rejects(run('absent/out.img'), /there is no folder .*absent: make it/);
  await assert.rejects(run('file/out.img'), /file is no folder/);
});

test('an export refuses a file that is there, and a snapshot that is absent, unfinished or failed', async (t) => {
  const folder = makeFolder(t);
  const target = path.join(folder, 'out.img');
  let snapshots: object[] = [];
  const ecs = await FakeEcs.start({ DescribeSnapshots: () => ({ Snapshots: { Snapshot: snapshots } }) });
  const run = () => runExport('s-1', target, { endpoint: ecs.endpoint, data: folder }, makeContext(KEY));
  await assert.rejects(run(), /there is no snapshot s-1/);
  snapshots = [{ SnapshotId: 's-1', Status: 'progressing', Progress: '40%' }];
  await assert.rejects(run(), /is at 40%; wait until it is accomplished/);
  snapshots = [{ SnapshotId: 's-1', Status: 'failed', Progress: '40%' }];
  await assert.rejects(run(), /snapshot s-1 failed/);
  snapshots = [{ SnapshotId: 's-1', Status: 'accomplished', Progress: '100%' }];
  await assert.rejects(run(), /there is no repository in .*: give its folder with --data/);
  fs.writeFileSync(target, 'mine');
  await assert.rejects(run(), /is there already/);
  assert.equal(fs.readFileSync(target, 'utf8'), 'mine');
  await ecs.close();
});
