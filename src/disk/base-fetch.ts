/**
 * Bringing all of a disk's base into the disk (D7, "in the background where asked"), and leaving the base then: a slice at a
 * time, in chunk order. A chunk that was passed stays the disk's own: for every reader over that base each of its blocks is
 * in a layer, and no layer goes that a reader needs. So when the end is reached, nobody reads from the base any more.
 *
 * Where a slice begins is remembered as long as the disk is open, and no longer: what a failed sync or a power cut took
 * back is looked at again. Leaving is a checkpoint with another head, and syncs all before it.
 */
import { CorruptionError, OperationalError, RequestError, messageOf } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { Mutex } from '../lib/mutex.ts';
import { emptyTree } from '../repository/tree-ref.ts';
import { allDone } from './all-done.ts';
import type { BaseSource } from './base-source.ts';
import type { ChunkFill } from './chunk-fill.ts';
import type { DiskStore } from './disk-store.ts';
import type { Lineage } from './lineage.ts';
import { baseEnd } from './lineage.ts';
import type { FetchProgress } from './protocol.ts';
import { isViewBase } from './protocol.ts';

/** Chunks of a slice that are read at once. */
const READS_AT_ONCE = 8;

/** The base that is being fetched, the chunk to go on from, how many of its chunks lie before that, and what is wrong with some. */
interface Passed {
  baseGeneration: number;
  next: number;
  chunkCount: number;
  damaged: Error[];
}

function startOf(baseGeneration: number): Passed {
  return { baseGeneration, next: 0, chunkCount: 0, damaged: [] };
}

export class BaseFetch {
  readonly #store: DiskStore;
  readonly #source: BaseSource;
  readonly #fill: ChunkFill;
  #passed = startOf(-1);
  /** The base of which every chunk was passed. */
  #wholeGeneration = -1;
  readonly #mutex = new Mutex();

  constructor(store: DiskStore, source: BaseSource, fill: ChunkFill) {
    this.#store = store;
    this.#source = source;
    this.#fill = fill;
  }

  /** Chunks of the live disk's base that were passed. */
  get passedCount(): number {
    const { baseGeneration, chunkCount } = this.#passed;
    return baseGeneration === this.#store.map.head.live.baseGeneration ? chunkCount : 0;
  }

  /**
   * Up to `limit` chunks of the base, one slice at a time; at its end `leave` is to be called. Throws what reading the base or
   * keeping a chunk throws; the next call goes on there. Chunks that are damaged are passed, and told at the end by an
   * OperationalError. A base that is a frozen view yet is refused (`InvalidSnapshotId.NotReady`).
   */
  slice(limit: number): Promise<FetchProgress> {
    return this.#mutex.run(() => this.#sliceNow(limit));
  }

  async #sliceNow(limit: number): Promise<FetchProgress> {
    const { live } = this.#store.map.head;
    const { base, baseGeneration } = live;
    if (isViewBase(base)) {
      const message = `the snapshot ${base.snapshotId}, which the disk stands on, is not stored yet`;
      throw new RequestError('InvalidSnapshotId.NotReady', message);
    }
    if (this.#passed.baseGeneration !== baseGeneration) this.#passed = startOf(baseGeneration);
    const passed = this.#passed;
    const listed = baseEnd(live) === 0 ? [] : await this.#source.listChunks(base, passed.next, limit);
    const chunks = listed.filter((chunk) => chunk < this.#store.map.chunkCount);
    let fetchedBytes = 0;
    for (let at = 0; at < chunks.length; at += READS_AT_ONCE) {
      const some = chunks.slice(at, at + READS_AT_ONCE);
      const fetch = async (chunk: number): Promise<void> => {
        try {
          if (await this.#fill.fillForAll(chunk, live)) fetchedBytes += CHUNK_BYTES;
        } catch (error) {
          if (!(error instanceof CorruptionError)) throw error;
          passed.damaged.push(error);
        }
      };
      await allDone(some.map(fetch));
      passed.next = some.at(-1)! + 1;
      passed.chunkCount += some.length;
    }
    const isAtEnd = chunks.length < limit;
    if (isAtEnd && passed.damaged.length > 0) throw this.#tooDamaged(passed.damaged);
    if (isAtEnd) this.#wholeGeneration = baseGeneration;
    return { chunkCount: passed.chunkCount, totalCount: base.tree.dataChunkCount, fetchedBytes, isOver: isAtEnd };
  }

  /** The next call begins anew. */
  #tooDamaged(damaged: readonly Error[]): OperationalError {
    this.#passed = startOf(-1);
    const [first] = damaged;
    const message = `${damaged.length} chunks of the base cannot be read, all others are in the disk now; the first: ${messageOf(first)}`;
    return new OperationalError(message, { retryable: false, cause: first });
  }

  /**
   * The disk leaves its base, durably, if it has passed all of it; whether it stands on zeros then. Nothing else may change its
   * head meanwhile. Whose base it was is kept: while that snapshot is there, the next one of the disk is compared with it.
   */
  async leave(): Promise<boolean> {
    const { live } = this.#store.map.head;
    const { base, baseGeneration } = live;
    if (baseEnd(live) === 0) return true;
    if (isViewBase(base) || this.#wholeGeneration !== baseGeneration) return false;
    const left = (lineage: Lineage): Lineage =>
      lineage.baseGeneration === baseGeneration
        ? { ...lineage, base: { snapshotId: base.snapshotId, tree: emptyTree } }
        : lineage;
    await this.#store.replaceHead(({ head, views }) => ({
      head: { ...head, live: left(head.live) },
      views: views.map((view) => ({ ...view, lineage: left(view.lineage) })),
    }));
    return true;
  }
}
