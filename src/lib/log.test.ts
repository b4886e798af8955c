/** Tests of what a log may cost. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { createLog } from './log.ts';

const clock = { nowMs: () => 0, monotonicMs: () => 0, sleep: async () => undefined };

test('a line says what it is about, once, and as JSON each of it by its name', () => {
  const lines: string[] = [];
  const about = { operationId: 'op-1', kind: 'create-snapshot', resourceId: 's-1' };
  createLog('hupo', clock, (line) => lines.push(line)).warn('create-snapshot of s-1 failed', about);
  const json = createLog('hupo', clock, (line) => lines.push(line), { format: 'json', level: 'debug' });
  json.debug?.('a\nb', { requestId: 'R' });
  const quiet = createLog('hupo', clock, (line) => lines.push(line), { format: 'text', level: 'warn' });
  quiet.info('nobody wants it');
  quiet.debug?.('nor that');
  assert.equal(lines[0], '1970-01-01T00:00:00.000Z hupo: WARNING create-snapshot of s-1 failed operationId=op-1\n');
  assert.deepEqual(JSON.parse(lines[1] ?? ''), {
    ...{ time: '1970-01-01T00:00:00.000Z', level: 'debug', name: 'hupo', message: 'a\nb', requestId: 'R' },
  });
  assert.equal(lines[1]?.split('\n').length, 2);
  assert.equal(lines.length, 2);
});

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
