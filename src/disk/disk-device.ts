/**
 * A disk as the NBD server sees it: reads and writes of any bytes, done chunk by chunk on the map and the slots.
 * Everything is done at once, with page-cache I/O, except what needs a chunk of the base or a slow device first.
 *
 * The first write to a chunk in a generation goes to a fresh slot, block by block (D4, D5); blocks that the slot holds
 * already are written in place. A crash between a slot's bytes and the record leaves the old blocks, and bytes nobody sees.
 */
import { setImmediate } from 'node:timers/promises';
import { CorruptionError } from '../lib/errors.ts';
import { BLOCK_BYTES, CHUNK_BYTES, FULL_MASK } from '../lib/geometry.ts';
import type { Answered, BlockDevice, Extent } from '../nbd/device.ts';
import type { BaseSource } from './base-source.ts';
import type { Fetched } from './chunk-fetches.ts';
import { ChunkFill } from './chunk-fill.ts';
import type { DiskMap } from './disk-map.ts';
import type { DiskStore } from './disk-store.ts';
import { baseEnd, sees } from './lineage.ts';
import { ABSENT, FIRST_SLOT, PAGE_CHUNKS, ZERO } from './map-page.ts';
import { Pieces } from './pieces.ts';
import type { DiskAnswers, DiskCounters } from './protocol.ts';
import { resolveBlocks } from './settle.ts';
import type { SlotStore } from './slot-store.ts';
import { runsOf } from './sweep.ts';

/** So many chunks are made zero in one go, between which others get their turn. */
const ZERO_TURN_CHUNKS = 4096;
const zeros = Buffer.alloc(CHUNK_BYTES);

export class DiskDevice implements BlockDevice {
  readonly readOnly = false;
  readonly counters: DiskCounters = {
    readCount: 0,
    writeCount: 0,
    flushCount: 0,
    zeroCount: 0,
    readBytes: 0,
    writtenBytes: 0,
  };
  readonly answers: DiskAnswers;
  readonly #store: DiskStore;
  readonly #map: DiskMap;
  readonly #slots: SlotStore;
  readonly #fill: ChunkFill;
  /** Where blocks that a write covers in part are put together. */
  readonly #scratch = Buffer.alloc(CHUNK_BYTES);

  constructor(store: DiskStore, source: BaseSource, nowMs: number) {
    this.answers = { countedSinceMs: nowMs, readCount: 0, writeCount: 0, readMs: 0, writeMs: 0 };
    this.#store = store;
    this.#map = store.map;
    this.#slots = store.slots;
    this.#fill = new ChunkFill(store, source);
  }

  /** Grows with the disk. A client was told it once, at its handshake, and asks for nothing beyond. */
  get sizeBytes(): number {
    return this.#map.head.sizeBytes;
  }

  read(offset: number, target: Buffer): Promise<void> | undefined {
    this.counters.readCount++;
    this.counters.readBytes += target.length;
    const chunk = Math.floor(offset / CHUNK_BYTES);
    const inChunk = offset - chunk * CHUNK_BYTES;
    if (inChunk + target.length <= CHUNK_BYTES) return this.#readPiece(chunk, inChunk, target);
    return eachPiece(offset, target, (piece, inPiece, part) => this.#readPiece(piece, inPiece, part));
  }

  write(offset: number, data: Buffer): Promise<void> | undefined {
    this.counters.writeCount++;
    this.counters.writtenBytes += data.length;
    const chunk = Math.floor(offset / CHUNK_BYTES);
    const inChunk = offset - chunk * CHUNK_BYTES;
    if (inChunk + data.length <= CHUNK_BYTES) return this.#writePiece(chunk, inChunk, data);
    return eachPiece(offset, data, (piece, inPiece, part) => this.#writePiece(piece, inPiece, part));
  }

  trim(offset: number, lengthBytes: number): Promise<void> | undefined {
    this.counters.zeroCount++;
    const first = Math.ceil(offset / CHUNK_BYTES);
    const end = Math.floor((offset + lengthBytes) / CHUNK_BYTES);
    return first < end ? this.#zeroChunks(first, end) : undefined;
  }

  writeZeroes(offset: number, lengthBytes: number): Promise<void> | undefined {
    this.counters.zeroCount++;
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

  answered({ readCount, writeCount, readMs, writeMs }: Answered): void {
    const { answers } = this;
    answers.readCount += readCount;
    answers.writeCount += writeCount;
    answers.readMs += readMs;
    answers.writeMs += writeMs;
  }

  commit(): void {
    this.#store.commit();
  }

  flush(): Promise<void> {
    this.counters.flushCount++;
    return this.#store.flush();
  }

  status(offset: number, lengthBytes: number, limit: number): Extent[] {
    const extents: Extent[] = [];
    for (let at = offset; at < offset + lengthBytes;) {
      const { end, isZero } = this.#stateAt(Math.floor(at / CHUNK_BYTES));
      const length = Math.min(end * CHUNK_BYTES, offset + lengthBytes) - at;
      const last = extents.at(-1);
      if (last !== undefined && last.isZero === isZero) last.lengthBytes += length;
      else if (extents.length === limit) break;
      else extents.push({ lengthBytes: length, isHole: isZero, isZero });
      at += length;
    }
    return extents;
  }

  /** Whether a chunk is known to be zeros, and the chunk up to which the same is known of its neighbours. */
  #stateAt(chunk: number): { end: number; isZero: boolean } {
    const map = this.#map;
    if (map.facts(Math.floor(chunk / PAGE_CHUNKS)) !== undefined) return this.#mappedStateAt(chunk);
    const isZero = map.isBaseZero(chunk);
    const pageEnd = chunk - (chunk % PAGE_CHUNKS) + PAGE_CHUNKS;
    return { end: isZero ? pageEnd : Math.min(pageEnd, baseEnd(map.head.live)), isZero };
  }

  /** Of a page that is damaged nothing is known: to read it tells that. */
  #mappedStateAt(chunk: number): { end: number; isZero: boolean } {
    try {
      return { end: chunk + 1, isZero: this.#isZero(chunk) };
    } catch (error) {
      if (error instanceof CorruptionError) return { end: chunk + 1, isZero: false };
      throw error;
    }
  }

  #isZero(chunk: number): boolean {
    const place = this.#map.livePlace(chunk);
    return place === ZERO || (place === ABSENT && this.#map.isBaseZero(chunk));
  }

  #readPiece(chunk: number, inChunk: number, target: Buffer): Promise<void> | undefined {
    const page = this.#map.pageOf(chunk);
    const { head } = this.#map;
    if (page !== undefined) {
      const i = chunk & (PAGE_CHUNKS - 1);
      const place = page.place(i);
      const isSeen = !head.hasUndone || sees(head.live, page.generation(i));
      if (place >= FIRST_SLOT && isSeen) {
        const mask = blocksOf(inChunk, target.length);
        if ((page.mask(i) & mask) === mask) return this.#slots.read(place - FIRST_SLOT, inChunk, target);
      } else if (place === ZERO && isSeen) {
        target.fill(0);
        return undefined;
      }
    } else if (this.#map.isBaseZero(chunk)) {
      target.fill(0);
      return undefined;
    }
    return this.#readParts(chunk, inChunk, target);
  }

  /** Of layers, and of the base. */
  #readParts(chunk: number, inChunk: number, target: Buffer): Promise<void> | undefined {
    const { parts, inBase } = this.#resolve(chunk, blocksOf(inChunk, target.length));
    if (inBase !== 0 && !this.#map.isBaseZero(chunk)) {
      return this.#fill.after(chunk, (fetched) => this.#readFetched(chunk, inChunk, target, fetched));
    }
    const pieces = new Pieces();
    for (const { place, mask } of parts) {
      eachRun(mask, inChunk, target, (at, part) => {
        if (place < FIRST_SLOT) part.fill(0);
        else pieces.add(() => this.#slots.read(place - FIRST_SLOT, at, part));
      });
    }
    eachRun(inBase, inChunk, target, (_at, part) => part.fill(0));
    return pieces.done();
  }

  #readFetched(chunk: number, inChunk: number, target: Buffer, fetched: Fetched): void {
    const { parts, inBase } = this.#resolve(chunk, blocksOf(inChunk, target.length));
    if (inBase !== 0) {
      const base = bytesOf(fetched);
      eachRun(inBase, inChunk, target, (at, part) => (base ?? zeros).copy(part, 0, at, at + part.length));
    }
    for (const { place, mask } of parts) {
      eachRun(mask, inChunk, target, (at, part) => {
        if (place < FIRST_SLOT) part.fill(0);
        else this.#slots.readNow(place - FIRST_SLOT, at, part, 0, part.length);
      });
    }
  }

  #resolve(chunk: number, mask: number): { parts: { place: number; mask: number }[]; inBase: number } {
    return resolveBlocks(this.#map.pageOf(chunk), chunk & (PAGE_CHUNKS - 1), this.#map.head.live, mask);
  }

  #writePiece(chunk: number, inChunk: number, data: Buffer): Promise<void> | undefined {
    const mask = blocksOf(inChunk, data.length);
    const page = this.#map.pageOf(chunk);
    const i = chunk & (PAGE_CHUNKS - 1);
    const slot =
      page !== undefined && page.generation(i) === this.#map.head.generation ? page.place(i) - FIRST_SLOT : -1;
    const held = slot >= 0 ? page!.mask(i) : 0;
    if ((held & mask) === mask) {
      this.#slots.write(slot, inChunk, data, 0, data.length);
      return undefined;
    }
    if ((raggedOf(inChunk, data.length) & ~held) !== 0) return this.#writeRagged(chunk, inChunk, data);
    if (slot >= 0) this.#writeOn(chunk, slot, inChunk, data, mask);
    else this.#writeFresh(chunk, inChunk, data, mask);
    return undefined;
  }

  /** More blocks into the slot that the chunk has in this generation. */
  #writeOn(chunk: number, slot: number, inChunk: number, data: Buffer, mask: number): void {
    this.#slots.write(slot, inChunk, data, 0, data.length);
    this.#store.record({ type: 'data', chunk, slot, generation: this.#map.head.generation, mask });
  }

  /** The first blocks of the chunk in this generation: into a slot of their own. */
  #writeFresh(chunk: number, inChunk: number, data: Buffer, mask: number): void {
    const slots = this.#slots;
    const slot = slots.allocate();
    // A slot that was never written reads as zeros: where the rest of the chunk is zeros, it holds all of it.
    const holdsAll = slots.allocatedIsVirgin && this.#isZero(chunk);
    try {
      slots.write(slot, inChunk, data, 0, data.length);
    } catch (error) {
      slots.giveBack(slot);
      throw error;
    }
    const { generation } = this.#map.head;
    this.#store.record({ type: 'data', chunk, slot, generation, mask: holdsAll ? FULL_MASK : mask });
  }

  /** A write that covers its first or last block in part, and the slot does not hold them yet: they are made whole. */
  #writeRagged(chunk: number, inChunk: number, data: Buffer): Promise<void> | undefined {
    const ragged = raggedOf(inChunk, data.length);
    const { inBase } = this.#resolve(chunk, ragged);
    if (inBase === 0 || this.#map.isBaseZero(chunk)) {
      this.#writeWhole(chunk, inChunk, data, null);
      return undefined;
    }
    const kept = Buffer.from(data);
    return this.#fill.after(chunk, (fetched) => this.#writeWhole(chunk, inChunk, kept, fetched));
  }

  #writeWhole(chunk: number, inChunk: number, data: Buffer, fetched: Fetched | null): void {
    const start = inChunk - (inChunk % BLOCK_BYTES);
    const end = Math.ceil((inChunk + data.length) / BLOCK_BYTES) * BLOCK_BYTES;
    const whole = this.#scratch.subarray(0, end - start);
    const { parts, inBase } = this.#resolve(chunk, raggedOf(inChunk, data.length));
    eachRun(inBase, start, whole, (at, part) => {
      const base = fetched === null ? null : bytesOf(fetched);
      (base ?? zeros).copy(part, 0, at, at + part.length);
    });
    for (const { place, mask } of parts) {
      eachRun(mask, start, whole, (at, part) => {
        if (place < FIRST_SLOT) part.fill(0);
        else this.#slots.readNow(place - FIRST_SLOT, at, part, 0, part.length);
      });
    }
    data.copy(whole, inChunk - start);
    void this.#writePiece(chunk, start, whole); // whole blocks: done at once
  }

  /** Writes zeros to parts of chunks. */
  #zeroPieces(offset: number, lengthBytes: number): Promise<void> | undefined {
    if (lengthBytes === 0) return undefined;
    const pieces = new Pieces();
    for (let at = offset; at < offset + lengthBytes;) {
      const chunk = Math.floor(at / CHUNK_BYTES);
      const inChunk = at - chunk * CHUNK_BYTES;
      const length = Math.min(CHUNK_BYTES - inChunk, offset + lengthBytes - at);
      pieces.add(() => (this.#isZero(chunk) ? undefined : this.#writePiece(chunk, inChunk, zeros.subarray(0, length))));
      at += length;
    }
    return pieces.done();
  }

  /** Makes whole chunks zero. */
  #zeroChunks(first: number, end: number): Promise<void> | undefined {
    if (end - first > ZERO_TURN_CHUNKS) return this.#zeroInTurns(first, end);
    this.#zeroNow(first, end);
    return undefined;
  }

  async #zeroInTurns(first: number, end: number): Promise<void> {
    for (let from = first; from < end; from += ZERO_TURN_CHUNKS) {
      this.#zeroNow(from, Math.min(end, from + ZERO_TURN_CHUNKS));
      await setImmediate();
    }
  }

  #zeroNow(first: number, end: number): void {
    const { head } = this.#map;
    const border = Math.min(end, Math.max(first, baseEnd(head.live)));
    this.#zeroRange(first, border, false);
    this.#zeroRange(border, end, true);
  }

  #zeroRange(first: number, end: number, overZero: boolean): void {
    const { generation, live } = this.#map.head;
    const from = this.#map.nextNotZero(first, end, overZero);
    if (from < 0) return;
    // A disk that has left its base may be compared with that: there a chunk that is absent is as in the base.
    const hasLeftBase = live.base.snapshotId !== null && baseEnd(live) === 0;
    const drops = overZero && generation === live.baseGeneration && !hasLeftBase;
    this.#store.record({ type: 'zero', chunk: from, count: end - from, generation, overZero, drops });
  }
}

function bytesOf(fetched: Fetched): Buffer | null {
  if (!fetched.ok) throw fetched.error;
  return fetched.bytes;
}

/** The mask of the blocks that a range of a chunk touches. */
function blocksOf(inChunk: number, lengthBytes: number): number {
  const first = inChunk >>> 12;
  const last = (inChunk + lengthBytes - 1) >>> 12;
  return ((2 << last) - 1) & ~((1 << first) - 1);
}

/** The mask of the blocks that a range covers in part. */
function raggedOf(inChunk: number, lengthBytes: number): number {
  const end = inChunk + lengthBytes;
  const first = inChunk % BLOCK_BYTES === 0 ? 0 : 1 << (inChunk >>> 12);
  const last = end % BLOCK_BYTES === 0 ? 0 : 1 << (end >>> 12);
  return first | last;
}

/** The parts of `bytes`, which lie at `inChunk` of a chunk, that the blocks of a mask have, with where each begins. */
function eachRun(mask: number, inChunk: number, bytes: Buffer, work: (at: number, part: Buffer) => void): void {
  if (mask === 0) return;
  for (const { block, count } of runsOf(mask)) {
    const at = Math.max(inChunk, block * BLOCK_BYTES);
    const end = Math.min(inChunk + bytes.length, (block + count) * BLOCK_BYTES);
    work(at, bytes.subarray(at - inChunk, end - inChunk));
  }
}

/** Cuts bytes at chunk borders; a promise only if a piece needs one. */
function eachPiece(
  offset: number,
  bytes: Buffer,
  piece: (chunk: number, inChunk: number, part: Buffer) => Promise<void> | undefined,
): Promise<void> | undefined {
  const pieces = new Pieces();
  for (let at = 0; at < bytes.length;) {
    const chunk = Math.floor((offset + at) / CHUNK_BYTES);
    const inChunk = offset + at - chunk * CHUNK_BYTES;
    const length = Math.min(CHUNK_BYTES - inChunk, bytes.length - at);
    const start = at;
    pieces.add(() => piece(chunk, inChunk, bytes.subarray(start, start + length)));
    at += length;
  }
  return pieces.done();
}
