/**
 * A page of the map: 256 chunks, each with its layers, newest first. A layer is a place (a slot, or zeros), the generation
 * it was written in, and the mask of the blocks it holds; blocks that no layer holds are in the base. Rows 0 … 255 are
 * the newest layers of the chunks, older ones hang on them in rows behind. In memory as in the file (`docs/format.md`).
 */
import { assert } from '../lib/assert.ts';

export const PAGE_CHUNKS = 256;
export const ABSENT = 0;
export const ZERO = 1;
/** A place is ABSENT, ZERO, or FIRST_SLOT + slot. */
export const FIRST_SLOT = 2;

const ROW_WORDS = 3;
const HEADER_BYTES = 16;
const SPARE_ROWS = 32;
const ROW_LIMIT = 65_535;

export class MapPage {
  /** Three words a row: place; generation; mask, and the row of the next older layer above it (0: none). */
  words = new Uint32Array(PAGE_CHUNKS * ROW_WORDS);
  rowCount = PAGE_CHUNKS;
  /** The first of a list of rows behind 255 that are not used, or 0. */
  freeRow = 0;
  /** Chunks with a layer, and layers that are not the newest of their chunk. */
  entryCount = 0;
  olderCount = 0;
  /** No layer's generation is later. */
  maxGeneration = 0;
  /** A checkpoint that is being written holds `words`: the next change copies them first. */
  isShared = false;
  /** Looked at since the last search for pages to forget. */
  isUsed = true;

  place(row: number): number {
    return this.words[row * ROW_WORDS]!;
  }

  generation(row: number): number {
    return this.words[row * ROW_WORDS + 1]!;
  }

  mask(row: number): number {
    return this.words[row * ROW_WORDS + 2]! & 0xffff;
  }

  /** The row of the next older layer, or 0. */
  next(row: number): number {
    return this.words[row * ROW_WORDS + 2]! >>> 16;
  }

  /** Adds a layer to chunk `i`, above those of the same generation and older. */
  insert(i: number, place: number, generation: number, mask: number): void {
    this.#own();
    this.maxGeneration = Math.max(this.maxGeneration, generation);
    if (this.place(i) === ABSENT) {
      this.entryCount++;
      this.#set(i, place, generation, mask);
      return;
    }
    this.olderCount++;
    const row = this.#takeRow();
    if (generation >= this.generation(i)) {
      this.words.copyWithin(row * ROW_WORDS, i * ROW_WORDS, (i + 1) * ROW_WORDS);
      this.#set(i, place, generation, mask + row * 0x1_0000);
      return;
    }
    let above = i;
    while (this.next(above) !== 0 && this.generation(this.next(above)) > generation) above = this.next(above);
    this.#set(row, place, generation, mask + this.next(above) * 0x1_0000);
    this.#setNext(above, row);
  }

  addBlocks(row: number, mask: number): void {
    this.#own();
    this.words[row * ROW_WORDS + 2]! |= mask;
  }

  /** Changes a layer's place, keeping its age and what lies below. */
  replace(row: number, place: number, mask: number): void {
    this.#own();
    this.#set(row, place, this.generation(row), mask + this.next(row) * 0x1_0000);
  }

  /** Takes out the layer below `above`, or the newest of chunk `i` when `above` is −1. */
  remove(i: number, above: number): void {
    this.#own();
    if (above >= 0) {
      const row = this.next(above);
      this.#setNext(above, this.next(row));
      this.#giveRow(row);
      this.olderCount--;
      return;
    }
    const row = this.next(i);
    if (row === 0) {
      this.#set(i, ABSENT, 0, 0);
      this.entryCount--;
      return;
    }
    this.words.copyWithin(i * ROW_WORDS, row * ROW_WORDS, (row + 1) * ROW_WORDS);
    this.#giveRow(row);
    this.olderCount--;
  }

  /** Bytes of `encode`. */
  get encodedBytes(): number {
    return HEADER_BYTES + this.rowCount * ROW_WORDS * 4;
  }

  #own(): void {
    if (!this.isShared) return;
    this.words = this.words.slice();
    this.isShared = false;
  }

  #set(row: number, place: number, generation: number, maskAndNext: number): void {
    this.words[row * ROW_WORDS] = place;
    this.words[row * ROW_WORDS + 1] = generation;
    this.words[row * ROW_WORDS + 2] = maskAndNext;
  }

  #setNext(row: number, next: number): void {
    this.words[row * ROW_WORDS + 2] = this.mask(row) + next * 0x1_0000;
  }

  #takeRow(): number {
    if (this.freeRow !== 0) {
      const row = this.freeRow;
      this.freeRow = this.next(row);
      return row;
    }
    assert(this.rowCount < ROW_LIMIT, 'a page of the map has as many layers as it can');
    if ((this.rowCount + 1) * ROW_WORDS > this.words.length) {
      const larger = new Uint32Array((this.rowCount + Math.max(SPARE_ROWS, this.rowCount >>> 2)) * ROW_WORDS);
      larger.set(this.words);
      this.words = larger;
    }
    return this.rowCount++;
  }

  #giveRow(row: number): void {
    this.#set(row, ABSENT, 0, this.freeRow * 0x1_0000);
    this.freeRow = row;
    if (this.olderCount > 1) return;
    // The last older layer goes: so does the space for them.
    this.words = this.words.slice(0, PAGE_CHUNKS * ROW_WORDS);
    this.rowCount = PAGE_CHUNKS;
    this.freeRow = 0;
  }
}

/** What of a page a checkpoint holds on to. */
export interface PageCapture {
  index: number;
  words: Uint32Array;
  rowCount: number;
  freeRow: number;
  entryCount: number;
  olderCount: number;
  maxGeneration: number;
}

export function capturePage(index: number, page: MapPage): PageCapture {
  page.isShared = true;
  const { words, rowCount, freeRow, entryCount, olderCount, maxGeneration } = page;
  return { index, words, rowCount, freeRow, entryCount, olderCount, maxGeneration };
}

export function encodePage({ index, words, rowCount, freeRow }: PageCapture): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + rowCount * ROW_WORDS * 4);
  bytes.writeUInt32LE(index, 0);
  bytes.writeUInt32LE(rowCount, 4);
  bytes.writeUInt32LE(freeRow, 8);
  const rows = words.subarray(0, rowCount * ROW_WORDS);
  bytes.set(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength), HEADER_BYTES); // little-endian machines only
  return bytes;
}

/** Undefined when the bytes are not page `index`. */
export function decodePage(bytes: Buffer, index: number): MapPage | undefined {
  const rowCount = bytes.readUInt32LE(4);
  const length = rowCount * ROW_WORDS * 4;
  if (bytes.readUInt32LE(0) !== index || rowCount < PAGE_CHUNKS || HEADER_BYTES + length > bytes.length) {
    return undefined;
  }
  const page = new MapPage();
  page.words = new Uint32Array(rowCount * ROW_WORDS);
  new Uint8Array(page.words.buffer).set(bytes.subarray(HEADER_BYTES, HEADER_BYTES + length));
  page.rowCount = rowCount;
  page.freeRow = bytes.readUInt32LE(8);
  for (let i = 0; i < PAGE_CHUNKS; i++) {
    if (page.place(i) === ABSENT) continue;
    page.entryCount++;
    page.maxGeneration = Math.max(page.maxGeneration, page.generation(i));
    for (let row = page.next(i); row !== 0; row = page.next(row)) {
      page.olderCount++;
      if (row >= rowCount || page.olderCount > rowCount - PAGE_CHUNKS) return undefined;
    }
  }
  return page;
}
