/**
 * Uploads one frozen view: what changed since the parent goes into packs, chunk by chunk in disk order, while the tree
 * is made beside. When it resolves, everything that the tree reaches is durable; the snapshot is not there until the
 * control plane commits its manifest. A crash leaves packs that nothing needs, which the next upload uses or the
 * collector removes.
 */
import os from 'node:os';
import type { DiskdCalls, ViewChunk } from '../disk/protocol.ts';
import type { Clock } from '../lib/clock.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { LineClient } from '../lib/line-channel.ts';
import type { Random } from '../lib/random.ts';
import { GroupThreads } from '../repository/group-threads.ts';
import type { Neighbours } from '../repository/pack-writer.ts';
import { updateTree } from '../repository/tree.ts';
import type { TreeChange } from '../repository/tree.ts';
import { openRepositoryWriter } from '../repository/writer.ts';
import type { RepositoryWriter } from '../repository/writer.ts';
import type { UploadJob, UploadResult } from './job.ts';
import { SlotReader } from './slot-reader.ts';
import type { SlotRun } from './slot-reader.ts';
import { View } from './view.ts';

const PROGRESS_INTERVAL_MS = 200;
/** Runs whose digests are being taken. */
const RUNS_AHEAD = 4;
/** Each takes memory, and the machine is there for guests. */
const MOST_THREADS = 3;
/** For less, to start threads takes longer than they save. */
const THREADS_FROM_BYTES = 32 * 1024 * 1024;

export interface UploadContext {
  diskd: Pick<LineClient<DiskdCalls>, 'call'>;
  clock: Clock;
  random: Random;
  /** Bytes of the view looked at, of all that there are to look at. */
  onProgress: (doneBytes: number, totalBytes: number) => void;
  /** Awaited after so many bytes, for the pace. */
  pace?: (bytes: number) => Promise<void>;
}

/** Throws OperationalError (diskd or the store fails) or CorruptionError (a page of the parent is damaged). */
export async function uploadView(job: UploadJob, context: UploadContext): Promise<UploadResult> {
  const view = new View(job, context.diskd);
  const totalBytes = await view.measure();
  const threads = new GroupThreads(totalBytes < THREADS_FROM_BYTES ? 0 : countThreads());
  try {
    const writer = await openRepositoryWriter(job.repository, job.session, context.random, threads);
    try {
      return await new Upload(job, context, { view, totalBytes, threads, writer }).run();
    } finally {
      writer.close();
    }
  } finally {
    threads.close();
  }
}

function countThreads(): number {
  return Math.min(MOST_THREADS, os.availableParallelism());
}

interface UploadParts {
  view: View;
  /** Of what there is to read. */
  totalBytes: number;
  threads: GroupThreads;
  writer: RepositoryWriter;
}

interface DigestedRun {
  chunks: readonly ViewChunk[];
  /** All of them; none where nothing needed to be read. */
  neighbours: readonly Neighbours[];
}

class Upload {
  readonly #job: UploadJob;
  readonly #context: UploadContext;
  readonly #parts: UploadParts;
  #changedChunkCount = 0;
  #newChunkCount = 0;
  #readBytes = 0;
  #reportedAtMs: number;

  constructor(job: UploadJob, context: UploadContext, parts: UploadParts) {
    this.#job = job;
    this.#context = context;
    this.#parts = parts;
    this.#reportedAtMs = context.clock.monotonicMs();
  }

  async run(): Promise<UploadResult> {
    const { totalBytes, writer } = this.#parts;
    this.#context.onProgress(0, totalBytes);
    const tree = await updateTree(this.#job.parent, this.#storeChanges(), writer.pages, writer.packs);
    await writer.packs.finish();
    this.#context.onProgress(totalBytes, totalBytes);
    return {
      tree,
      changedChunkCount: this.#changedChunkCount,
      newChunkCount: this.#newChunkCount,
      readBytes: this.#readBytes,
      storedBytes: writer.packs.storedBytes,
    };
  }

  async *#storeChanges(): AsyncGenerator<TreeChange[]> {
    const slots = new SlotReader(() => this.#parts.writer.packs.takeBuffer());
    try {
      for await (const run of this.#takeDigests(slots)) {
        yield await this.#store(run);
        await this.#context.pace?.(readBytesOf(run));
      }
    } finally {
      await slots.close();
    }
  }

  /** The view's runs in order; the digests of some are taken ahead, while others are stored. */
  async *#takeDigests(slots: SlotReader): AsyncGenerator<DigestedRun> {
    const ahead: Promise<DigestedRun>[] = [];
    for await (const { dataFolder, chunks } of this.#parts.view.pages()) {
      for await (const run of slots.read(dataFolder, chunks)) {
        const digesting = this.#takeDigestsOf(run);
        digesting.catch(() => undefined);
        ahead.push(digesting);
        const first = ahead.length > RUNS_AHEAD ? ahead.shift() : undefined;
        if (first !== undefined) yield await first;
      }
    }
    for (const digesting of ahead) yield await digesting;
  }

  async #takeDigestsOf({ chunks, buffers }: SlotRun): Promise<DigestedRun> {
    const { threads } = this.#parts;
    const digesting = buffers.map(async ({ buffer, chunkCount }) => {
      return { buffer, digests: await threads.digest(buffer.subarray(0, chunkCount * CHUNK_BYTES)) };
    });
    return { chunks, neighbours: await Promise.all(digesting) };
  }

  async #store(run: DigestedRun): Promise<TreeChange[]> {
    const { chunks, neighbours } = run;
    this.#changedChunkCount += chunks.length;
    this.#newChunkCount += await this.#parts.writer.packs.putNeighbours(neighbours);
    this.#readBytes += readBytesOf(run);
    this.#reportSometimes();
    const digests = neighbours.flatMap((those) => those.digests);
    return chunks.map(({ chunk }, position) => ({ chunk, digest: digests[position] ?? null }));
  }

  #reportSometimes(): void {
    const nowMs = this.#context.clock.monotonicMs();
    if (nowMs - this.#reportedAtMs < PROGRESS_INTERVAL_MS) return;
    this.#reportedAtMs = nowMs;
    this.#context.onProgress(this.#readBytes, this.#parts.totalBytes);
  }
}

function readBytesOf({ neighbours }: DigestedRun): number {
  return neighbours.reduce((sum, { digests }) => sum + digests.length * CHUNK_BYTES, 0);
}
