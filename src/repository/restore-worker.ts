/** A thread of a restore: does what it is told, one order after another, and answers each in turn. */
import { parentPort, workerData } from 'node:worker_threads';
import { AssertionError, CorruptionError, OperationalError, errnoOf, messageOf } from '../lib/errors.ts';
import { GroupRestorer } from './group-restorer.ts';
import type { RestoreStart } from './group-restorer.ts';
import type { GroupTask } from './plan-restore.ts';

/** `finish` comes last: what was accepted before is then in the file. */
export type RestoreOrder = readonly GroupTask[] | 'finish';

export type RestoreReply =
  | { type: 'done'; writtenBytes: number }
  | { type: 'damaged'; what: string; where: string; digests: { expected?: string; actual?: string } }
  | { type: 'failed'; message: string; retryable: boolean };

async function answer(restorer: GroupRestorer, order: RestoreOrder): Promise<RestoreReply> {
  try {
    if (order !== 'finish') return { type: 'done', writtenBytes: await restorer.run(order) };
    await restorer.finish();
    return { type: 'done', writtenBytes: 0 };
  } catch (error) {
    return describeFailure(error);
  }
}

function describeFailure(error: unknown): RestoreReply {
  if (error instanceof CorruptionError) {
    const { what, where, expected, actual } = error;
    const digests = expected === undefined || actual === undefined ? {} : { expected, actual };
    return { type: 'damaged', what, where, digests };
  }
  const message = error instanceof AssertionError ? (error.stack ?? error.message) : messageOf(error);
  const retryable = error instanceof OperationalError ? error.retryable : errnoOf(error) !== undefined;
  return { type: 'failed', message, retryable };
}

const port = parentPort;
if (port !== null) {
  const restorer = new GroupRestorer(workerData as RestoreStart);
  let last: Promise<void> = Promise.resolve();
  port.on('message', (order: RestoreOrder) => {
    const answering = answer(restorer, order);
    last = last.then(async () => port.postMessage(await answering));
  });
}
