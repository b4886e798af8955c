/** A worker thread of a restore, as seen from the thread that plans it: the same to use as a `GroupRestorer`. */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { AssertionError, CorruptionError, OperationalError, messageOf } from '../lib/errors.ts';
import { codeCacheEnvironment } from './code-cache.ts';
import type { RestoreStart } from './group-restorer.ts';
import type { GroupTask } from './plan-restore.ts';
import type { RestoreOrder, RestoreReply } from './restore-worker.ts';

/** A thread makes little that is not a buffer: more than this only takes memory. */
const YOUNG_MIB = 4;

export class RestoreThread {
  readonly #worker: Worker;
  /** For the answers to come, in order. */
  readonly #waiting: { resolve: (writtenBytes: number) => void; reject: (error: Error) => void }[] = [];
  #failure: Error | undefined;

  constructor(start: RestoreStart) {
    const entry = path.join(import.meta.dirname, `restore-worker${path.extname(import.meta.filename)}`);
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MIB };
    this.#worker = new Worker(entry, { workerData: start, resourceLimits, env: codeCacheEnvironment() });
    this.#worker.on('message', (reply: RestoreReply) => this.#settle(reply));
    this.#worker.on('error', (error: unknown) =>
      this.#fail(error instanceof Error ? error : new AssertionError(messageOf(error))),
    );
    this.#worker.on('exit', () => this.#fail(new AssertionError('a restore thread ended early')));
  }

  /** As `GroupRestorer.run`. */
  async run(tasks: readonly GroupTask[]): Promise<number> {
    return this.#order(tasks);
  }

  /** As `GroupRestorer.finish`. */
  async finish(): Promise<void> {
    await this.#order('finish');
  }

  /** As `GroupRestorer.close`. */
  async close(): Promise<void> {
    this.#worker.removeAllListeners('exit');
    await this.#worker.terminate();
  }

  async #order(order: RestoreOrder): Promise<number> {
    if (this.#failure !== undefined) throw this.#failure;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#waiting.push({ resolve, reject });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(order);
    return promise;
  }

  #settle(reply: RestoreReply): void {
    const waiting = this.#waiting.shift();
    if (reply.type === 'done') waiting?.resolve(reply.writtenBytes);
    else if (reply.type === 'damaged') waiting?.reject(new CorruptionError(reply.what, reply.where, reply.digests));
    else waiting?.reject(new OperationalError(reply.message, { retryable: reply.retryable }));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}
