/**
 * Room in files: ranges laid out ahead of their bytes, and ranges given back as holes. Node has no call for either, so
 * `fallocate` of the C library is called through `node:ffi`, with integers only. Laying out takes 50 µs for 16 MiB; punching
 * waits for the file system's journal and is done on a thread of its own. Where there is no `node:ffi` (it is experimental)
 * files get their room as they are written, and space returns by whole files only.
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

type Fallocate = (fd: number, mode: number, position: bigint, length: bigint) => number;

/** linux/falloc.h */
const KEEP_SIZE = 1;
const PUNCH_HOLE = 2;

/** Looking does not load the module, which warns of itself. */
export const canFallocate = process.platform === 'linux' && isBuiltin('node:ffi');

let found: Fallocate | null | undefined;

/** A library is looked up once a thread. */
function findFallocate(): Fallocate | null {
  const signature = { arguments: ['i32', 'i32', 'i64', 'i64'], return: 'i32' } as const;
  try {
    return process.getBuiltinModule('node:ffi').dlopen(null, { fallocate: signature }).functions.fallocate;
  } catch {
    return null; // it is experimental, and may be forbidden
  }
}

function fallocate(fd: number, mode: number, [position, length]: ByteRange): boolean {
  if (found === undefined) found = findFallocate();
  return found !== null && found(fd, mode, BigInt(position), BigInt(length)) === 0;
}

/**
 * Sees to it that the range has its room on the device; what it holds stays, and it reads as zeros where nothing was
 * written. False when the file system cannot, or has not so much left: it may have given a part of it then.
 */
export function layOutRange(fd: number, range: ByteRange): boolean {
  return fallocate(fd, KEEP_SIZE, range);
}

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

function work({ fd, ranges }: Job): void {
  const refused = ranges.find((range) => !fallocate(fd, KEEP_SIZE | PUNCH_HOLE, range));
  if (refused !== undefined) parentPort?.postMessage(refused[0]);
}

if (!isMainThread && (workerData as Partial<Job> | null)?.kind === 'punch') work(workerData as Job);
