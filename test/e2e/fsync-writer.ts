/**
 * A guest that keeps files: `node fsync-writer.ts FOLDER FIRST KEPT` makes files `FIRST`, `FIRST + 1` … in FOLDER, each of
 * bytes that its number gives, written, synced and its folder synced; the oldest beyond KEPT files is removed, and that
 * synced too. It prints `made|removed NUMBER issued done` (CLOCK_MONOTONIC nanoseconds) a line, until its standard input
 * ends or the device below fails.
 */
import fs from 'node:fs';
import path from 'node:path';
import { contentOf } from './kept-files.ts';

const [folder = '', first = '0', kept = '100'] = process.argv.slice(2);
const folderFd = fs.openSync(folder, 'r');
let ended = false;
process.stdin.on('end', () => (ended = true)).resume();
step(Number(first));

function step(number: number): void {
  if (ended) return;
  try {
    note('made', number, () => make(number));
    const oldest = number - Number(kept);
    if (oldest >= Number(first)) note('removed', oldest, () => remove(oldest));
  } catch (error) {
    process.stderr.write(`the guest's file system failed: ${(error as Error).message}\n`);
    process.exit(0);
  }
  setImmediate(() => step(number + 1));
}

function note(what: string, number: number, act: () => void): void {
  const issued = process.hrtime.bigint();
  process.stdout.write(`${what} ${number} ${issued} 0\n`);
  act();
  process.stdout.write(`${what} ${number} ${issued} ${process.hrtime.bigint()}\n`);
}

function make(number: number): void {
  const fd = fs.openSync(path.join(folder, String(number)), 'wx');
  fs.writeSync(fd, contentOf(number));
  fs.fsyncSync(fd);
  fs.closeSync(fd);
  fs.fsyncSync(folderFd);
}

function remove(number: number): void {
  fs.rmSync(path.join(folder, String(number)));
  fs.fsyncSync(folderFd);
}
