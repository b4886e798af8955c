/** diskd's disk threads: each disk with all its connections is on one of them, the one with the fewest when it came. */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { OperationalError } from '../lib/errors.ts';
import type { DiskCall } from './disk-host.ts';
import type { FreezingThread } from './group-freezes.ts';
import type { BaseRef, DiskState, DiskdCalls, FreezeReply } from './protocol.ts';
import { isViewBase } from './protocol.ts';
import { decodeThreadError } from './thread-message.ts';
import type { ThreadCounts, ThreadOptions, ThreadReply, ThreadRequest } from './thread-message.ts';

interface Waiting {
  resolve: (reply: object) => void;
  reject: (error: Error) => void;
}

export class ThreadPool {
  readonly #threads: DiskThread[];
  readonly #threadOf = new Map<string, DiskThread>();
  readonly #viewOf: (diskId: string) => string | null;

  /** `viewOf`: the disk whose view is the base of a disk, if any. `onDeath`: a thread ended unasked; nobody serves its disks. */
  constructor(
    options: Omit<ThreadOptions, 'threadNumber'> & { threadCount: number; viewOf: (diskId: string) => string | null },
    onDeath: (error: Error) => void,
  ) {
    const { threadCount, viewOf, ...threadOptions } = options;
    this.#viewOf = viewOf;
    this.#threads = Array.from(
      { length: threadCount },
      (_, threadNumber) => new DiskThread({ ...threadOptions, threadNumber }, onDeath),
    );
  }

  async call<K extends DiskCall>(name: K, body: DiskdCalls[K]['request']): Promise<DiskdCalls[K]['reply']> {
    return (await this.#threadFor(body).call(name, body)) as DiskdCalls[K]['reply'];
  }

  /** Where the disk is, or will be. */
  threadOf(diskId: string): FreezingThread {
    return this.#threadFor({ diskId });
  }

  async listActive(): Promise<DiskState[]> {
    const replies = await Promise.all(this.#threads.map((thread) => thread.call('listActive', {})));
    return (replies as { disks: DiskState[] }[]).flatMap(({ disks }) => disks);
  }

  async count(): Promise<ThreadCounts> {
    const counts = (await Promise.all(this.#threads.map((thread) => thread.call('count', {})))) as ThreadCounts[];
    return {
      clientCount: counts.reduce((sum, { clientCount }) => sum + clientCount, 0),
      requestCount: counts.reduce((sum, { requestCount }) => sum + requestCount, 0),
    };
  }

  /** Closes every disk, then ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.call('closeAll', {})));
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }

  /** A disk that stands on another's view goes where that one is: two threads never open one folder. */
  #threadFor({ diskId, base }: { diskId: string; base?: BaseRef }): DiskThread {
    let thread = this.#threadOf.get(diskId);
    if (thread === undefined) {
      const viewOf = base !== undefined && isViewBase(base) ? base.viewOf : this.#viewOf(diskId);
      thread = viewOf === null ? this.#idlest() : this.#threadFor({ diskId: viewOf });
      thread.diskCount++;
      this.#threadOf.set(diskId, thread);
    }
    return thread;
  }

  #idlest(): DiskThread {
    return this.#threads.reduce((least, other) => (other.diskCount < least.diskCount ? other : least));
  }
}

class DiskThread implements FreezingThread {
  diskCount = 0;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #isEnding = false;

  constructor(options: ThreadOptions, onDeath: (error: Error) => void) {
    // Beside this file, in src/ and in dist/ alike.
    const entry = path.join(import.meta.dirname, `disk-thread${path.extname(import.meta.filename)}`);
    this.#worker = new Worker(entry, { workerData: options, name: `disks ${options.threadNumber}` });
    this.#worker.on('message', (reply: ThreadReply) => this.#settle(reply));
    this.#worker.on('error', (error) => onDeath(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on('exit', (code) => {
      if (!this.#isEnding) onDeath(new Error(`disk thread ${options.threadNumber} ended with ${code}`));
    });
  }

  async call(call: ThreadRequest['call'], body: object): Promise<object> {
    if (this.#isEnding) throw new OperationalError('diskd is ending', { retryable: true });
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<object>();
    this.#waiting.set(id, { resolve, reject });
    this.#worker.postMessage({ id, call, body } as ThreadRequest);
    return promise;
  }

  async shutGates(request: DiskdCalls['freezeGroup']['request']): Promise<void> {
    await this.call('shutGates', request);
  }

  async freezeTogether(request: DiskdCalls['freezeGroup']['request']): Promise<FreezeReply[]> {
    return (await this.call('freezeTogether', request)) as FreezeReply[];
  }

  async openGates(groupId: string): Promise<boolean> {
    const { wereShut } = (await this.call('openGates', { groupId })) as { wereShut: boolean };
    return wereShut;
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#worker.terminate();
  }

  #settle(reply: ThreadReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('error' in reply) waiting?.reject(decodeThreadError(reply.error));
    else waiting?.resolve(reply.reply);
  }
}
