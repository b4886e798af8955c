/**
 * Transfer workers as child processes (`transfer/job.ts`): one an upload, which ends when its job or its channel does. A
 * worker that is killed leaves packs that nothing refers to: another one goes on, or the collector takes them.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { OperationalError } from '../lib/errors.ts';
import type { UploadJob, UploadResult, WorkerMessage } from '../transfer/job.ts';
import type { Program } from './diskd-process.ts';
import type { Transfer } from './parts.ts';

export class TransferProcesses implements Transfer {
  readonly #program: Program;

  constructor(program: Program) {
    this.#program = program;
  }

  async upload(
    job: UploadJob,
    options: { signal: AbortSignal; onProgress: (doneBytes: number, totalBytes: number) => void },
  ): Promise<UploadResult> {
    options.signal.throwIfAborted();
    const child = spawn(this.#program.execPath, [...this.#program.args, 'transfer'], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      detached: true, // a session is what the kernel shares processors between: the worker steps back with its own
    });
    const kill = () => void child.kill('SIGKILL');
    options.signal.addEventListener('abort', kill, { once: true });
    try {
      return await converse(child, job, options.onProgress);
    } catch (error) {
      options.signal.throwIfAborted();
      throw error;
    } finally {
      options.signal.removeEventListener('abort', kill);
    }
  }
}

/** Gives the worker its job and waits until it has ended and said all that it had to say. */
async function converse(
  child: ChildProcess,
  job: UploadJob,
  onProgress: (doneBytes: number, totalBytes: number) => void,
): Promise<UploadResult> {
  let last: WorkerMessage | undefined;
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  const disconnected = new Promise<void>((onDisconnect) => child.once('disconnect', () => onDisconnect()));
  child.on('message', (value) => {
    const message = value as WorkerMessage;
    if (message.type === 'progress') onProgress(message.doneBytes, message.totalBytes);
    else last = message;
  });
  child.once('error', (error) => resolve(error.message));
  child.once('exit', (code, signal) => void disconnected.then(() => resolve(signal ?? `exit code ${code}`)));
  if (child.connected) child.send(job, () => undefined);
  const end = await ended;
  if (last?.type === 'done') return last.result;
  if (last?.type === 'failed') throw new OperationalError(last.message, { retryable: last.retryable });
  throw new OperationalError(`the transfer worker ended early (${end})`, { retryable: true });
}
