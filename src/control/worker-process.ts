/**
 * Workers as child processes: one a job (`transfer/job.ts`), which ends when its job or its channel does. A worker that is
 * killed leaves packs that nothing refers to: another one goes on, or the collector takes them.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { OperationalError } from '../lib/errors.ts';
import type { WorkerMessage } from '../transfer/job.ts';
import type { Program } from './diskd-process.ts';

/** What a worker makes is large buffers, and plans of a moment: a fragmented view's would fill 48 MiB before they are collected. */
const SMALL_YOUNG_GENERATION = '--max-semi-space-size=4';

export interface WorkerOptions {
  signal: AbortSignal;
  onProgress: (doneBytes: number, totalBytes: number) => void;
}

/** Rejects once the worker is gone: with its failure, or the signal's reason when that fired. */
export async function runWorker<Result>(
  program: Program,
  command: 'transfer' | 'copy' | 'rewrite' | 'export',
  job: object,
  { signal, onProgress }: WorkerOptions,
): Promise<Result> {
  signal.throwIfAborted();
  const child = spawn(program.execPath, [SMALL_YOUNG_GENERATION, ...program.args, command], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    detached: true, // a session is what the kernel shares processors between: the worker steps back with its own
  });
  const kill = () => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  try {
    return await converse<Result>(child, job, onProgress);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

/** Gives the worker its job and waits until it has ended and said all that it had to say. */
async function converse<Result>(
  child: ChildProcess,
  job: object,
  onProgress: (doneBytes: number, totalBytes: number) => void,
): Promise<Result> {
  let last: WorkerMessage<Result> | undefined;
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  const disconnected = new Promise<void>((onDisconnect) => child.once('disconnect', () => onDisconnect()));
  child.on('message', (value) => {
    const message = value as WorkerMessage<Result>;
    if (message.type === 'progress') onProgress(message.doneBytes, message.totalBytes);
    else last = message;
  });
  child.once('error', (error) => resolve(error.message));
  child.once('exit', (code, signal) => void disconnected.then(() => resolve(signal ?? `exit code ${code}`)));
  if (child.connected) child.send(job, () => undefined);
  const end = await ended;
  if (last?.type === 'done') return last.result;
  if (last?.type === 'failed') throw new OperationalError(last.message, { retryable: last.retryable });
  throw new OperationalError(`the worker ended early (${end})`, { retryable: true });
}
