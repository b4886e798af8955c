/** Tests of what a log may cost. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';

test('a log on a full disk loses its lines and does not end the process', () => {
  const full = fs.openSync('/dev/full', 'w');
  const log = path.join(import.meta.dirname, 'log.ts');
  const code = `const { writeToStderr } = await import(${JSON.stringify(log)}); writeToStderr('x\\n'); setTimeout(() => process.exit(7), 20);`;
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'ignore', full],
  });
  fs.closeSync(full);
  assert.equal(status, 7);
});
