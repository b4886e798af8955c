/**
 * The entry of a disk thread: a `DiskHost` that answers the main thread's messages. A thread that fails takes diskd
 * down with it; what was acknowledged is in the page cache, and the next diskd opens the disks from their folders.
 */
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../lib/assert.ts';
import { readBootId } from '../lib/boot-id.ts';
import { systemClock } from '../lib/clock.ts';
import { SpaceGate } from '../lib/disk-space.ts';
import { systemFiles } from '../lib/files.ts';
import { createLog, writeToStderr } from '../lib/log.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import type { RepositoryReader } from '../repository/reader.ts';
import { openRepositoryReader } from '../repository/reader.ts';
import { repositoryIn } from '../repository/stores.ts';
import type { RepositoryPlace } from '../repository/stores.ts';
import { DiskHost } from './disk-host.ts';
import type { DiskCall, TreeSource } from './disk-host.ts';
import { encodeThreadError } from './thread-message.ts';
import type { ThreadOptions, ThreadReply, ThreadRequest } from './thread-message.ts';

const MAINTAIN_MS = 1000;
const SWEEP_PAUSE_MS = 7;

/** Reads the repository of DIR, opened when a chunk of a base is first needed. */
class RepositorySource implements TreeSource {
  readonly #place: RepositoryPlace;
  #reader: Promise<RepositoryReader> | undefined;

  constructor(place: RepositoryPlace) {
    this.#place = place;
  }

  async readChunk(tree: TreeRef, chunk: number): Promise<Buffer | null> {
    return (await this.#open()).readChunk(tree, chunk);
  }

  async listChunks(tree: TreeRef, fromChunk: number, limit: number): Promise<number[]> {
    return (await this.#open()).listChunks(tree, fromChunk, limit);
  }

  async findDigest(tree: TreeRef, chunk: number): Promise<Buffer | null> {
    return (await this.#open()).findDigest(tree, chunk);
  }

  #open(): Promise<RepositoryReader> {
    if (this.#reader !== undefined) return this.#reader;
    const opening = openRepositoryReader(this.#place);
    this.#reader = opening;
    opening.catch(() => (this.#reader = undefined)); // it did not open: try again next time
    return opening;
  }
}

function startThread(): void {
  const { dataFolder, runFolder, reserveBytes, threadNumber } = workerData as ThreadOptions;
  const port = parentPort;
  assert(port !== null, 'a disk thread is started by diskd');
  const space = new SpaceGate(path.join(dataFolder, 'disks'), reserveBytes);
  const repository = new RepositorySource(repositoryIn(dataFolder));
  const host = new DiskHost({
    files: systemFiles,
    disksFolder: path.join(dataFolder, 'disks'),
    runFolder,
    bootId: readBootId(),
    clock: systemClock,
    trees: repository,
    takeSpace: (bytes) => space.take(bytes),
    isSpaceTight: () => space.isTight,
    log: createLog(`diskd/${threadNumber}`, systemClock, writeToStderr),
  });
  port.on('message', (request: ThreadRequest) => {
    answer(host, request).then(
      (reply) => port.postMessage({ id: request.id, reply } satisfies ThreadReply),
      (error: unknown) => port.postMessage({ id: request.id, error: encodeThreadError(error) } satisfies ThreadReply),
    );
  });
  void maintain(host, space);
  void sweep(host);
}

async function answer(host: DiskHost, request: ThreadRequest): Promise<object> {
  if (request.call === 'count') return await host.count();
  if (request.call === 'listActive') return { disks: await host.listActive() };
  if (request.call === 'closeAll') {
    await host.closeAll();
    return {};
  }
  if (request.call === 'shutGates') {
    await host.shutGates(request.body);
    return {};
  }
  if (request.call === 'freezeTogether') return await host.freezeTogether(request.body);
  if (request.call === 'openGates') return { wereShut: host.openGates(request.body.groupId) };
  return host.call<DiskCall>(request.call, request.body as never);
}

async function maintain(host: DiskHost, space: SpaceGate): Promise<never> {
  for (;;) {
    space.look();
    await systemClock.sleep(MAINTAIN_MS);
    await host.maintain();
  }
}

/** A tenth of the thread's time at most, and nothing while there is nothing to do. */
async function sweep(host: DiskHost): Promise<never> {
  for (;;) {
    const isMore = await host.sweep();
    await systemClock.sleep(isMore ? SWEEP_PAUSE_MS : MAINTAIN_MS);
  }
}

startThread();
