/**
 * How many map pages the disks of a thread keep in memory (D9). Pages are forgotten between requests only, so that no
 * work on one ever meets it gone; those that no checkpoint has yet stay, and make one come sooner.
 */

/** A page takes about 3.3 KiB: 96 MiB a thread. */
const PAGE_LIMIT = 30_000;

interface Forgetful {
  readonly cachedCount: number;
  forgetPages(count: number): number;
}

export class PageBudget {
  readonly maps = new Set<Forgetful>();
  readonly limit: number;
  pageCount = 0;
  /** After a search that found too little to forget: so many pages make another one worth its time. */
  #searchAbove = 0;

  constructor(limit = PAGE_LIMIT) {
    this.limit = limit;
  }

  get isOver(): boolean {
    return this.pageCount > this.limit;
  }

  /** To be called when no request is under way on any of the disks. */
  trim(): void {
    if (this.pageCount <= Math.max(this.limit, this.#searchAbove)) return;
    this.#forget();
    this.#searchAbove = this.pageCount > this.limit ? this.pageCount + Math.ceil(this.limit / 64) : 0;
  }

  #forget(): void {
    // Down to nine tenths: the first turn takes the pages' marks of use, the second the pages.
    const target = Math.floor(this.limit * 0.9);
    for (let turn = 0; turn < 2; turn++) {
      for (const map of this.maps) {
        if (this.pageCount <= target) return;
        const share = Math.ceil(((this.pageCount - target) * map.cachedCount) / this.pageCount);
        map.forgetPages(Math.max(1, share));
      }
    }
  }
}
