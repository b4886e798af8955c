/**
 * Punching holes: giving ranges of a file back to the file system. Node has no call for it, so `fallocate` of the C library is
 * called through `node:ffi`, with integers only, on a thread of its own because it waits for the file system's journal.
 * Where there is no `node:ffi` (it is experimental) nothing is punched, and space returns by whole files only.
 */
import { isBuiltin } from 'node:module';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { OperationalError } from './errors.ts';

/** `[position, length]` in bytes. */
export type ByteRange = [number, number];

interface Job {
  kind: 'punch';
  fd: number;
  ranges: readonly ByteRange[];
}

/** FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE (linux/falloc.h). */
const KEEP_SIZE_AND_PUNCH = 3;

export const canPunch = process.platform === 'linux' && isBuiltin('node:ffi');

/** Resolves when every range is a hole; throws an OperationalError when the file system refused one. */
export async function punchRanges(fd: number, ranges: readonly ByteRange[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const worker = new Worker(import.meta.filename, {
    name: 'punch',
    workerData: { kind: 'punch', fd, ranges } satisfies Job,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  let refused: number | null = null;
  worker.on('message', (position: number) => (refused = position));
  worker.on('error', (error) =>
    reject(new OperationalError('punching holes failed', { retryable: true, cause: error })),
  );
  worker.on('exit', () => {
    if (refused === null) resolve();
    else reject(new OperationalError(`the file system punches no hole at byte ${refused}`, { retryable: true }));
  });
  await promise;
}

async function work({ fd, ranges }: Job): Promise<void> {
  const { dlopen } = await import('node:ffi');
  const { functions } = dlopen(null, { fallocate: { arguments: ['i32', 'i32', 'i64', 'i64'], return: 'i32' } });
  const failed = ranges.find(
    ([position, length]) => functions.fallocate(fd, KEEP_SIZE_AND_PUNCH, BigInt(position), BigInt(length)) !== 0,
  );
  if (failed !== undefined) parentPort?.postMessage(failed[0]);
}

if (!isMainThread && (workerData as Partial<Job> | null)?.kind === 'punch') void work(workerData as Job);
