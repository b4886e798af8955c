/** A worker's side of its channel: one job in, messages and the result out. */
import { AssertionError, OperationalError, messageOf } from '../lib/errors.ts';
import type { WorkerMessage } from './job.ts';
import { stepBack } from './step-back.ts';

/**
 * Takes the job, does it at low rank, and answers with `WorkerMessage`s. The process ends at once when its channel closes. Returns
 * the exit code.
 */
export async function runOneJob<Result>(
  command: string,
  work: (job: unknown, onProgress: (doneBytes: number, totalBytes: number) => void) => Promise<Result>,
): Promise<number> {
  if (process.send === undefined) {
    throw new OperationalError(`hupo ${command} is started by hupo serve, with a channel to it`, { retryable: false });
  }
  stepBack();
  process.once('disconnect', () => process.exit(1));
  const { promise, resolve } = Promise.withResolvers<unknown>();
  process.once('message', resolve);
  const message = await tryJob(await promise, work);
  await send(message);
  process.removeAllListeners('disconnect');
  process.disconnect?.();
  return message.type === 'done' ? 0 : 1;
}

async function tryJob<Result>(
  job: unknown,
  work: (job: unknown, onProgress: (doneBytes: number, totalBytes: number) => void) => Promise<Result>,
): Promise<WorkerMessage<Result>> {
  try {
    // When the channel has closed the process is about to end: there is nobody to tell.
    const onProgress = (doneBytes: number, totalBytes: number) =>
      void process.send?.({ type: 'progress', doneBytes, totalBytes }, undefined, {}, () => undefined);
    return { type: 'done', result: await work(job, onProgress) };
  } catch (error) {
    const message = error instanceof AssertionError ? (error.stack ?? error.message) : messageOf(error);
    return { type: 'failed', message, retryable: error instanceof OperationalError && error.retryable };
  }
}

async function send(message: object): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  process.send?.(message, undefined, {}, (error: Error | null) => (error === null ? resolve() : reject(error)));
  return promise;
}
