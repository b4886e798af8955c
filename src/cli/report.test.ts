import test from 'node:test';
import assert from 'node:assert/strict';
import type { Clock } from '../lib/clock.ts';
import { Progress } from './progress.ts';
import { Report } from './report.ts';

/** A clock that goes on by `stepMs` each time it is looked at. */
function steppingClock(stepMs: number): Clock {
  let nowMs = 0;
  return { nowMs: () => nowMs, monotonicMs: () => (nowMs += stepMs), sleep: () => Promise.resolve() };
}

function showProgress(isTerminal: boolean): string {
  let text = '';
  const write = (more: string) => (text += more);
  const progress = new Progress({ label: 'copying', write, isTerminal, clock: steppingClock(5000) });
  progress.update(1024 ** 2, 4 * 1024 ** 2);
  progress.clear();
  return text;
}

test('each step is one aligned line with its time and bytes', async () => {
  let text = '';
  const report = new Report({ out: (more) => (text += more), isTerminal: false, clock: steppingClock(1500) });
  await report.step('image copied', () => Promise.resolve({ bytes: 3 * 1024 ** 2, note: '2 MiB/s' }));
  await report.step('taken', () => Promise.resolve({ tookMs: 12 }));
  await assert.rejects(report.step('broken', () => Promise.reject(new Error('no'))));
  assert.deepEqual(text.split('\n'), [
    ` 1 ✓ ${'image copied'.padEnd(41)}   3.0 s      3 MiB  2 MiB/s`,
    ` 2 ✓ ${'taken'.padEnd(41)}   12 ms`,
    ' 3 ✗ broken',
    '',
  ]);
});

test('a terminal sees a step while it runs, in place', async () => {
  let text = '';
  const report = new Report({ out: (more) => (text += more), isTerminal: true, clock: steppingClock(200) });
  await report.step('copied', (tell) => {
    tell(1, 4);
    return Promise.resolve({});
  });
  assert.ok(text.startsWith(' 1   copied …\r\u001b[K 1   copied … 25 %\r\u001b[K 1 \u001b[32m✓\u001b[0m copied'), text);
});

test('progress rewrites its line on a terminal and adds lines elsewhere', () => {
  const line = 'copying 25 %  1 MiB of 4 MiB, 205 KiB/s, 15 s left';
  assert.equal(showProgress(false), `${line}\n`);
  assert.equal(showProgress(true), `\r\u001b[K${line}\r\u001b[K`);
});
