/**
 * Which slots are taken, segment by segment, and which of the free ones have never been written since their segment
 * was made or last cut: those read as zeros. Pure; `slot-store.ts` does what it says to the files.
 */
import { SEGMENT_SLOTS } from './slot-address.ts';
import { assert } from '../lib/assert.ts';

interface Segment {
  /** Bit i: slot i is taken. */
  taken: Uint32Array;
  takenCount: number;
  /** Slots from here on hold zeros, once the segment's file was made or cut by this process. */
  virginFrom: number;
  /** No word before this one has a free slot. */
  firstWord: number;
}

export class SlotAllocator {
  readonly #segments = new Map<number, Segment>();
  /** No segment before this one has a free slot. */
  #firstSegment = 0;

  /** Takes a slot that a map refers to. False if it was taken already. */
  take(slot: number): boolean {
    const segment = this.#ensure(Math.floor(slot / SEGMENT_SLOTS));
    const index = slot % SEGMENT_SLOTS;
    const bit = 1 << (index & 31);
    if ((segment.taken[index >>> 5]! & bit) !== 0) return false;
    segment.taken[index >>> 5]! |= bit;
    segment.takenCount++;
    segment.virginFrom = Math.max(segment.virginFrom, index + 1);
    return true;
  }

  /** The lowest free slot; not taken yet. */
  lowestFree(): number {
    for (;;) {
      const segment = this.#segments.get(this.#firstSegment);
      if (segment === undefined) return this.#firstSegment * SEGMENT_SLOTS;
      const index = segment.takenCount === SEGMENT_SLOTS ? -1 : lowestClear(segment);
      if (index >= 0) return this.#firstSegment * SEGMENT_SLOTS + index;
      this.#firstSegment++;
    }
  }

  free(slot: number): void {
    const number = Math.floor(slot / SEGMENT_SLOTS);
    const segment = this.#ensure(number);
    const index = slot % SEGMENT_SLOTS;
    const bit = 1 << (index & 31);
    assert((segment.taken[index >>> 5]! & bit) !== 0, `slot ${slot} is freed and was not taken`);
    segment.taken[index >>> 5]! &= ~bit;
    segment.takenCount--;
    segment.firstWord = Math.min(segment.firstWord, index >>> 5);
    this.#firstSegment = Math.min(this.#firstSegment, number);
  }

  /** Does the free slot hold zeros? */
  isVirgin(slot: number): boolean {
    const segment = this.#segments.get(Math.floor(slot / SEGMENT_SLOTS));
    return segment === undefined || slot % SEGMENT_SLOTS >= segment.virginFrom;
  }

  /** One past the highest taken slot of a segment, as an index in it; 0 when none is taken. */
  endOf(number: number): number {
    const taken = this.#segments.get(number)?.taken;
    if (taken === undefined) return 0;
    const word = taken.findLastIndex((bits) => bits !== 0);
    return word < 0 ? 0 : word * 32 + 32 - Math.clz32(taken[word]!);
  }

  virginFrom(number: number): number {
    return this.#segments.get(number)?.virginFrom ?? 0;
  }

  /** The segment's file was made, or cut behind its last taken slot. */
  noteCut(number: number): void {
    this.#ensure(number).virginFrom = this.endOf(number);
  }

  /** The segment's file is gone: it had no taken slot. */
  forget(number: number): void {
    assert(this.endOf(number) === 0, `segment ${number} is removed and has taken slots`);
    this.#segments.delete(number);
  }

  takenCount(): number {
    let count = 0;
    for (const segment of this.#segments.values()) count += segment.takenCount;
    return count;
  }

  #ensure(number: number): Segment {
    let segment = this.#segments.get(number);
    if (segment === undefined) {
      segment = { taken: new Uint32Array(SEGMENT_SLOTS / 32), takenCount: 0, virginFrom: 0, firstWord: 0 };
      this.#segments.set(number, segment);
    }
    return segment;
  }
}

function lowestClear(segment: Segment): number {
  const { taken } = segment;
  while (segment.firstWord < taken.length && taken[segment.firstWord] === 0xffffffff) segment.firstWord++;
  if (segment.firstWord === taken.length) return -1;
  const bits = taken[segment.firstWord]!;
  return segment.firstWord * 32 + 31 - Math.clz32(~bits & (bits + 1));
}
