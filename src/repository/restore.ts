/**
 * Writes a tree to a sparse file: windows of the tree are sorted by where their chunks are stored, each group is read and
 * decompressed once a window, and worker threads verify and write, past the page cache. A restore that fails or is aborted removes the file;
 * a crash leaves a file that is not whole, and the next restore to that name is refused until it is removed.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { AssertionError, CorruptionError, OperationalError, errnoOf, messageOf } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { EntryReader } from './entry-reader.ts';
import { PageReader } from './page-reader.ts';
import type { PackIndex } from './pack-index.ts';
import { planRestore } from './plan-restore.ts';
import type { GroupTask } from './plan-restore.ts';
import type { RestoreOrder, RestoreReply, RestoreStart } from './restore-worker.ts';
import { openStores } from './stores.ts';
import type { RepositoryPlace } from './stores.ts';
import { walkTree } from './tree.ts';
import type { TreeEntry } from './tree.ts';
import type { TreeRef } from './tree-ref.ts';

/** Chunks planned at a time: 128 MiB of disk, about 1 MB of plan. */
const WINDOW_CHUNKS = 2048;
/** Groups in one message to a worker, and messages that it has at a time: it must not wait while a window is planned. */
const BATCH_GROUPS = 32;
const BATCHES_AHEAD = 2;
const MOST_WORKERS = 8;
/** A thread makes little that is not a buffer: more than this only takes memory. */
const YOUNG_MIB = 4;

export interface RestoreRequest {
  repository: RepositoryPlace;
  tree: TreeRef;
  sizeBytes: number;
  /** Must not exist. */
  file: string;
  onProgress?: (doneBytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
}

/**
 * Resolves when the file holds the whole image, synced. Throws OperationalError (the file exists, a disk is full),
 * CorruptionError (naming the chunk that has no good copy), or the signal's reason.
 */
export async function restoreToFile(request: RestoreRequest): Promise<void> {
  request.signal?.throwIfAborted();
  const { store, index } = await openStores(request.repository);
  try {
    const handle = await createFile(request.file);
    try {
      await handle.truncate(request.sizeBytes);
      const pages = new PageReader(new EntryReader(store, index));
      await restoreChunks(request, walkTree(request.tree, pages), index);
      await handle.sync();
    } catch (error) {
      fs.rmSync(request.file, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
  } finally {
    index.close();
  }
}

async function createFile(file: string): Promise<fs.promises.FileHandle> {
  try {
    return await fs.promises.open(file, 'wx', 0o600);
  } catch (error) {
    const message = errnoOf(error) === 'EEXIST' ? `${file} exists already; give another name` : messageOf(error);
    throw new OperationalError(message, { retryable: false, cause: error });
  }
}

async function restoreChunks(
  request: RestoreRequest,
  entries: AsyncIterable<TreeEntry>,
  index: PackIndex,
): Promise<void> {
  const batches = planBatches(entries, index);
  const workers = Array.from(
    { length: Math.min(MOST_WORKERS, os.availableParallelism()) },
    () => new RestoreThread(request),
  );
  const totalBytes = request.tree.dataChunkCount * CHUNK_BYTES;
  let doneBytes = 0;
  const feed = async (worker: RestoreThread): Promise<void> => {
    for (let next = await batches.next(); next.done !== true; next = await batches.next()) {
      request.signal?.throwIfAborted();
      doneBytes += await worker.run(next.value);
      request.onProgress?.(doneBytes, totalBytes);
    }
  };
  try {
    await Promise.all(workers.flatMap((worker) => Array.from({ length: BATCHES_AHEAD }, async () => feed(worker))));
    await Promise.all(workers.map(async (worker) => worker.run('finish')));
  } finally {
    await Promise.all(workers.map(async (worker) => worker.close()));
  }
}

/** The work in pieces, planned a window at a time when they are asked for; several may ask at once. */
async function* planBatches(entries: AsyncIterable<TreeEntry>, index: PackIndex): AsyncGenerator<GroupTask[]> {
  for await (const window of windows(entries)) {
    const tasks = planRestore(window, (digest) => index.locate(digest)[0]);
    for (let start = 0; start < tasks.length; start += BATCH_GROUPS) yield tasks.slice(start, start + BATCH_GROUPS);
  }
}

async function* windows(entries: AsyncIterable<TreeEntry>): AsyncGenerator<TreeEntry[]> {
  let window: TreeEntry[] = [];
  for await (const entry of entries) {
    window.push(entry);
    if (window.length < WINDOW_CHUNKS) continue;
    yield window;
    window = [];
  }
  if (window.length > 0) yield window;
}

/** One worker thread: does and answers one order after another. */
class RestoreThread {
  readonly #worker: Worker;
  /** For the answers to come, in order. */
  readonly #waiting: { resolve: (writtenBytes: number) => void; reject: (error: Error) => void }[] = [];
  #failure: Error | undefined;

  constructor({ repository, file }: RestoreRequest) {
    const entry = path.join(import.meta.dirname, `restore-worker${path.extname(import.meta.filename)}`);
    const workerData: RestoreStart = { repository, file };
    this.#worker = new Worker(entry, { workerData, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB } });
    this.#worker.on('message', (reply: RestoreReply) => this.#settle(reply));
    this.#worker.on('error', (error: unknown) =>
      this.#fail(error instanceof Error ? error : new AssertionError(messageOf(error))),
    );
    this.#worker.on('exit', () => this.#fail(new AssertionError('a restore thread ended early')));
  }

  /** Resolves to the bytes of the batch's chunks; they are in the file when `finish` has resolved too. */
  async run(order: RestoreOrder): Promise<number> {
    if (this.#failure !== undefined) throw this.#failure;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#waiting.push({ resolve, reject });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(order);
    return promise;
  }

  async close(): Promise<void> {
    this.#worker.removeAllListeners('exit');
    await this.#worker.terminate();
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
