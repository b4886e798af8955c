/**
 * The entry of a disk thread: a `DiskHost` that answers the main thread's messages. A thread that fails takes diskd
 * down with it; what was acknowledged is in the page cache, and the next diskd opens the disks from their folders.
 */
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../lib/assert.ts';
import { readBootId } from '../lib/boot-id.ts';
import { systemClock } from '../lib/clock.ts';
import { systemFiles } from '../lib/files.ts';
import { createLog, writeToStderr } from '../lib/log.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { openRepositoryReader } from '../repository/reader.ts';
import type { BaseSource } from './base-source.ts';
import { DiskHost } from './disk-host.ts';
import type { DiskCall } from './disk-host.ts';
import { encodeThreadError } from './thread-message.ts';
import type { ThreadOptions, ThreadReply, ThreadRequest } from './thread-message.ts';

const MAINTAIN_MS = 1000;

/** Reads the repository of DIR, opened when a chunk of a base is first needed. */
class RepositorySource implements BaseSource {
  readonly #folder: string;
  #reader: ReturnType<typeof openRepositoryReader> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async readChunk(tree: TreeRef, chunk: number): Promise<Buffer | null> {
    this.#reader ??= openRepositoryReader(this.#folder);
    const opening = this.#reader;
    try {
      return await (await opening).readChunk(tree, chunk);
    } catch (error) {
      opening.catch(() => {
        if (this.#reader === opening) this.#reader = undefined; // it did not open: try again next time
      });
      throw error;
    }
  }
}

function startThread(): void {
  const { dataFolder, runFolder, threadNumber } = workerData as ThreadOptions;
  const port = parentPort;
  assert(port !== null, 'a disk thread is started by diskd');
  const host = new DiskHost({
    files: systemFiles,
    disksFolder: path.join(dataFolder, 'disks'),
    runFolder,
    bootId: readBootId(),
    clock: systemClock,
    source: new RepositorySource(path.join(dataFolder, 'repository')),
    log: createLog(`diskd/${threadNumber}`, systemClock, writeToStderr),
  });
  port.on('message', (request: ThreadRequest) => {
    answer(host, request).then(
      (reply) => port.postMessage({ id: request.id, reply } satisfies ThreadReply),
      (error: unknown) => port.postMessage({ id: request.id, error: encodeThreadError(error) } satisfies ThreadReply),
    );
  });
  void maintain(host);
}

async function answer(host: DiskHost, request: ThreadRequest): Promise<object> {
  if (request.call === 'countClients') return { clientCount: host.clientCount };
  if (request.call === 'closeAll') {
    await host.closeAll();
    return {};
  }
  return host.call<DiskCall>(request.call, request.body as never);
}

async function maintain(host: DiskHost): Promise<never> {
  for (;;) {
    await systemClock.sleep(MAINTAIN_MS);
    await host.maintain();
  }
}

startThread();
