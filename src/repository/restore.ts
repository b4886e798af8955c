/**
 * Writes a tree to a sparse file: windows of the tree are sorted by where their chunks are stored, each group is read and
 * decompressed once a window, and this thread and others verify and write, past the page cache. A restore that fails or is aborted
 * removes the file; a crash leaves a file that is not whole, and the next restore to that name is refused until it is removed.
 */
import fs from 'node:fs';
import os from 'node:os';
import { OperationalError, errnoOf, messageOf } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { BatchLookup } from './digest-questions.ts';
import { EntryReader } from './entry-reader.ts';
import { GroupRestorer } from './group-restorer.ts';
import { PageReader } from './page-reader.ts';
import { planBatches, planRestore } from './plan-restore.ts';
import type { GroupTask } from './plan-restore.ts';
import { RestoreThread } from './restore-thread.ts';
import { openStores } from './stores.ts';
import type { RepositoryPlace, Stores } from './stores.ts';
import { walkLeafPages } from './tree.ts';
import type { TreeEntry } from './tree.ts';
import type { TreeRef } from './tree-ref.ts';

/** Chunks planned at a time, at least: 128 MiB of disk, about 1 MB of plan. */
const WINDOW_CHUNKS = 2048;
/** What a thread is told of before it has answered: it must not wait while a window is planned. */
const BATCHES_AHEAD = 2;
const MOST_THREADS = 8;

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
  const stores = await openStores(request.repository);
  try {
    const handle = await createFile(request.file);
    try {
      await handle.truncate(request.sizeBytes);
      await restoreChunks(request, stores);
      await handle.sync();
    } catch (error) {
      fs.rmSync(request.file, { force: true });
      if (errnoOf(error) === undefined) throw error;
      throw new OperationalError(messageOf(error), { retryable: true, cause: error });
    } finally {
      await handle.close();
    }
  } finally {
    stores.index.close();
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

async function restoreChunks(request: RestoreRequest, stores: Stores): Promise<void> {
  const restorers = startRestorers(request);
  const batches = planWork(request.tree, stores);
  const totalBytes = request.tree.dataChunkCount * CHUNK_BYTES;
  let doneBytes = 0;
  const feed = async (restorer: GroupRestorer | RestoreThread): Promise<void> => {
    for await (const batch of batches) {
      request.signal?.throwIfAborted();
      const writtenBytes = await restorer.run(batch);
      doneBytes += writtenBytes; // after the waiting: others add to it meanwhile
      request.onProgress?.(doneBytes, totalBytes);
    }
  };
  try {
    await Promise.all(
      restorers.flatMap((restorer) => Array.from({ length: BATCHES_AHEAD }, async () => feed(restorer))),
    );
    await Promise.all(restorers.map(async (restorer) => restorer.finish()));
  } finally {
    await Promise.all(restorers.map(async (restorer) => restorer.close()));
  }
}

/** One on this thread, which is there already and plans only now and then, and others on threads of their own. */
function startRestorers({ repository, file }: RestoreRequest): (GroupRestorer | RestoreThread)[] {
  const start = { repository, file };
  const here = new GroupRestorer(start);
  const threadCount = Math.min(MOST_THREADS, os.availableParallelism());
  return [here, ...Array.from({ length: threadCount - 1 }, () => new RestoreThread(start))];
}

/** The work in pieces, planned a window at a time when they are asked for; several may ask at once. */
async function* planWork(tree: TreeRef, { store, index }: Stores): AsyncGenerator<GroupTask[]> {
  const pages = new PageReader(new EntryReader(store, index));
  const lookup = new BatchLookup(index);
  for await (const window of windows(tree, pages)) {
    const tasks = planRestore(window, lookup.locate(window.map(({ digest }) => digest)));
    yield* planBatches(tasks);
  }
}

async function* windows(tree: TreeRef, pages: PageReader): AsyncGenerator<TreeEntry[]> {
  let window: TreeEntry[] = [];
  for await (const { firstChunk, children } of walkLeafPages(tree, pages)) {
    for (const [index, digest] of children.entries()) {
      if (digest !== null) window.push({ chunk: firstChunk + index, digest });
    }
    if (window.length < WINDOW_CHUNKS) continue;
    yield window;
    window = [];
  }
  if (window.length > 0) yield window;
}
