/** That nothing but regular files below a bucket is ever opened, and that a file has its name only when it is whole. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { ExchangeFolder } from './exchange-folder.ts';

function open(t: TestContext) {
  const bed = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-exchange-'));
  t.after(() => fs.rmSync(bed, { recursive: true }));
  const root = path.join(bed, 'exchange');
  fs.mkdirSync(path.join(root, 'images', 'sub'), { recursive: true });
  fs.writeFileSync(path.join(bed, 'secret'), 'secret');
  fs.writeFileSync(path.join(root, 'images', 'a.raw'), 'hello');
  fs.writeFileSync(path.join(root, 'images', 'sub', 'b.raw'), 'there');
  return { bed, root, folder: new ExchangeFolder(root) };
}

function read(folder: ExchangeFolder, object: string, bucket = 'images'): string {
  const fd = folder.open({ bucket, object });
  try {
    return fs.readFileSync(fd, 'utf8');
  } finally {
    fs.closeSync(fd);
  }
}

test('files are found below their bucket', (t) => {
  const { folder } = open(t);
  assert.equal(read(folder, 'a.raw'), 'hello');
  assert.equal(read(folder, 'sub/b.raw'), 'there');
  assert.deepEqual(folder.inspect({ bucket: 'images', object: 'a.raw' }, null), { format: 'raw', sizeBytes: 5 });
});

test('names lead nowhere else', (t) => {
  const { folder } = open(t);
  for (const bucket of [
    '..',
    '.',
    '',
    'images/..',
    '/etc',
    'IMAGES',
    'im',
    'a/b',
    'none-such',
    '-images',
    'x'.repeat(64),
  ])
    assert.throws(() => folder.getBucket(bucket), { code: 'InvalidOSSBucket.NotFound' }, bucket);
  for (const object of ['../secret', '/etc/passwd', 'sub/../../../secret', './a.raw', 'sub//b.raw', '', 'a\0b', 'a\\b'])
    assert.throws(() => read(folder, object), { code: 'InvalidOSSObject.Malformed' }, object);
  for (const object of ['none', 'sub', 'a.raw/x', 'sub/none'])
    assert.throws(() => read(folder, object), { code: 'InvalidOSSObject.NotFound' }, object);
});

test('symbolic links are not followed, wherever they are', (t) => {
  const { bed, root, folder } = open(t);
  fs.symlinkSync(path.join(bed, 'secret'), path.join(root, 'images', 'link.raw'));
  fs.symlinkSync('a.raw', path.join(root, 'images', 'near.raw'));
  fs.symlinkSync(bed, path.join(root, 'images', 'up'));
  fs.symlinkSync(bed, path.join(root, 'bucket'));
  for (const object of ['link.raw', 'near.raw', 'up/secret'])
    assert.throws(() => read(folder, object), { code: 'InvalidOSSObject.NotFound', message: /symbolic link/ }, object);
  assert.throws(() => read(folder, 'secret', 'bucket'), { code: 'InvalidOSSBucket.NotFound' });
  assert.throws(() => folder.preparePartials('bucket', 'x.raw'), { code: 'InvalidOSSBucket.NotFound' });
});

test('the exchange folder itself may be reached by a link', (t) => {
  const { bed, root } = open(t);
  fs.symlinkSync(root, path.join(bed, 'mounted'));
  assert.equal(read(new ExchangeFolder(path.join(bed, 'mounted')), 'sub/b.raw'), 'there');
});

test('what is no regular file is not read, and a pipe holds nobody up', (t) => {
  const { root, folder } = open(t);
  const pipe = path.join(root, 'images', 'pipe');
  fs.mkdirSync(path.join(root, 'images', 'folder.raw'));
  assert.throws(() => read(folder, 'folder.raw'), { message: /no regular file/ });
  if (process.platform !== 'linux') return;
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  assert.throws(() => read(folder, 'pipe'), { message: /no regular file/ });
});

test('a file has its name when it is whole; what an earlier try left is removed', async (t) => {
  const { root, folder } = open(t);
  const first = folder.preparePartials('images', 'x.qcow2');
  fs.writeFileSync(first.raw, 'half');
  fs.writeFileSync(first.converted, 'half');
  const { raw, converted, final } = folder.preparePartials('images', 'x.qcow2');
  assert.deepEqual([fs.existsSync(raw), fs.existsSync(converted), fs.existsSync(final)], [false, false, false]);
  fs.writeFileSync(converted, 'whole');
  await folder.publish(converted, final);
  assert.equal(fs.readFileSync(path.join(root, 'images', 'x.qcow2'), 'utf8'), 'whole');
  fs.writeFileSync(raw, 'half');
  folder.remove('images', ['x.qcow2', 'never']);
  folder.remove('gone', ['x']);
  assert.deepEqual(fs.readdirSync(path.join(root, 'images')), ['a.raw', 'sub']);
});
