import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { CorruptionError, OperationalError } from '../lib/errors.ts';
import { extractFile, verifyBackup, writeBackup } from './backup-file.ts';

const about = { takenAtMs: 5, hupoVersion: '0.1.0', regionId: 'cn-hangzhou' };

function createFolder(t: TestContext): (name: string) => string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-backup-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return (name) => path.join(folder, name);
}

function writeSample(at: (name: string) => string): { file: string; bytes: Buffer } {
  const bytes = Buffer.alloc(3_000_000, 'amber');
  fs.writeFileSync(at('one'), bytes);
  fs.writeFileSync(at('two'), '{}');
  fs.writeFileSync(at('empty'), '');
  const file = at('backup');
  writeBackup(file, about, [
    { name: 'catalog.db', from: at('one') },
    { name: 'keys/none.json', from: at('empty') },
    { name: 'keys/root.json', from: at('two') },
  ]);
  return { file, bytes };
}

test('what was put in comes out, and nobody else reads it', (t) => {
  const at = createFolder(t);
  const { file, bytes } = writeSample(at);
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  const { files, ...rest } = verifyBackup(file);
  assert.deepEqual(rest, about);
  assert.deepEqual(
    files.map(({ name, sizeBytes }) => [name, sizeBytes]),
    [
      ['catalog.db', 3_000_000],
      ['keys/none.json', 0],
      ['keys/root.json', 2],
    ],
  );
  extractFile(file, 'catalog.db', at('out'));
  extractFile(file, 'keys/root.json', at('out2'));
  assert.ok(fs.readFileSync(at('out')).equals(bytes));
  assert.equal(fs.readFileSync(at('out2'), 'utf8'), '{}');
  assert.throws(() => writeBackup(file, about, []), /is there already/);
});

test('every flipped byte, and every length but the right one, is found', (t) => {
  const at = createFolder(t);
  const { file } = writeSample(at);
  const whole = fs.readFileSync(file);
  const end = whole.indexOf('\n');
  for (const position of [0, 5, 12, 14, 40, 78, 100, end - 1, end, end + 1, end + 1_500_000, whole.length - 1]) {
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(flipped.readUInt8(position) ^ 1, position);
    fs.writeFileSync(file, flipped);
    assert.throws(
      () => verifyBackup(file),
      (error) => error instanceof CorruptionError || error instanceof OperationalError,
      `${position}`,
    );
  }
  for (const length of [0, 10, end, end + 1, whole.length - 1]) {
    fs.writeFileSync(file, whole.subarray(0, length));
    assert.throws(
      () => verifyBackup(file),
      (error) => error instanceof CorruptionError || error instanceof OperationalError,
      `${length}`,
    );
  }
  fs.writeFileSync(file, Buffer.concat([whole, Buffer.from('x')]));
  assert.throws(() => verifyBackup(file), /does not end where it should/);
});

test('a newer version, and a name that leads elsewhere, are refused', (t) => {
  const at = createFolder(t);
  const { file } = writeSample(at);
  const text = fs.readFileSync(file, 'latin1');
  fs.writeFileSync(file, text.replace('hupo-backup 1 ', 'hupo-backup 2 '), 'latin1');
  assert.throws(() => verifyBackup(file), /version 2: use a newer hupo/);
  for (const [index, name] of ['../root.json', '/etc/x', 'keys/../x', 'a/b/c'].entries()) {
    writeBackup(at(`evil${index}`), about, [{ name, from: at('two') }]);
    assert.throws(() => verifyBackup(at(`evil${index}`)), /not below a data folder/, name);
  }
});
