/** Goes through every page of a disk's map: its layers, and the slots that they use (`docs/format.md`). */
import { messageOf } from '../lib/errors.ts';
import { FULL_MASK } from '../lib/geometry.ts';
import type { Recovered } from './disk-folder.ts';
import { sees } from './lineage.ts';
import type { MapPage } from './map-page.ts';
import { ABSENT, FIRST_SLOT, PAGE_CHUNKS, ZERO } from './map-page.ts';
import { SlotSet } from './slot-set.ts';

export class PageCheck {
  readonly used = new SlotSet();
  /** Whether every page could be read: else it is not known which slots are in use. */
  isWhole = true;
  readonly #recovered: Recovered;
  readonly #problems: string[] = [];
  /** Pages, from the first to before the end. */
  readonly #unreadable: { what: string; first: number; end: number }[] = [];
  #dataChunkCount = 0;
  #olderCount = 0;

  constructor(recovered: Recovered) {
    this.#recovered = recovered;
  }

  run(): string[] {
    const { map } = this.#recovered;
    for (const index of map.listPages()) {
      try {
        const page = map.page(index);
        if (page !== undefined) this.#checkPage(index, page);
      } catch (error) {
        this.isWhole = false;
        this.#noteUnreadable(index, messageOf(error));
      }
      map.budget.trim();
    }
    if (this.isWhole) this.#checkCounts();
    for (const { what, first, end } of this.#unreadable) {
      this.#problems.push(`${what}: chunks ${first * PAGE_CHUNKS} to ${end * PAGE_CHUNKS - 1} answer EIO`);
    }
    return this.#problems;
  }

  /** Neighbours with the same damage are told together: those of a group. */
  #noteUnreadable(index: number, what: string): void {
    const last = this.#unreadable.at(-1);
    if (last?.what === what && last.end === index) last.end++;
    else this.#unreadable.push({ what, first: index, end: index + 1 });
  }

  #checkCounts(): void {
    const { dataChunkCount, olderLayerCount } = this.#recovered.map.head;
    if (dataChunkCount !== this.#dataChunkCount) {
      this.#problems.push(`${dataChunkCount} chunks are said to hold data, ${this.#dataChunkCount} do`);
    }
    if (olderLayerCount !== this.#olderCount) {
      this.#problems.push(`${olderLayerCount} layers are said to be older ones, ${this.#olderCount} are`);
    }
  }

  #checkPage(index: number, page: MapPage): void {
    let entryCount = 0;
    let olderCount = 0;
    for (let i = 0; i < PAGE_CHUNKS; i++) {
      if (page.place(i) === ABSENT) continue;
      entryCount++;
      if (page.place(i) >= FIRST_SLOT) this.#dataChunkCount++;
      olderCount += this.#checkChunk(index * PAGE_CHUNKS + i, page, i);
    }
    this.#olderCount += olderCount;
    if (page.entryCount !== entryCount) {
      this.#problems.push(`page ${index} counts ${page.entryCount} entries, has ${entryCount}`);
    }
    if (page.olderCount !== olderCount) {
      this.#problems.push(`page ${index} counts ${page.olderCount} older layers, has ${olderCount}`);
    }
  }

  /** Returns how many older layers the chunk has. */
  #checkChunk(chunk: number, page: MapPage, i: number): number {
    this.#checkNewest(chunk, page, i);
    let olderCount = 0;
    for (let row = i; ; row = page.next(row)) {
      this.#checkLayer(chunk, page, row);
      const next = page.next(row);
      if (next === 0) return olderCount;
      if (page.generation(next) > page.generation(row)) {
        this.#problems.push(`the layers of chunk ${chunk} are out of order`);
      }
      if (++olderCount > page.rowCount) {
        this.#problems.push(`the layers of chunk ${chunk} have no end`);
        return olderCount;
      }
    }
  }

  #checkNewest(chunk: number, page: MapPage, i: number): void {
    const { head, chunkCount } = this.#recovered.map;
    const generation = page.generation(i);
    if (chunk >= chunkCount) this.#problems.push(`chunk ${chunk} lies beyond the disk`);
    if (generation > head.generation) this.#problems.push(`chunk ${chunk} has generation ${generation}, to come`);
    if (generation > page.maxGeneration) this.#problems.push(`chunk ${chunk} is later than its page says`);
    if (!head.hasUndone && !sees(head.live, generation)) {
      this.#problems.push(`the live disk is said to see every newest layer, and not that of chunk ${chunk}`);
    }
  }

  #checkLayer(chunk: number, page: MapPage, row: number): void {
    const place = page.place(row);
    const mask = page.mask(row);
    if (place === ABSENT || mask === 0) this.#problems.push(`a layer of chunk ${chunk} holds nothing`);
    if (place === ZERO && mask !== FULL_MASK) this.#problems.push(`zeros of chunk ${chunk} are not the whole chunk`);
    if (place >= FIRST_SLOT && !this.used.add(place - FIRST_SLOT)) {
      this.#problems.push(`slot ${place - FIRST_SLOT} of chunk ${chunk} is another layer's too`);
    }
  }
}
