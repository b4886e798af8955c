/**
 * A transfer worker: a child process that uploads one frozen view for the control plane and ends. It ends at once when
 * its channel closes, wherever it is: what it has written by then are whole packs and files in `tmp/`.
 */
import type { DiskdCalls } from '../disk/protocol.ts';
import { systemClock } from '../lib/clock.ts';
import { AssertionError, OperationalError, messageOf } from '../lib/errors.ts';
import { LineClient } from '../lib/line-channel.ts';
import { systemRandom } from '../lib/random.ts';
import type { UploadJob, WorkerMessage } from './job.ts';
import { Courtesy, stepBack } from './step-back.ts';
import { uploadView } from './upload.ts';

/** Takes one `UploadJob` from the channel and answers with `WorkerMessage`s. Returns the exit code. */
export async function runTransferWorker(): Promise<number> {
  if (process.send === undefined) {
    throw new OperationalError('hupo transfer is started by hupo serve, with a channel to it', { retryable: false });
  }
  stepBack();
  process.once('disconnect', () => process.exit(1));
  const job = await receiveJob();
  const message = await runJob(job);
  await send(message);
  process.removeAllListeners('disconnect');
  process.disconnect?.();
  return message.type === 'done' ? 0 : 1;
}

async function receiveJob(): Promise<UploadJob> {
  const { promise, resolve } = Promise.withResolvers<UploadJob>();
  process.once('message', (message) => resolve(message as UploadJob));
  return promise;
}

async function runJob(job: UploadJob): Promise<WorkerMessage> {
  let diskd: LineClient<DiskdCalls> | undefined;
  try {
    diskd = await LineClient.connect<DiskdCalls>(job.diskdSocket);
    const courtesy = new Courtesy(systemClock);
    const result = await uploadView(job, {
      diskd,
      pace: (bytes) => courtesy.pace(bytes),
      clock: systemClock,
      random: systemRandom,
      onProgress: (doneBytes, totalBytes) => process.send?.({ type: 'progress', doneBytes, totalBytes }),
    });
    return { type: 'done', result };
  } catch (error) {
    const message = error instanceof AssertionError ? (error.stack ?? error.message) : messageOf(error);
    return { type: 'failed', message, retryable: error instanceof OperationalError && error.retryable };
  } finally {
    diskd?.close();
  }
}

async function send(message: WorkerMessage): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  process.send?.(message, undefined, {}, (error: Error | null) => (error === null ? resolve() : reject(error)));
  return promise;
}
