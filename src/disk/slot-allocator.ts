/**
 * Which slots are taken, segment by segment, and which of the free ones have never been written since their segment
 * was made or last cut: those read as zeros. A freed slot is *freeing* until it may be used again (D6). Bitmaps of segments
 * come from the last checkpoint when they are first needed. `slot-store.ts` does what it says to the files.
 */
import { assert } from '../lib/assert.ts';
import { CorruptionError } from '../lib/errors.ts';
import { SEGMENT_SLOTS } from './slot-address.ts';

interface Segment {
  /** Bit i: slot i is taken. Null until it is read from the checkpoint. */
  taken: Uint32Array | null;
  takenCount: number;
  /** Slots from here on hold zeros, once the segment's file was made or cut by this process. */
  virginFrom: number;
  /** No word before this one has a free slot. */
  firstWord: number;
  /** Nothing more is taken here: the bitmap (`isLost`) or the file is damaged. */
  isAvoided: boolean;
  /** The bitmap cannot be read: every slot counts as taken, and the checkpoint keeps the bitmap that it has. */
  isLost: boolean;
}

/** What a checkpoint keeps of a segment: slots that are being freed count as free there. */
export interface SegmentCapture {
  segment: number;
  takenCount: number;
  taken: Uint32Array;
}

/** Where bitmaps that are not in memory come from: the segments with taken slots, and the bitmap of one. */
export interface BitmapSource {
  list(): Iterable<[segment: number, takenCount: number]>;
  load(segment: number): Uint32Array;
}

export const BITMAP_WORDS = SEGMENT_SLOTS / 32;

export class SlotAllocator {
  readonly #segments = new Map<number, Segment>();
  readonly #source: BitmapSource;
  readonly #freeing = new Set<number>();
  #dirty = new Set<number>();
  /** No segment before this one has a free slot. */
  #firstSegment = 0;
  #takenCount = 0;

  constructor(source: BitmapSource) {
    this.#source = source;
    for (const [segment, takenCount] of source.list()) {
      this.#segments.set(segment, { ...newSegment(), taken: null, takenCount, virginFrom: SEGMENT_SLOTS });
      this.#takenCount += takenCount;
    }
  }

  /** Slots that the map refers to, and those that are being freed. */
  get takenCount(): number {
    return this.#takenCount;
  }

  get freeingCount(): number {
    return this.#freeing.size;
  }

  /** Takes a slot that a map refers to. False if another has it. */
  take(slot: number): boolean {
    const number = Math.floor(slot / SEGMENT_SLOTS);
    const segment = this.#ensure(number);
    this.#dirty.add(number);
    if (this.#freeing.delete(slot)) return true;
    const taken = this.#bitmap(number, segment);
    if (segment.isLost) return true;
    const index = slot % SEGMENT_SLOTS;
    const bit = 1 << (index & 31);
    if ((taken[index >>> 5]! & bit) !== 0) return false;
    taken[index >>> 5]! |= bit;
    segment.takenCount++;
    this.#takenCount++;
    segment.virginFrom = Math.max(segment.virginFrom, index + 1);
    return true;
  }

  isTaken(slot: number): boolean {
    const number = Math.floor(slot / SEGMENT_SLOTS);
    const segment = this.#segments.get(number);
    if (segment === undefined || this.#freeing.has(slot)) return false;
    return isSet(this.#bitmap(number, segment), slot % SEGMENT_SLOTS);
  }

  /** The lowest free slot; not taken yet. */
  lowestFree(): number {
    for (;;) {
      const segment = this.#segments.get(this.#firstSegment);
      if (segment === undefined) return this.#firstSegment * SEGMENT_SLOTS;
      const isFull = segment.isAvoided || segment.takenCount === SEGMENT_SLOTS;
      const index = isFull ? -1 : lowestClear(segment, this.#bitmap(this.#firstSegment, segment));
      if (index >= 0) return this.#firstSegment * SEGMENT_SLOTS + index;
      this.#firstSegment++;
    }
  }

  /** Nothing refers to the slots any more; `free` follows when that is durable and nobody reads them. */
  startFreeing(slots: Iterable<number>): void {
    for (const slot of slots) {
      assert(!this.#freeing.has(slot), `slot ${slot} is freed twice`);
      this.#freeing.add(slot);
      this.#dirty.add(Math.floor(slot / SEGMENT_SLOTS));
    }
  }

  free(slot: number): void {
    const number = Math.floor(slot / SEGMENT_SLOTS);
    const segment = this.#ensure(number);
    const taken = this.#bitmap(number, segment);
    const index = slot % SEGMENT_SLOTS;
    const bit = 1 << (index & 31);
    assert((taken[index >>> 5]! & bit) !== 0, `slot ${slot} is freed and was not taken`);
    this.#freeing.delete(slot);
    if (segment.isLost) return;
    taken[index >>> 5]! &= ~bit;
    segment.takenCount--;
    this.#takenCount--;
    this.#dirty.add(number);
    segment.firstWord = Math.min(segment.firstWord, index >>> 5);
    this.#firstSegment = Math.min(this.#firstSegment, number);
  }

  /** Takes no more slots of the segment: its file is damaged. */
  avoid(number: number): void {
    this.#ensure(number).isAvoided = true;
  }

  /** Does the free slot hold zeros? */
  isVirgin(slot: number): boolean {
    const segment = this.#segments.get(Math.floor(slot / SEGMENT_SLOTS));
    return segment === undefined || slot % SEGMENT_SLOTS >= segment.virginFrom;
  }

  takenIn(number: number): number {
    return this.#segments.get(number)?.takenCount ?? 0;
  }

  /** One past the highest taken slot of a segment, as an index in it; 0 when none is taken. */
  endOf(number: number): number {
    const segment = this.#segments.get(number);
    if (segment === undefined || segment.takenCount === 0) return 0;
    const taken = this.#bitmap(number, segment);
    const word = taken.findLastIndex((bits) => bits !== 0);
    return word < 0 ? 0 : word * 32 + 32 - Math.clz32(taken[word]!);
  }

  virginFrom(number: number): number {
    return this.#segments.get(number)?.virginFrom ?? 0;
  }

  /** One past the run of free slots that begins with `slot`, of at most `most` slots of one segment. */
  freeRunEnd(slot: number, most: number): number {
    const number = Math.floor(slot / SEGMENT_SLOTS);
    const first = slot - number * SEGMENT_SLOTS;
    const limit = Math.min(first + most, SEGMENT_SLOTS);
    const taken = this.#bitmap(number, this.#ensure(number));
    let end = first + 1;
    while (end < limit && !isSet(taken, end)) end++;
    return number * SEGMENT_SLOTS + end;
  }

  /** Runs of free slots before the segment's virgin end, as `[first, count]`, counted in the segment. */
  freeRuns(number: number): [number, number][] {
    const segment = this.#segments.get(number);
    if (segment === undefined) return [];
    const taken = this.#bitmap(number, segment);
    const runs: [number, number][] = [];
    let start = -1;
    for (let index = 0; index <= segment.virginFrom; index++) {
      const isFree = index < segment.virginFrom && !isSet(taken, index);
      if (isFree && start < 0) start = index;
      if (isFree || start < 0) continue;
      runs.push([start, index - start]);
      start = -1;
    }
    return runs;
  }

  /** The segment's file was made, or cut behind its last taken slot. */
  noteCut(number: number): void {
    this.#ensure(number).virginFrom = this.endOf(number);
  }

  /** The segment's file is gone: it had no taken slot. */
  forget(number: number): void {
    assert(this.takenIn(number) === 0, `segment ${number} is removed and has taken slots`);
    this.#segments.delete(number);
    this.#dirty.add(number);
  }

  /** Bitmaps changed since the last capture; those without taken slots have a count of 0. */
  captureChanges(): SegmentCapture[] {
    const freeing = Map.groupBy(this.#freeing, (slot) => Math.floor(slot / SEGMENT_SLOTS));
    const known = [...this.#dirty].filter((number) => this.#segments.get(number)?.isLost !== true);
    const captures = known.map((number) => this.#capture(number, freeing.get(number) ?? []));
    this.#dirty = new Set();
    return captures;
  }

  /** Has the next capture speak of these segments too, whether they have taken slots or not. */
  captureToo(segments: Iterable<number>): void {
    for (const segment of segments) this.#dirty.add(segment);
  }

  /** The captures were not stored: they must be captured again. */
  recapture(captures: readonly SegmentCapture[]): void {
    for (const { segment } of captures) this.#dirty.add(segment);
  }

  #capture(number: number, freeing: readonly number[]): SegmentCapture {
    const segment = this.#segments.get(number);
    if (segment === undefined) return { segment: number, takenCount: 0, taken: new Uint32Array(0) };
    const taken = this.#bitmap(number, segment).slice();
    for (const slot of freeing) {
      const index = slot % SEGMENT_SLOTS;
      taken[index >>> 5]! &= ~(1 << (index & 31));
    }
    return { segment: number, takenCount: segment.takenCount - freeing.length, taken };
  }

  #bitmap(number: number, segment: Segment): Uint32Array {
    if (segment.taken !== null) return segment.taken;
    try {
      segment.taken = this.#source.load(number);
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      segment.taken = new Uint32Array(BITMAP_WORDS).fill(0xffff_ffff);
      segment.isLost = true;
    }
    return segment.taken;
  }

  #ensure(number: number): Segment {
    let segment = this.#segments.get(number);
    if (segment === undefined) {
      segment = newSegment();
      this.#segments.set(number, segment);
    }
    return segment;
  }
}

function newSegment(): Segment {
  const taken = new Uint32Array(BITMAP_WORDS);
  return { taken, takenCount: 0, virginFrom: 0, firstWord: 0, isAvoided: false, isLost: false };
}

function isSet(bitmap: Uint32Array, index: number): boolean {
  return (bitmap[index >>> 5]! & (1 << (index & 31))) !== 0;
}

function lowestClear(segment: Segment, taken: Uint32Array): number {
  while (segment.firstWord < taken.length && taken[segment.firstWord] === 0xffffffff) segment.firstWord++;
  if (segment.firstWord === taken.length) return -1;
  const bits = taken[segment.firstWord]!;
  return segment.firstWord * 32 + 31 - Math.clz32(~bits & (bits + 1));
}
