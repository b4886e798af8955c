/** Tests of where sockets go, and of what must not be there. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { OperationalError } from './errors.ts';
import { ensureRunFolder } from './run-folder.ts';

function temporaryFolders(t: test.TestContext): { short: string; long: string; runtime: string } {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-run-'));
  t.after(() => fs.rmSync(root, { recursive: true }));
  const folders = {
    short: path.join(root, 'd'),
    long: path.join(root, 'd'.repeat(100)),
    runtime: path.join(root, 'r'),
  };
  fs.mkdirSync(folders.short);
  fs.mkdirSync(folders.long);
  return folders;
}

test('sockets are in DIR, or, where its path is too long, in a closed folder whose name follows from it', (t) => {
  const { short, long, runtime } = temporaryFolders(t);
  assert.equal(ensureRunFolder(short, runtime), path.join(short, 'run'));
  const outside = ensureRunFolder(long, runtime);
  assert.equal(path.dirname(outside), runtime);
  assert.equal(fs.statSync(outside).mode & 0o777, 0o700);
  assert.equal(ensureRunFolder(long, runtime), outside);
});

test('a folder outside of DIR that others could have put there is refused, and left as it is', (t) => {
  const { short, long, runtime } = temporaryFolders(t);
  const outside = ensureRunFolder(long, runtime);
  fs.chmodSync(outside, 0o755);
  assert.throws(() => ensureRunFolder(long, runtime), OperationalError);
  assert.equal(fs.statSync(outside).mode & 0o777, 0o755);
  fs.rmdirSync(outside);
  fs.symlinkSync(short, outside);
  assert.throws(() => ensureRunFolder(long, runtime), /not a folder of this user alone/);
  fs.unlinkSync(outside);
  fs.writeFileSync(outside, '');
  assert.throws(() => ensureRunFolder(long, runtime), OperationalError);
});

test('a runtime folder that is too long itself is refused with what to do', (t) => {
  const { long } = temporaryFolders(t);
  assert.throws(() => ensureRunFolder(long, path.join(long, 'r')), /XDG_RUNTIME_DIR/);
});
