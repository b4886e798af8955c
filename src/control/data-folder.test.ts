import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { ensureDataFolder } from './data-folder.ts';

test('what is no folder, or cannot hold one, is refused with what to do', (context) => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-data-folder-'));
  context.after(() => fs.rmSync(root, { recursive: true }));
  const file = path.join(root, 'file');
  fs.writeFileSync(file, 'precious');
  fs.symlinkSync(path.join(root, 'nowhere', 'deep'), path.join(root, 'link'));
  fs.mkdirSync(path.join(root, 'half'));
  fs.writeFileSync(path.join(root, 'half', 'disks'), '');
  const cases: [name: string, message: RegExp][] = [
    ['file', /\/file is a file, not a folder; name another folder with --data$/],
    ['file/below', /\/file is a file, not a folder; name another/],
    ['link', /\/link cannot be made: .*; name another/],
    ['half', /\/half\/disks is a file, not a folder/],
  ];
  for (const [name, message] of cases) {
    assert.throws(() => ensureDataFolder(path.join(root, name), root), { name: 'OperationalError', message }, name);
  }
  assert.equal(fs.readFileSync(file, 'utf8'), 'precious');
});

test('a folder is made with its parents, for the owner alone, and taken as it is the next time', (context) => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-data-folder-'));
  context.after(() => fs.rmSync(root, { recursive: true }));
  const made = ensureDataFolder(path.join(root, 'a', 'b'), root);
  for (const folder of [made.root, made.disksFolder, made.repositoryFolder, made.keysFolder]) {
    assert.equal(fs.statSync(folder).mode & 0o777, 0o700, folder);
  }
  assert.deepEqual(ensureDataFolder(made.root, root), made);
});
