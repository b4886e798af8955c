/**
 * What a disk is made of, as a pure state machine: the map of chunks, the generation, the frozen view and what it
 * still needs. Live I/O and the replay of a journal change it by the same `apply`, so that both come to the same
 * state. It touches no file; slots that nothing refers to any more are collected in `freed` for its owner to take.
 */
import type { BaseRef } from './protocol.ts';
import type { JournalRecord } from './journal-record.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { assert } from '../lib/assert.ts';

export const PAGE_CHUNKS = 1024;
export const ABSENT = 0;
export const ZERO = 1;
/** A place is ABSENT, ZERO, or FIRST_SLOT + slot. */
export const FIRST_SLOT = 2;

export interface MapPage {
  places: Uint32Array;
  generations: Uint32Array;
  /** Entries that are not absent. */
  entryCount: number;
  /** No entry's generation is later. */
  maxGeneration: number;
  /** The copy-on-write epoch in which the page was made: older than the map's, it is shared with a checkpoint. */
  epoch: number;
}

export interface Entry {
  place: number;
  generation: number;
}

export interface FrozenView {
  snapshotId: string;
  generation: number;
  frozenAtMs: number;
  /** Entries as of the freeze that later writes replaced, by chunk. */
  saved: Map<number, Entry>;
}

/** Everything but the pages: small, plain, and part of every checkpoint's header. */
export interface MapHead {
  diskId: string;
  sizeBytes: number;
  incarnation: number;
  generation: number;
  base: BaseRef;
  /** The first generation written over this base, or since a repair; still being written: no freeze happened since. */
  baseGeneration: number;
  written: boolean;
  compareReason: string | null;
}

export class MapState {
  readonly head: MapHead;
  view: FrozenView | null = null;
  /** Slots that lost their last reference; the owner empties it. */
  freed: number[] = [];
  /** Entries with a slot. */
  dataChunkCount = 0;
  readonly pages: (MapPage | undefined)[] = [];
  #epoch = 0;
  #chunkCount: number;

  constructor(head: MapHead) {
    this.head = head;
    this.#chunkCount = chunkCountOf(head.sizeBytes);
  }

  get chunkCount(): number {
    return this.#chunkCount;
  }

  /** The disk is larger from now on; what is new is absent, and no base reaches there. */
  grow(sizeBytes: number): void {
    assert(sizeBytes >= this.head.sizeBytes, `a disk of ${this.head.sizeBytes} bytes cannot shrink to ${sizeBytes}`);
    this.#chunkCount = chunkCountOf(sizeBytes);
    this.head.sizeBytes = sizeBytes;
  }

  get baseIsZero(): boolean {
    return this.head.base.tree.root === null;
  }

  place(chunk: number): number {
    const page = this.pages[chunk >>> 10];
    return page === undefined ? ABSENT : page.places[chunk & (PAGE_CHUNKS - 1)]!;
  }

  generationOf(chunk: number): number {
    const page = this.pages[chunk >>> 10];
    return page === undefined ? 0 : page.generations[chunk & (PAGE_CHUNKS - 1)]!;
  }

  /** The slot that a write may change in place: the chunk's own of this generation; or −1. */
  slotInPlace(chunk: number): number {
    const page = this.pages[chunk >>> 10];
    if (page === undefined) return -1;
    const index = chunk & (PAGE_CHUNKS - 1);
    const place = page.places[index]!;
    return place >= FIRST_SLOT && page.generations[index] === this.head.generation ? place - FIRST_SLOT : -1;
  }

  apply(record: JournalRecord): void {
    switch (record.type) {
      case 'data':
        assert(record.chunk < this.chunkCount, `chunk ${record.chunk} lies beyond the disk`);
        this.#set(record.chunk, FIRST_SLOT + record.slot, record.generation);
        if (record.generation > 0) this.head.written = true;
        return;
      case 'zero':
        this.#zero(record);
        return;
      case 'freeze':
        assert(this.view === null && record.generation === this.head.generation, 'a freeze out of order');
        this.view = { ...record, saved: new Map() };
        this.head.generation = record.generation + 1;
        return;
      case 'release':
        this.#release(record.snapshotId, record.committed);
        return;
      case 'marker':
        return;
    }
  }

  /**
   * Remembers, until the next opening, that an absent chunk's base is zeros. It needs no record: an absent chunk and
   * a zero entry of generation 0 mean the same.
   */
  noteZeroBase(chunk: number): void {
    if (this.place(chunk) === ABSENT) this.#set(chunk, ZERO, 0);
  }

  /** The first chunk from `from` to before `end` that making zero would change, or −1. */
  nextNotZero(from: number, end: number): number {
    for (let at = from; at < end; at++) {
      const page = this.pages[at >>> 10];
      if (page === undefined && this.baseIsZero) {
        at |= PAGE_CHUNKS - 1;
        continue;
      }
      const place = page === undefined ? ABSENT : page.places[at & (PAGE_CHUNKS - 1)]!;
      if (place >= FIRST_SLOT || (place === ABSENT && !this.baseIsZero)) return at;
      if (place === ZERO && page!.generations[at & (PAGE_CHUNKS - 1)] === 0) return at;
    }
    return -1;
  }

  /** The entry that the view has for a chunk. */
  viewEntry(view: FrozenView, chunk: number): Entry {
    return view.saved.get(chunk) ?? { place: this.place(chunk), generation: this.generationOf(chunk) };
  }

  /** The pages as they are now; from here on a change copies its page first. */
  sharePages(): { index: number; page: MapPage }[] {
    this.#epoch++;
    return this.listPages();
  }

  /** Pages with entries, by rising index. */
  listPages(): { index: number; page: MapPage }[] {
    const pages: { index: number; page: MapPage }[] = [];
    this.pages.forEach((page, index) => {
      if (page !== undefined && page.entryCount > 0) pages.push({ index, page });
    });
    return pages;
  }

  /** Puts a page read from a checkpoint in its place. */
  adoptPage(index: number, places: Uint32Array, generations: Uint32Array): void {
    const page: MapPage = { places, generations, entryCount: 0, maxGeneration: 0, epoch: this.#epoch };
    for (let i = 0; i < PAGE_CHUNKS; i++) {
      if (places[i]! !== ABSENT) page.entryCount++;
      if (places[i]! >= FIRST_SLOT) this.dataChunkCount++;
      page.maxGeneration = Math.max(page.maxGeneration, generations[i]!);
    }
    this.pages[index] = page;
  }

  takeFreed(): number[] {
    const freed = this.freed;
    this.freed = [];
    return freed;
  }

  /** Every slot that the map or the view refers to, in no order; a slot named twice is given twice. */
  *usedSlots(): Generator<number> {
    for (const { page } of this.listPages()) {
      for (const place of page.places) if (place >= FIRST_SLOT) yield place - FIRST_SLOT;
    }
    for (const { place } of this.view?.saved.values() ?? []) if (place >= FIRST_SLOT) yield place - FIRST_SLOT;
  }

  #zero({ chunk, count, generation }: { chunk: number; count: number; generation: number }): void {
    assert(chunk + count <= this.chunkCount, `chunks ${chunk} + ${count} lie beyond the disk`);
    const dropped = this.baseIsZero && this.head.generation === this.head.baseGeneration;
    for (let at = this.nextNotZero(chunk, chunk + count); at >= 0; at = this.nextNotZero(at + 1, chunk + count)) {
      this.#set(at, dropped ? ABSENT : ZERO, dropped ? 0 : generation);
    }
    this.head.written = true;
  }

  #release(snapshotId: string, committed: boolean): void {
    if (this.view?.snapshotId !== snapshotId) return;
    for (const { place } of this.view.saved.values()) {
      if (place >= FIRST_SLOT) this.freed.push(place - FIRST_SLOT);
    }
    if (committed) this.head.compareReason = null;
    this.view = null;
  }

  #set(chunk: number, place: number, generation: number): void {
    const page = this.#ownPage(Math.floor(chunk / PAGE_CHUNKS));
    const index = chunk % PAGE_CHUNKS;
    const old: Entry = { place: page.places[index]!, generation: page.generations[index]! };
    page.places[index] = place;
    page.generations[index] = generation;
    page.entryCount += Number(place !== ABSENT) - Number(old.place !== ABSENT);
    page.maxGeneration = Math.max(page.maxGeneration, generation);
    this.dataChunkCount += Number(place >= FIRST_SLOT) - Number(old.place >= FIRST_SLOT);
    this.#retire(chunk, old, generation);
  }

  /** The replaced entry stays with the view that can see it; else its slot is freed. */
  #retire(chunk: number, old: Entry, replacedIn: number): void {
    const { view } = this;
    if (view !== null && replacedIn > view.generation && old.generation <= view.generation) {
      if (!view.saved.has(chunk)) {
        view.saved.set(chunk, old);
        return;
      }
    }
    if (old.place >= FIRST_SLOT) this.freed.push(old.place - FIRST_SLOT);
  }

  #ownPage(index: number): MapPage {
    const page = this.pages[index];
    if (page !== undefined && page.epoch === this.#epoch) return page;
    const own: MapPage = {
      places: page === undefined ? new Uint32Array(PAGE_CHUNKS) : page.places.slice(),
      generations: page === undefined ? new Uint32Array(PAGE_CHUNKS) : page.generations.slice(),
      entryCount: page?.entryCount ?? 0,
      maxGeneration: page?.maxGeneration ?? 0,
      epoch: this.#epoch,
    };
    this.pages[index] = own;
    return own;
  }
}

function chunkCountOf(sizeBytes: number): number {
  const chunkCount = sizeBytes / CHUNK_BYTES;
  assert(Number.isSafeInteger(chunkCount), `a disk of ${sizeBytes} bytes is not whole chunks`);
  return chunkCount;
}
