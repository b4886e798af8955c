/**
 * A disk as the NBD server sees it: reads and writes of any bytes, done chunk by chunk on the map and the slots.
 * Everything is done at once, with page-cache I/O, except what needs a chunk of the base first.
 *
 * The first write to a chunk in a generation goes to a fresh slot, later ones of the generation in place (D5). A crash
 * between the slot's bytes and the record leaves the old chunk, and a slot that nobody refers to.
 */
import type { BlockDevice } from '../nbd/device.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { BaseSource } from './base-source.ts';
import type { DiskStore } from './disk-store.ts';
import type { Fetched } from './chunk-fetches.ts';
import { ChunkFetches } from './chunk-fetches.ts';
import { ABSENT, FIRST_SLOT, ZERO } from './map-state.ts';

const zeros = Buffer.alloc(CHUNK_BYTES);

export class DiskDevice implements BlockDevice {
  readonly readOnly = false;
  readBytes = 0;
  writtenBytes = 0;
  readonly #store: DiskStore;
  readonly #source: BaseSource;
  readonly #fetches = new ChunkFetches();
  /** Where a chunk is put together before it is written to a fresh slot. */
  readonly #scratch = Buffer.alloc(CHUNK_BYTES);

  constructor(store: DiskStore, source: BaseSource) {
    this.#store = store;
    this.#source = source;
  }

  /** Grows with the disk. A client was told it once, at its handshake, and asks for nothing beyond. */
  get sizeBytes(): number {
    return this.#store.map.head.sizeBytes;
  }

  read(offset: number, target: Buffer): Promise<void> | undefined {
    this.readBytes += target.length;
    return this.#eachPiece(offset, target.length, (chunk, inChunk, at, length) =>
      this.#readPiece(chunk, inChunk, target, at, length),
    );
  }

  write(offset: number, data: Buffer): Promise<void> | undefined {
    this.writtenBytes += data.length;
    const chunk = Math.floor(offset / CHUNK_BYTES);
    const inChunk = offset - chunk * CHUNK_BYTES;
    if (inChunk + data.length <= CHUNK_BYTES) return this.#writePiece(chunk, inChunk, data, 0, data.length);
    return this.#eachPiece(offset, data.length, (piece, inPiece, at, length) =>
      this.#writePiece(piece, inPiece, data, at, length),
    );
  }

  trim(offset: number, lengthBytes: number): Promise<void> | undefined {
    const first = Math.ceil(offset / CHUNK_BYTES);
    const end = Math.floor((offset + lengthBytes) / CHUNK_BYTES);
    return first < end ? this.#zeroChunks(first, end) : undefined;
  }

  writeZeroes(offset: number, lengthBytes: number): Promise<void> | undefined {
    const end = offset + lengthBytes;
    const firstWhole = Math.ceil(offset / CHUNK_BYTES) * CHUNK_BYTES;
    const endWhole = Math.floor(end / CHUNK_BYTES) * CHUNK_BYTES;
    if (firstWhole >= endWhole) return this.#zeroPieces(offset, lengthBytes);
    const pieces = new Pieces();
    pieces.add(() => this.#zeroPieces(offset, firstWhole - offset));
    pieces.add(() => this.#zeroChunks(firstWhole / CHUNK_BYTES, endWhole / CHUNK_BYTES));
    pieces.add(() => this.#zeroPieces(endWhole, end - endWhole));
    return pieces.done();
  }

  commit(): void {
    this.#store.commit();
  }

  flush(): Promise<void> {
    return this.#store.flush();
  }

  /** Cuts a range at chunk borders; a promise only if a piece needs one. */
  #eachPiece(
    offset: number,
    lengthBytes: number,
    piece: (chunk: number, inChunk: number, at: number, length: number) => Promise<void> | undefined,
  ): Promise<void> | undefined {
    const pieces = new Pieces();
    for (let at = 0; at < lengthBytes;) {
      const chunk = Math.floor((offset + at) / CHUNK_BYTES);
      const inChunk = offset + at - chunk * CHUNK_BYTES;
      const length = Math.min(CHUNK_BYTES - inChunk, lengthBytes - at);
      const start = at;
      pieces.add(() => piece(chunk, inChunk, start, length));
      at += length;
    }
    return pieces.done();
  }

  #readPiece(chunk: number, inChunk: number, target: Buffer, at: number, length: number): Promise<void> | undefined {
    const { map } = this.#store;
    const place = map.place(chunk);
    if ((place === ABSENT && !map.baseIsZero) || (this.#fetches.size > 0 && this.#fetches.has(chunk))) {
      return this.#afterFetch(chunk, (fetched) =>
        this.#readNow(chunk, inChunk, target.subarray(at, at + length), fetched),
      );
    }
    if (place >= FIRST_SLOT) this.#store.slots.read(place - FIRST_SLOT, inChunk, target, at, length);
    else target.fill(0, at, at + length);
    return undefined;
  }

  #readNow(chunk: number, inChunk: number, target: Buffer, fetched: Fetched): void {
    const place = this.#store.map.place(chunk);
    if (place >= FIRST_SLOT) {
      this.#store.slots.read(place - FIRST_SLOT, inChunk, target, 0, target.length);
      return;
    }
    const base = place === ABSENT ? bytesOf(fetched) : null;
    if (base === null) target.fill(0);
    else base.copy(target, 0, inChunk, inChunk + target.length);
  }

  #writePiece(chunk: number, inChunk: number, data: Buffer, from: number, length: number): Promise<void> | undefined {
    const { map, slots } = this.#store;
    if (this.#fetches.size > 0 && this.#fetches.has(chunk)) {
      return this.#writeAfterFetch(chunk, inChunk, data.subarray(from, from + length));
    }
    const slot = map.slotInPlace(chunk);
    if (slot >= 0) {
      slots.write(slot, inChunk, data, from, length);
      return undefined;
    }
    if (length < CHUNK_BYTES && !map.baseIsZero && map.place(chunk) === ABSENT) {
      return this.#writeAfterFetch(chunk, inChunk, data.subarray(from, from + length));
    }
    this.#writeFresh(
      chunk,
      inChunk,
      from === 0 && length === data.length ? data : data.subarray(from, from + length),
      null,
    );
    return undefined;
  }

  #writeAfterFetch(chunk: number, inChunk: number, data: Buffer): Promise<void> {
    return this.#afterFetch(chunk, (fetched) => {
      const { map, slots } = this.#store;
      const slot = map.slotInPlace(chunk);
      if (slot >= 0) {
        slots.write(slot, inChunk, data, 0, data.length);
      } else {
        const needsBase = data.length < CHUNK_BYTES && map.place(chunk) === ABSENT && !map.baseIsZero;
        this.#writeFresh(chunk, inChunk, data, needsBase ? bytesOf(fetched) : null);
      }
    });
  }

  /** Puts a chunk with `data` in it into a fresh slot. `base`: what an absent chunk reads as; null for zeros. */
  #writeFresh(chunk: number, inChunk: number, data: Buffer, base: Buffer | null): void {
    const { map, slots } = this.#store;
    const place = map.place(chunk);
    const slot = slots.allocate();
    try {
      if (data.length === CHUNK_BYTES || (slots.allocatedIsVirgin && place < FIRST_SLOT && base === null)) {
        slots.write(slot, inChunk, data, 0, data.length);
      } else {
        const whole = this.#scratch;
        if (place >= FIRST_SLOT) slots.read(place - FIRST_SLOT, 0, whole, 0, CHUNK_BYTES);
        else (base ?? zeros).copy(whole);
        data.copy(whole, inChunk);
        slots.write(slot, 0, whole, 0, CHUNK_BYTES);
      }
    } catch (error) {
      slots.giveBack(slot);
      throw error;
    }
    this.#store.record({ type: 'data', chunk, slot, generation: map.head.generation });
  }

  /** Writes zeros to parts of chunks. */
  #zeroPieces(offset: number, lengthBytes: number): Promise<void> | undefined {
    return this.#eachPiece(offset, lengthBytes, (chunk, inChunk, _at, length) => {
      const { map } = this.#store;
      const place = map.place(chunk);
      const isZero = place === ZERO || (place === ABSENT && map.baseIsZero);
      if (isZero && !(this.#fetches.size > 0 && this.#fetches.has(chunk))) return undefined;
      return this.#writePiece(chunk, inChunk, zeros, 0, length);
    });
  }

  /** Makes whole chunks zero; those with a fetch under way after it. */
  #zeroChunks(first: number, end: number): Promise<void> | undefined {
    if (this.#fetches.size === 0) {
      this.#zeroNow(first, end);
      return undefined;
    }
    const pieces = new Pieces();
    let from = first;
    for (let chunk = first; chunk < end; chunk++) {
      if (!this.#fetches.has(chunk)) continue;
      this.#zeroNow(from, chunk);
      from = chunk + 1;
      pieces.add(() => this.#afterFetch(chunk, () => this.#zeroNow(chunk, chunk + 1)));
    }
    this.#zeroNow(from, end);
    return pieces.done();
  }

  #zeroNow(first: number, end: number): void {
    const { map } = this.#store;
    const from = map.nextNotZero(first, end);
    if (from < 0) return;
    this.#store.record({ type: 'zero', chunk: from, count: end - from, generation: map.head.generation });
  }

  #afterFetch(chunk: number, work: (fetched: Fetched) => void): Promise<void> {
    const { map } = this.#store;
    const { tree } = map.head.base;
    return this.#fetches.enqueue(
      chunk,
      work,
      () => this.#source.readChunk(tree, chunk),
      (fetched) => {
        if (fetched.ok && map === this.#store.map && map.place(chunk) === ABSENT) this.#hydrate(chunk, fetched.bytes);
      },
    );
  }

  /** Keeps a fetched chunk, as unchanged since the base. Where there is no room for it, it is fetched again. */
  #hydrate(chunk: number, bytes: Buffer | null): void {
    const { map, slots } = this.#store;
    if (bytes === null) {
      map.noteZeroBase(chunk);
      return;
    }
    try {
      const slot = slots.allocate();
      try {
        slots.write(slot, 0, bytes, 0, CHUNK_BYTES);
      } catch (error) {
        slots.giveBack(slot);
        throw error;
      }
      this.#store.record({ type: 'data', chunk, slot, generation: 0 });
    } catch {
      // The read was answered from the fetched bytes; nothing depends on keeping them.
    }
  }
}

function bytesOf(fetched: Fetched): Buffer | null {
  if (!fetched.ok) throw fetched.error;
  return fetched.bytes;
}

/** The parts of one request: done at once, waiting, or failed; a failure after a wait is told with the rest. */
class Pieces {
  #waits: Promise<void>[] | undefined;

  add(piece: () => Promise<void> | undefined): void {
    try {
      const wait = piece();
      if (wait !== undefined) (this.#waits ??= []).push(wait);
    } catch (error) {
      if (this.#waits === undefined) throw error;
      this.#waits.push(Promise.reject(error));
    }
  }

  done(): Promise<void> | undefined {
    return this.#waits === undefined ? undefined : Promise.all(this.#waits).then(() => {});
  }
}
