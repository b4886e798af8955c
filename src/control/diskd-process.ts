/** Starts diskd in a session of its own, with its output in a log file, so that it outlives the control plane. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import type { DataFolder } from './data-folder.ts';

/** How Hupo starts itself in another process. */
export interface Program {
  execPath: string;
  args: string[];
  /** Of diskd, where it is not this process's own. */
  diskdEnvironment?: NodeJS.ProcessEnv;
}

const LOG_LIMIT_BYTES = 16 * 1024 * 1024;
const LAST_LINES_BYTES = 2000;

/** It keeps `reserveBytes` free where the disks are. `ended` resolves, with its exit and last lines, if it ends while this process lives. */
export function spawnDiskd(program: Program, folder: DataFolder, reserveBytes: number): { ended: Promise<string> } {
  const grown = (fs.statSync(folder.diskdLog, { throwIfNoEntry: false })?.size ?? 0) > LOG_LIMIT_BYTES;
  const log = fs.openSync(folder.diskdLog, grown ? 'w' : 'a', 0o600);
  const args = ['--disable-warning=ExperimentalWarning', ...program.args, 'diskd'];
  args.push('--data', folder.root, '--run', folder.runFolder, '--reserve', String(reserveBytes));
  const env = program.diskdEnvironment;
  const child = spawn(program.execPath, args, {
    ...{ detached: true, stdio: ['ignore', log, log], cwd: folder.root },
    ...(env && { env }),
  });
  fs.closeSync(log);
  child.unref();
  const { promise, resolve } = Promise.withResolvers<string>();
  child.once('error', (error) => resolve(error.message));
  child.once('exit', (code, signal) => {
    resolve(
      `it ended (${signal ?? `exit code ${code}`}); the end of ${folder.diskdLog}: ${lastLines(folder.diskdLog)}`,
    );
  });
  return { ended: promise };
}

function lastLines(file: string): string {
  const text = fs.readFileSync(file, 'utf8').slice(-LAST_LINES_BYTES).trim();
  return text === '' ? '(nothing)' : text.split('\n').slice(-5).join('\n');
}
