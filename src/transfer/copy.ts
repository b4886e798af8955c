/**
 * Copies a tree from one repository into another. What differs from a tree that is there already is found page by page, and only
 * chunks that the repository does not know are read, verified and stored. When it resolves, everything that the tree it reached
 * has below it is durable. It ends early once it has read enough, so that what is done can be written down: who goes on from the
 * tree that was reached loses nothing (`control/operations/copy-snapshot.ts`). A crash leaves packs that nothing needs.
 *
 * Equal contents give equal trees, so the copy is whole exactly when it reached the tree that it copies: that is the proof.
 */
import { walkApart } from '../repository/aligned-walk.ts';
import type { ApartPlace } from '../repository/aligned-walk.ts';
import type { Clock } from '../lib/clock.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { Random } from '../lib/random.ts';
import type { Digest } from '../repository/digest.ts';
import { EntryReader } from '../repository/entry-reader.ts';
import { PageReader } from '../repository/page-reader.ts';
import { openStores } from '../repository/stores.ts';
import { updateTree } from '../repository/tree.ts';
import type { TreeChange } from '../repository/tree.ts';
import { openRepositoryWriter } from '../repository/writer.ts';
import type { RepositoryWriter } from '../repository/writer.ts';
import type { CopyJob, CopyResult } from './job.ts';

const PROGRESS_INTERVAL_MS = 200;
/** Chunks looked up and read at a time, at least: what a page of a tree has. */
const BATCH_CHUNKS = 128;

export interface CopyContext {
  clock: Clock;
  random: Random;
  /** Bytes that differed and are there now by this, of all that differed when the copy began. */
  onProgress: (doneBytes: number, totalBytes: number) => void;
  /** Awaited after so many bytes, for the pace. */
  pace?: (bytes: number) => Promise<void>;
}

/** Throws OperationalError (a store fails) or CorruptionError (what is to be copied is damaged, or gone). */
export async function copyTree(job: CopyJob, context: CopyContext): Promise<CopyResult> {
  const source = await openStores(job.source);
  try {
    const writer = await openRepositoryWriter(job.repository, job.session, context.random);
    try {
      return await new Copy(job, context, new EntryReader(source.store, source.index), writer).run();
    } finally {
      writer.close();
    }
  } finally {
    source.index.close();
  }
}

class Copy {
  readonly #job: CopyJob;
  readonly #context: CopyContext;
  readonly #entries: EntryReader;
  readonly #writer: RepositoryWriter;
  readonly #sourcePages: PageReader;
  #totalBytes = 0;
  #changedChunkCount = 0;
  #newChunkCount = 0;
  #readBytes = 0;
  #reportedAtMs: number;

  constructor(job: CopyJob, context: CopyContext, entries: EntryReader, writer: RepositoryWriter) {
    this.#job = job;
    this.#context = context;
    this.#entries = entries;
    this.#writer = writer;
    this.#sourcePages = new PageReader(entries);
    this.#reportedAtMs = context.clock.monotonicMs();
  }

  async run(): Promise<CopyResult> {
    this.#totalBytes = this.#job.totalBytes ?? (await this.#count());
    this.#report();
    const { pages, packs } = this.#writer;
    const reached = await updateTree(this.#job.begin, this.#copyApart(), pages, packs);
    await packs.finish();
    this.#report();
    return {
      reached,
      totalBytes: this.#totalBytes,
      changedChunkCount: this.#changedChunkCount,
      newChunkCount: this.#newChunkCount,
      readBytes: this.#readBytes,
      storedBytes: packs.storedBytes,
    };
  }

  /** Once a copy, for it reads each page that differs. */
  async #count(): Promise<number> {
    let chunkCount = 0;
    for await (const places of this.#findApart()) chunkCount += places.length;
    return chunkCount * CHUNK_BYTES;
  }

  /** The chunks that differ, in order. */
  async *#findApart(): AsyncGenerator<ApartPlace[]> {
    const { tree, begin } = this.#job;
    let batch: ApartPlace[] = [];
    for await (const places of walkApart([tree, begin], [this.#sourcePages, this.#writer.pages])) {
      batch.push(...places.filter(({ level }) => level === 0));
      if (batch.length < BATCH_CHUNKS) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  async *#copyApart(): AsyncGenerator<TreeChange[]> {
    for await (const places of this.#findApart()) {
      const changes = places.map(({ firstChunk, digests: [digest = null] }) => ({ chunk: firstChunk, digest }));
      const readBytes = await this.#store(changes.flatMap(({ digest }) => digest ?? []));
      yield changes;
      this.#changedChunkCount += changes.length;
      this.#readBytes += readBytes;
      if (this.#context.clock.monotonicMs() - this.#reportedAtMs >= PROGRESS_INTERVAL_MS) this.#report();
      if (this.#readBytes >= this.#job.mostBytes) return;
      await this.#context.pace?.(readBytes);
    }
  }

  async #store(digests: readonly Digest[]): Promise<number> {
    const { packs } = this.#writer;
    const missing = packs.findMissing(digests);
    const chunks = await Promise.all(missing.map(async (digest) => this.#entries.read(digest, 'chunk')));
    for (const [position, digest] of missing.entries()) {
      const bytes = chunks[position];
      if (bytes !== undefined && (await packs.put('chunk', digest, bytes))) this.#newChunkCount++;
    }
    return missing.length * CHUNK_BYTES;
  }

  #report(): void {
    this.#reportedAtMs = this.#context.clock.monotonicMs();
    this.#context.onProgress(this.#changedChunkCount * CHUNK_BYTES, this.#totalBytes);
  }
}
