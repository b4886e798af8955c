/**
 * Bringing all of a disk's base into the disk (D7, "in the background where asked"), and leaving the base then: a slice at a
 * time, in chunk order. A chunk that was passed stays the disk's own: for every reader over that base each of its blocks is
 * in a layer, and no layer goes that a reader needs. So when the end is reached, nobody reads from the base any more.
 *
 * Where a slice begins is remembered as long as the disk is open, and no longer: what a failed sync or a power cut took
 * back is looked at again. Leaving is a checkpoint with another head, and syncs all before it.
 */
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { emptyTree } from '../repository/tree-ref.ts';
import type { BaseSource } from './base-source.ts';
import type { ChunkFill } from './chunk-fill.ts';
import type { DiskStore } from './disk-store.ts';
import type { Lineage } from './lineage.ts';
import { baseEnd } from './lineage.ts';
import type { FetchProgress } from './protocol.ts';
import { isViewBase } from './protocol.ts';

/** Chunks of a slice that are read at once. */
const READS_AT_ONCE = 8;

export class BaseFetch {
  readonly #store: DiskStore;
  readonly #source: BaseSource;
  readonly #fill: ChunkFill;
  /** The base that is being fetched, the chunk to go on from, and how many chunks of the base lie before that. */
  #passed = { baseGeneration: -1, next: 0, chunkCount: 0 };

  constructor(store: DiskStore, source: BaseSource, fill: ChunkFill) {
    this.#store = store;
    this.#source = source;
    this.#fill = fill;
  }

  /**
   * Up to `limit` chunks of the base, one call at a time. Throws what reading the base or keeping a chunk throws; the next
   * call goes on there. A base that is a frozen view yet is refused (`InvalidSnapshotId.NotReady`).
   */
  async slice(limit: number): Promise<FetchProgress> {
    const { live } = this.#store.map.head;
    const { base, baseGeneration } = live;
    if (isViewBase(base)) {
      const message = `the snapshot ${base.snapshotId}, which the disk stands on, is not stored yet`;
      throw new RequestError('InvalidSnapshotId.NotReady', message);
    }
    if (this.#passed.baseGeneration !== baseGeneration) this.#passed = { baseGeneration, next: 0, chunkCount: 0 };
    const passed = this.#passed;
    const listed = baseEnd(live) === 0 ? [] : await this.#source.listChunks(base, passed.next, limit);
    const chunks = listed.filter((chunk) => chunk < this.#store.map.chunkCount);
    let fetchedBytes = 0;
    for (let at = 0; at < chunks.length; at += READS_AT_ONCE) {
      const some = chunks.slice(at, at + READS_AT_ONCE);
      const fetched = await Promise.all(some.map((chunk) => this.#fill.fillForAll(chunk, live)));
      passed.next = some.at(-1)! + 1;
      passed.chunkCount += some.length;
      fetchedBytes += fetched.filter(Boolean).length * CHUNK_BYTES;
    }
    const isOver = chunks.length < limit;
    if (isOver) await this.#leave(live);
    return { chunkCount: passed.chunkCount, totalCount: base.tree.dataChunkCount, fetchedBytes, isOver };
  }

  /** Whose base it was is kept: while that snapshot is there, the next one of the disk is compared with it. */
  async #leave({ base, baseGeneration }: Lineage): Promise<void> {
    assert(!isViewBase(base), 'a disk leaves a tree');
    if (base.tree.root === null) return;
    const left = (lineage: Lineage): Lineage =>
      lineage.baseGeneration === baseGeneration
        ? { ...lineage, base: { snapshotId: base.snapshotId, tree: emptyTree } }
        : lineage;
    await this.#store.replaceHead(({ head, views }) => ({
      head: { ...head, live: left(head.live) },
      views: views.map((view) => ({ ...view, lineage: left(view.lineage) })),
    }));
  }
}
