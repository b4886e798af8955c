/** The map pages of a disk that are in memory, found by their index; the others are asked of a `PageSource`. */
import { assert } from '../lib/assert.ts';
import type { MapPage } from './map-page.ts';
import type { PageBudget } from './page-budget.ts';

const GROUP_PAGES = 256;

/** What a page is known by without being in memory. */
export interface PageFacts {
  olderCount: number;
  maxGeneration: number;
}

export interface PageSource {
  /** Undefined for a page without entries; a CorruptionError when it is damaged. */
  load(index: number): MapPage | undefined;
  facts(index: number): PageFacts | undefined;
  /** Groups of 256 pages: one past the last that is stored, and whether one is. */
  readonly groupCount: number;
  hasGroup(number: number): boolean;
}

export class PageCache {
  count = 0;
  readonly #source: PageSource;
  readonly #budget: PageBudget;
  readonly #groups: ((MapPage | undefined)[] | undefined)[] = [];

  constructor(source: PageSource, budget: PageBudget) {
    this.#source = source;
    this.#budget = budget;
  }

  /** Undefined when nothing is mapped there. */
  page(index: number): MapPage | undefined {
    const page = this.#groups[index >>> 8]?.[index & (GROUP_PAGES - 1)];
    if (page === undefined) return this.#load(index);
    page.isUsed = true;
    return page;
  }

  inMemory(index: number): MapPage {
    const page = this.#groups[index >>> 8]?.[index & (GROUP_PAGES - 1)];
    assert(page !== undefined, `page ${index} of the map was changed and is not in memory`);
    return page;
  }

  keep(index: number, page: MapPage): void {
    (this.#groups[index >>> 8] ??= [])[index & (GROUP_PAGES - 1)] = page;
    this.count++;
    this.#budget.pageCount++;
  }

  facts(index: number): PageFacts | undefined {
    return this.#groups[index >>> 8]?.[index & (GROUP_PAGES - 1)] ?? this.#source.facts(index);
  }

  /** Indexes of pages from `first` on that hold anything, stored or in memory, rising. */
  *pagesFrom(first: number): Generator<number> {
    const groupCount = Math.max(this.#groups.length, this.#source.groupCount);
    for (let number = first >>> 8; number < groupCount; number++) {
      const group = this.#groups[number];
      if (group === undefined && !this.#source.hasGroup(number)) continue;
      for (let index = Math.max(first, number * GROUP_PAGES); index < (number + 1) * GROUP_PAGES; index++) {
        const page = group?.[index & (GROUP_PAGES - 1)];
        const isThere = page === undefined ? this.#source.facts(index) !== undefined : page.entryCount > 0;
        if (isThere) yield index;
      }
    }
  }

  /** Lets go of up to `count` pages that `mayForget` allows; returns how many it did. */
  forget(count: number, mayForget: (index: number, page: MapPage) => boolean): number {
    let forgotten = 0;
    this.#groups.forEach((group, number) =>
      group?.forEach((page, i) => {
        if (page === undefined || forgotten === count || !mayForget(number * GROUP_PAGES + i, page)) return;
        group[i] = undefined;
        forgotten++;
      }),
    );
    this.count -= forgotten;
    this.#budget.pageCount -= forgotten;
    return forgotten;
  }

  /** Lets go of all. */
  clear(): void {
    this.#budget.pageCount -= this.count;
    this.count = 0;
    this.#groups.length = 0;
  }

  #load(index: number): MapPage | undefined {
    const page = this.#source.load(index);
    if (page !== undefined) this.keep(index, page);
    return page;
  }
}
