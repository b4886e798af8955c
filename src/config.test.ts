import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);

test('messages name the command that works where it was called: hupo if the PATH has it, else npx hupo', (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-config-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const script = `import { readEnvironment } from '${root}/src/config.ts'; console.log(readEnvironment().command);`;
  const commandWith = (env: Record<string, string>) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env }).stdout.trim();
  assert.equal(commandWith({ PATH: folder }), 'npx hupo');
  fs.writeFileSync(path.join(folder, 'hupo'), 'of somebody else');
  assert.equal(commandWith({ PATH: folder }), 'npx hupo');
  fs.rmSync(path.join(folder, 'hupo'));
  fs.symlinkSync(path.join(root, 'bin', 'hupo.js'), path.join(folder, 'hupo'));
  assert.equal(commandWith({ PATH: `/nonexistent:${folder}` }), 'hupo');
  assert.equal(commandWith({ PATH: folder, npm_command: 'exec' }), 'npx hupo', 'npm puts folders into PATH');
});
