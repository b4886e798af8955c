/**
 * The background work on a disk's layers (D4): takes out what nobody sees any more, page by page, and merges neighbouring
 * layers that only the live disk sees, so that chunks come back to one slot each, most of them to their oldest. Done in short
 * slices between requests.
 *
 * A merge writes into a slot's blocks that nobody sees, then records it: a crash in between leaves both layers as they
 * were. It writes into the older slot only when every view that may have seen that slot is gone for good, on the device too,
 * and the device knows of the newer layer: else a power cut could leave its bytes, and nothing that says that the chunk changed (D5).
 */
import type { Clock } from '../lib/clock.ts';
import { AssertionError } from '../lib/errors.ts';
import { BLOCK_BYTES, CHUNK_BLOCKS, CHUNK_BYTES, FULL_MASK } from '../lib/geometry.ts';
import type { DiskStore } from './disk-store.ts';
import type { Lineage } from './lineage.ts';
import { sees } from './lineage.ts';
import type { MapPage } from './map-page.ts';
import { ABSENT, FIRST_SLOT, PAGE_CHUNKS } from './map-page.ts';
import { findMergeable, hasNeedless } from './settle.ts';

/** Freed slots that wait for a flush: more than this, and the sweep waits with them. */
const FREEING_LIMIT = 65_536;

/** After which layers that could not be merged are tried again. */
const RETRY_MS = 60_000;

/** A chunk moves to its newer slot only where that copies so many times less: where it began its neighbours are beside it. */
const MOVE_FACTOR = 2;

const zeros = Buffer.alloc(CHUNK_BYTES);

export class Sweep {
  readonly #store: DiskStore;
  readonly #clock: Clock;
  readonly #scratch = Buffer.alloc(CHUNK_BYTES);
  /** Pages that this pass has still to visit; null when none is under way. */
  #pages: number[] | null = null;
  #chunk = 0;
  /** Of the pass that ended last. */
  #sweptReleases = -1;
  #leftUndone = false;
  /** Older layers that the pass could do nothing about, for the device's fault, and when to try again. */
  #stuckCount = 0;
  #retryAtMs = 0;

  constructor(store: DiskStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Whether a slice would find anything to do. */
  get isDue(): boolean {
    const { map, releaseCount, releasesAreDurable, distrust, slots } = this.#store;
    if (distrust !== null || !releasesAreDurable || slots.allocator.freeingCount > FREEING_LIMIT) return false;
    if (this.#store.isHeadChanging) return false;
    if (this.#pages !== null) return true;
    if (map.head.hasUndone && this.#sweptReleases !== releaseCount) return true;
    if (map.views.length > 0 && this.#sweptReleases === releaseCount) return false;
    return map.head.olderLayerCount > (this.#clock.monotonicMs() < this.#retryAtMs ? this.#stuckCount : 0);
  }

  /** Works until `isOver` says so, or until the pass has ended. The store commits what it did. */
  slice(isOver: () => boolean): void {
    const { map, releaseCount } = this.#store;
    if (this.#pages === null) {
      this.#pages = map.listPages().reverse();
      this.#leftUndone = false;
      this.#chunk = 0;
      this.#stuckCount = 0;
      this.#sweptReleases = releaseCount;
    }
    while (this.#pages.length > 0) {
      if (this.#trySweepPage(this.#pages.at(-1)!, isOver)) this.#pages.pop();
      if (isOver()) break;
    }
    if (this.#pages.length === 0) this.#endPass(releaseCount);
    this.#store.commit();
  }

  #endPass(releaseCount: number): void {
    this.#pages = null;
    if (this.#stuckCount > 0) this.#retryAtMs = this.#clock.monotonicMs() + RETRY_MS;
    const { head } = this.#store.map;
    if (head.hasUndone && !this.#leftUndone && this.#sweptReleases === releaseCount) head.hasUndone = false;
  }

  /** Whether the page is done: also one that cannot be read. */
  #trySweepPage(index: number, isOver: () => boolean): boolean {
    try {
      return this.#sweepPage(index, isOver);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      this.#stuckCount += this.#store.map.facts(index)?.olderCount ?? 0;
      this.#leftUndone = true;
      this.#chunk = 0;
      return true;
    }
  }

  /** Whether the page is done. */
  #sweepPage(index: number, isOver: () => boolean): boolean {
    const { map } = this.#store;
    const facts = map.facts(index);
    const hasWork = facts !== undefined && (facts.olderCount > 0 || map.head.hasUndone);
    const page = hasWork ? map.page(index) : undefined;
    if (page === undefined) {
      this.#chunk = 0;
      return true;
    }
    if (this.#chunk === 0) {
      if (this.#hasNeedless(page)) this.#store.record({ type: 'settle', page: index });
      this.#noteUndone(page);
    }
    while (this.#chunk < PAGE_CHUNKS) {
      const i = this.#chunk++;
      if (page.next(i) !== 0) this.#mergeChunk(index * PAGE_CHUNKS + i, page, i);
      if (isOver() && this.#chunk < PAGE_CHUNKS) return false;
    }
    this.#chunk = 0;
    return true;
  }

  #hasNeedless(page: MapPage): boolean {
    const { readers, head } = this.#store.map;
    for (let i = 0; i < PAGE_CHUNKS; i++) {
      if (page.place(i) === ABSENT || (page.next(i) === 0 && !head.hasUndone)) continue;
      if (hasNeedless(page, i, readers)) return true;
    }
    return false;
  }

  /** Layers that the live disk does not see may stay because views do. */
  #noteUndone(page: MapPage): void {
    const { readers, head } = this.#store.map;
    if (!head.hasUndone || this.#leftUndone) return;
    for (let i = 0; i < PAGE_CHUNKS; i++) {
      if (page.place(i) !== ABSENT && hasUnseen(page, i, readers)) this.#leftUndone = true;
    }
  }

  #mergeChunk(chunk: number, page: MapPage, i: number): void {
    const { map } = this.#store;
    const views = map.views.map((view) => view.lineage);
    for (;;) {
      const pair = findMergeable(page, i, map.head.live, views);
      if (pair === undefined) return;
      if (this.#merge(chunk, page, pair)) continue;
      for (let row = page.next(i); row !== 0; row = page.next(row)) this.#stuckCount++;
      return;
    }
  }

  #merge(chunk: number, page: MapPage, { upper, lower }: { upper: number; lower: number }): boolean {
    const places = { upper: page.place(upper), lower: page.place(lower) };
    const wanted = page.mask(lower) & ~page.mask(upper);
    const keepsUpper =
      places.lower < FIRST_SLOT ||
      this.#store.slots.isYoung(places.upper - FIRST_SLOT) ||
      MOVE_FACTOR * blockCount(wanted) <= blockCount(page.mask(upper));
    try {
      if (keepsUpper) this.#copy(places.lower, places.upper, wanted);
      else this.#copy(places.upper, places.lower, page.mask(upper));
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      return false; // no room, or the device's fault: both layers stay, and a later pass tries again
    }
    this.#store.record({ type: 'merge', chunk, ...places, keepsUpper });
    return true;
  }

  #copy(from: number, to: number, mask: number): void {
    const { slots } = this.#store;
    for (const { block, count } of runsOf(mask)) {
      const at = block * BLOCK_BYTES;
      const length = count * BLOCK_BYTES;
      const bytes = from < FIRST_SLOT ? zeros : this.#scratch;
      if (from >= FIRST_SLOT) slots.readNow(from - FIRST_SLOT, at, this.#scratch, at, length);
      slots.write(to - FIRST_SLOT, at, bytes, at, length);
    }
  }
}

/** The runs of neighbouring blocks in a mask. */
export function runsOf(mask: number): { block: number; count: number }[] {
  if (mask === FULL_MASK) return [{ block: 0, count: CHUNK_BLOCKS }];
  const runs: { block: number; count: number }[] = [];
  for (let block = 0; block < CHUNK_BLOCKS; block++) {
    if ((mask & (1 << block)) === 0) continue;
    const last = runs.at(-1);
    if (last !== undefined && last.block + last.count === block) last.count++;
    else runs.push({ block, count: 1 });
  }
  return runs;
}

function blockCount(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Whether a layer of the chunk is not the live disk's, though it is needed by a view. */
function hasUnseen(page: MapPage, i: number, readers: readonly Lineage[]): boolean {
  const live = readers[0]!;
  for (let row = i; ; row = page.next(row)) {
    if (!sees(live, page.generation(row))) return true;
    if (page.next(row) === 0) return false;
  }
}
