/**
 * Converting images by `qemu-img` (Debian package qemu-utils), a child process of the lowest rank. It is given open files and
 * said what they are, so it looks for nothing itself. A process that outlives its server loses the disk that it writes to, or writes
 * to a file that has no name any more.
 */
import { spawn } from 'node:child_process';
import os from 'node:os';
import { OperationalError, errnoOf } from '../lib/errors.ts';
import type { ExportFormat } from '../ecs/exchange-names.ts';
import type { ImportFormat } from './image-header.ts';

const PROGRAM = 'qemu-img';
export const MISSING =
  'the program qemu-img is not installed on the server: install it (Debian and Ubuntu: apt-get install qemu-utils)';
const NICE = 19;
/** The file that it is handed; it opens it again by this name. */
const HANDED = '/dev/fd/3';
/** What a failure says at most. */
const TOLD_CHARACTERS = 4000;

/** QEMU's words. */
const DRIVERS: Readonly<Record<ExportFormat, string>> = {
  raw: 'raw',
  vhd: 'vpc',
  qcow2: 'qcow2',
  vmdk: 'vmdk',
  vdi: 'vdi',
};

interface RunOptions {
  signal: AbortSignal;
  /** Of 1. */
  onProgress: (share: number) => void;
}

export async function hasQemuImg(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const child = spawn(PROGRAM, ['--version'], { stdio: 'ignore' });
  child.once('error', () => resolve(false));
  child.once('exit', (code) => resolve(code === 0));
  return await promise;
}

/** Writes the image that `fd` is open on to a disk that reads as zeros and is at least as large; not flushed. */
export async function fillDisk(
  { fd, format, nbdUri }: { fd: number; format: ImportFormat; nbdUri: string },
  options: RunOptions,
): Promise<void> {
  const file = { driver: 'file', filename: HANDED };
  const source = { driver: DRIVERS[format], file, ...(format === 'qcow2' && { backing: null }) };
  const target = ['-n', '--target-is-zero', '-O', 'raw'];
  await run(['convert', '-p', ...target, `json:${JSON.stringify(source)}`, nbdUri], { ...options, fd });
}

/** Writes the raw image that `fd` is open on to a new file of another format, flushed. */
export async function convertRaw(
  { fd, format, file }: { fd: number; format: ExportFormat; file: string },
  options: RunOptions,
): Promise<void> {
  const source = { driver: 'raw', file: { driver: 'file', filename: HANDED } };
  const exact = format === 'vhd' ? ['-o', 'subformat=dynamic,force_size=on'] : [];
  const target = ['-t', 'writeback', '-O', DRIVERS[format], ...exact];
  await run(['convert', '-p', ...target, `json:${JSON.stringify(source)}`, file], { ...options, fd });
}

async function run(args: string[], { fd, signal, onProgress }: RunOptions & { fd: number }): Promise<void> {
  signal.throwIfAborted();
  const child = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'pipe', fd], detached: true });
  stepDown(child.pid);
  const kill = () => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  let told = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (told = (told + text).slice(-TOLD_CHARACTERS)));
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const percent = [...text.matchAll(/\((\d+(?:\.\d+)?)\/100%\)/g)].at(-1)?.[1];
    if (percent !== undefined) onProgress(Number(percent) / 100);
  });
  const { promise, resolve } = Promise.withResolvers<string | null>();
  child.once('error', (error) => resolve(errnoOf(error) === 'ENOENT' ? MISSING : error.message));
  child.once('close', (code, by) => resolve(code === 0 ? null : findReason(told) || `it ended with ${by ?? code}`));
  const failure = await promise;
  signal.removeEventListener('abort', kill);
  signal.throwIfAborted();
  if (failure !== null) throw new OperationalError(failure, { retryable: false });
}

/** Guests come first. */
function stepDown(pid: number | undefined): void {
  try {
    if (pid !== undefined) os.setPriority(pid, NICE);
  } catch {
    // It has ended already.
  }
}

/** Its last line, without its name and ours. */
function findReason(told: string): string {
  const line = told.trim().split('\n').at(-1) ?? '';
  return line.replace(/^qemu-img: /, '').replaceAll(HANDED, 'the image');
}
