/**
 * What a disk is made of, as a pure state machine: the layers of its chunks, the generation, what the live disk and the
 * frozen views see. Live I/O and the replay of a journal change it by the same `apply`, so that both come to the same
 * state. It touches no file: pages that are not in memory are asked of a `PageSource`, and slots that nothing refers to any
 * more are collected in `freed` for the owner to take.
 */
import { assert } from '../lib/assert.ts';
import { CHUNK_BYTES, FULL_MASK } from '../lib/geometry.ts';
import type { JournalRecord } from './journal-record.ts';
import type { Lineage } from './lineage.ts';
import { cutAt, isBaseZero, sees } from './lineage.ts';
import type { PageCapture } from './map-page.ts';
import { ABSENT, FIRST_SLOT, MapPage, PAGE_CHUNKS, ZERO, capturePage } from './map-page.ts';
import type { PageBudget } from './page-budget.ts';
import type { PageFacts, PageSource } from './page-cache.ts';
import { PageCache } from './page-cache.ts';
import { settleChunk } from './settle.ts';

/** Everything but the pages: small, plain, and part of every checkpoint's header. */
export interface MapHead {
  diskId: string;
  sizeBytes: number;
  incarnation: number;
  /** The one that is being written. */
  generation: number;
  live: Lineage;
  written: boolean;
  compareReason: string | null;
  /** Of earlier generations it is not known what changed when: their snapshots are nothing to compare with. */
  trackedSince: number;
  /** A rollback left layers behind that the live disk does not see, and not every page was settled since. */
  hasUndone: boolean;
  dataChunkCount: number;
  olderLayerCount: number;
}

export interface FrozenView {
  snapshotId: string;
  /** The generation that the freeze closed. */
  generation: number;
  frozenAtMs: number;
  sizeBytes: number;
  lineage: Lineage;
  /** Survives a power cut. */
  isDurable: boolean;
}

export class DiskMap {
  readonly head: MapHead;
  views: FrozenView[];
  /** Slots that lost their last reference. */
  freed: number[] = [];
  readonly budget: PageBudget;
  readonly #pages: PageCache;
  #dirty = new Set<number>();
  #captured = new Set<number>();
  #readers: Lineage[] = [];
  #chunkCount: number;

  constructor(state: { head: MapHead; views: FrozenView[] }, source: PageSource, budget: PageBudget) {
    this.head = state.head;
    this.views = state.views;
    this.budget = budget;
    this.#pages = new PageCache(source, budget);
    this.#chunkCount = wholeChunks(state.head.sizeBytes);
    this.#noteReaders();
    budget.maps.add(this);
  }

  get chunkCount(): number {
    return this.#chunkCount;
  }

  get cachedCount(): number {
    return this.#pages.count;
  }

  get dirtyCount(): number {
    return this.#dirty.size;
  }

  /** The live disk's lineage, then the views'. */
  get readers(): readonly Lineage[] {
    return this.#readers;
  }

  /** The disk is larger from now on; what is new is absent, and no base reaches there. */
  grow(sizeBytes: number): void {
    assert(sizeBytes >= this.head.sizeBytes, `a disk of ${this.head.sizeBytes} bytes cannot shrink to ${sizeBytes}`);
    this.#chunkCount = wholeChunks(sizeBytes);
    this.head.sizeBytes = sizeBytes;
  }

  /** Puts another head in the place of this one: a rollback, or another base. */
  replaceHead(head: MapHead, views: FrozenView[]): void {
    Object.assign(this.head, head);
    this.views = views;
    this.#noteReaders();
  }

  /** The page of a chunk, or undefined when nothing is mapped around it. */
  pageOf(chunk: number): MapPage | undefined {
    return this.page(chunk >>> 8);
  }

  page(index: number): MapPage | undefined {
    return this.#pages.page(index);
  }

  facts(index: number): PageFacts | undefined {
    return this.#pages.facts(index);
  }

  /** The place of the newest layer that the live disk sees, whatever blocks it holds. */
  livePlace(chunk: number): number {
    const page = this.pageOf(chunk);
    if (page === undefined) return ABSENT;
    const i = chunk & (PAGE_CHUNKS - 1);
    if (!this.head.hasUndone) return page.place(i);
    for (let row = i; page.place(row) !== ABSENT; row = page.next(row)) {
      if (sees(this.head.live, page.generation(row))) return page.place(row);
      if (page.next(row) === 0) break;
    }
    return ABSENT;
  }

  isBaseZero(chunk: number): boolean {
    return isBaseZero(this.head.live, chunk);
  }

  apply(record: JournalRecord): void {
    switch (record.type) {
      case 'data':
        return this.#data(record);
      case 'zero':
        return this.#zero(record);
      case 'freeze':
        return this.#freeze(record);
      case 'release':
        return this.#release(record);
      case 'settle':
        return this.#settlePage(record.page);
      case 'merge':
        return this.#merge(record);
      case 'marker':
        return undefined;
    }
  }

  /**
   * The first chunk from `from` to before `end` that making zero would change, or −1. `overZero`: absent chunks there read
   * as zeros.
   */
  nextNotZero(from: number, end: number, overZero: boolean): number {
    for (let at = from; at < end; at++) {
      if (overZero && this.facts(at >>> 8) === undefined) {
        at |= PAGE_CHUNKS - 1;
        continue;
      }
      const place = this.livePlace(at);
      if (place >= FIRST_SLOT || (place === ABSENT && !overZero)) return at;
    }
    return -1;
  }

  /** Indexes of pages from `first` on that hold anything, rising. */
  pagesFrom(first: number): Generator<number> {
    return this.#pages.pagesFrom(first);
  }

  listPages(): number[] {
    return [...this.#pages.pagesFrom(0)];
  }

  takeFreed(): number[] {
    const { freed } = this;
    this.freed = [];
    return freed;
  }

  /** The pages changed since the last capture; from here on a change copies its page first. */
  captureChanges(): PageCapture[] {
    assert(this.#captured.size === 0, 'one checkpoint at a time captures the map');
    this.#captured = this.#dirty;
    this.#dirty = new Set();
    return [...this.#captured].sort((a, b) => a - b).map((index) => capturePage(index, this.#pages.inMemory(index)));
  }

  /** The captured pages are stored now, or (not `isStored`) must be captured again. */
  endCapture(captures: readonly PageCapture[], isStored: boolean): void {
    for (const { index, words } of captures) {
      const page = this.#pages.inMemory(index);
      if (page.words === words) page.isShared = false;
      if (!isStored) this.#dirty.add(index);
    }
    this.#captured = new Set();
  }

  /** Forgets up to `count` pages that were not looked at since the last time; returns how many it did. */
  forgetPages(count: number): number {
    return this.#pages.forget(count, (index, page) => this.#mayForget(index, page));
  }

  /** The map is used no more: its pages leave the budget. */
  leave(): void {
    this.#pages.clear();
    this.budget.maps.delete(this);
  }

  #mayForget(index: number, page: MapPage): boolean {
    if (this.#dirty.has(index) || this.#captured.has(index)) return false;
    const wasUsed = page.isUsed;
    page.isUsed = false;
    return !wasUsed;
  }

  /** Changes a chunk's layers, keeping count. The chunk's page is made where there is none. */
  #change(chunk: number, work: (page: MapPage, i: number) => void): void {
    assert(chunk < this.#chunkCount, `chunk ${chunk} lies beyond the disk`);
    const index = chunk >>> 8;
    let page = this.page(index);
    if (page === undefined) this.#pages.keep(index, (page = new MapPage()));
    this.#dirty.add(index);
    const i = chunk & (PAGE_CHUNKS - 1);
    const { olderCount } = page;
    const hadData = page.place(i) >= FIRST_SLOT;
    work(page, i);
    this.head.olderLayerCount += page.olderCount - olderCount;
    this.head.dataChunkCount += Number(page.place(i) >= FIRST_SLOT) - Number(hadData);
  }

  #data({ chunk, slot, generation, mask }: { chunk: number; slot: number; generation: number; mask: number }): void {
    const place = FIRST_SLOT + slot;
    const isWrite = generation === this.head.generation;
    this.#noteUnseen(generation);
    this.#change(chunk, (page, i) => {
      if (page.place(i) === place && page.generation(i) === generation) page.addBlocks(i, mask);
      else page.insert(i, place, generation, mask);
      // Not for a chunk of the base: while the head changes, a replay would settle it for other readers.
      if (isWrite && page.next(i) !== 0 && page.mask(i) === FULL_MASK) this.#settle(page, i);
    });
    if (isWrite) this.head.written = true;
  }

  #zero({ chunk, count, generation, overZero, drops }: JournalRecord & { type: 'zero' }): void {
    assert(chunk + count <= this.#chunkCount, `chunks ${chunk} + ${count} lie beyond the disk`);
    // A page that cannot be read is found out before anything is changed.
    for (let index = chunk >>> 8; index <= (chunk + count - 1) >>> 8; index++) this.page(index);
    this.#noteUnseen(generation);
    if (generation < this.head.generation) {
      for (let at = chunk; at < chunk + count; at++) {
        this.#change(at, (page, i) => page.insert(i, ZERO, generation, FULL_MASK));
      }
      return;
    }
    const end = chunk + count;
    for (let at = this.nextNotZero(chunk, end, overZero); at >= 0; at = this.nextNotZero(at + 1, end, overZero)) {
      this.#change(at, (page, i) => {
        page.insert(i, ZERO, generation, FULL_MASK);
        this.#settle(page, i);
        if (drops) page.remove(i, -1);
      });
    }
    this.head.written = true;
  }

  #freeze(record: { snapshotId: string; generation: number; frozenAtMs: number }): void {
    const { head } = this;
    const { snapshotId, generation, frozenAtMs } = record;
    assert(generation === head.generation, 'a freeze out of order');
    assert(!this.views.some((view) => view.snapshotId === snapshotId), `${snapshotId} is frozen twice`);
    const lineage = cutAt(head.live, generation);
    this.views.push({ snapshotId, generation, frozenAtMs, sizeBytes: head.sizeBytes, lineage, isDurable: false });
    head.generation = generation + 1;
    this.#noteReaders();
  }

  #release({ snapshotId, committed }: { snapshotId: string; committed: boolean }): void {
    const found = this.views.find((view) => view.snapshotId === snapshotId);
    if (found === undefined) return;
    this.views = this.views.filter((view) => view !== found);
    if (committed && found.generation >= this.head.trackedSince) this.head.compareReason = null;
    this.#noteReaders();
  }

  #settlePage(index: number): void {
    for (let chunk = index * PAGE_CHUNKS; chunk < (index + 1) * PAGE_CHUNKS && chunk < this.#chunkCount; chunk++) {
      const page = this.page(index);
      if (page === undefined) return;
      const i = chunk & (PAGE_CHUNKS - 1);
      if (page.place(i) === ABSENT) continue;
      if (page.next(i) === 0 && sees(this.head.live, page.generation(i))) continue;
      this.#change(chunk, (changed) => this.#settle(changed, i));
    }
  }

  #settle(page: MapPage, i: number): void {
    settleChunk(page, i, this.#readers, (place) => this.#retire(place));
  }

  #merge({
    chunk,
    upper,
    lower,
    keepsUpper,
  }: {
    chunk: number;
    upper: number;
    lower: number;
    keepsUpper: boolean;
  }): void {
    this.#change(chunk, (page, i) => {
      let row = i;
      while (page.place(row) !== upper && page.next(row) !== 0) row = page.next(row);
      const below = page.next(row);
      assert(page.place(row) === upper && below !== 0 && page.place(below) === lower, 'a merge of layers not there');
      const mask = page.mask(row) | page.mask(below);
      page.remove(i, row);
      page.replace(row, keepsUpper ? upper : lower, mask);
      this.#retire(keepsUpper ? lower : upper);
      if (mask === FULL_MASK && page.next(row) !== 0) this.#settle(page, i);
    });
  }

  /** A chunk of a view's base was fetched, and the live disk has another base. */
  #noteUnseen(generation: number): void {
    const { head } = this;
    if (generation !== head.generation && !sees(head.live, generation)) head.hasUndone = true;
  }

  #retire(place: number): void {
    if (place >= FIRST_SLOT) this.freed.push(place - FIRST_SLOT);
  }

  #noteReaders(): void {
    this.#readers = [this.head.live, ...this.views.map((view) => view.lineage)];
  }
}

function wholeChunks(sizeBytes: number): number {
  const chunkCount = sizeBytes / CHUNK_BYTES;
  assert(Number.isSafeInteger(chunkCount), `a disk of ${sizeBytes} bytes is not whole chunks`);
  return chunkCount;
}
