/** A set of slots, a bit each: there may be millions. */
import { SEGMENT_SLOTS } from './slot-address.ts';

const WORDS = SEGMENT_SLOTS / 32;

export class SlotSet {
  count = 0;
  readonly #segments = new Map<number, Uint32Array>();

  /** False if it was in it already. */
  add(slot: number): boolean {
    const segment = Math.floor(slot / SEGMENT_SLOTS);
    let words = this.#segments.get(segment);
    if (words === undefined) this.#segments.set(segment, (words = new Uint32Array(WORDS)));
    const index = slot % SEGMENT_SLOTS;
    const bit = 1 << (index & 31);
    if ((words[index >>> 5]! & bit) !== 0) return false;
    words[index >>> 5]! |= bit;
    this.count++;
    return true;
  }

  /** False if it was not in it. */
  delete(slot: number): boolean {
    const words = this.#segments.get(Math.floor(slot / SEGMENT_SLOTS));
    const index = slot % SEGMENT_SLOTS;
    const bit = 1 << (index & 31);
    if (words === undefined || (words[index >>> 5]! & bit) === 0) return false;
    words[index >>> 5]! &= ~bit;
    this.count--;
    return true;
  }

  has(slot: number): boolean {
    const words = this.#segments.get(Math.floor(slot / SEGMENT_SLOTS));
    const index = slot % SEGMENT_SLOTS;
    return words !== undefined && (words[index >>> 5]! & (1 << (index & 31))) !== 0;
  }

  /** Takes out the slots of a segment from an index on. */
  deleteFrom(segment: number, index: number): void {
    if (!this.#segments.has(segment)) return;
    for (let each = index; each < SEGMENT_SLOTS; each++) this.delete(segment * SEGMENT_SLOTS + each);
  }

  *list(): Generator<number> {
    for (const [segment, words] of this.#segments) {
      for (let index = 0; index < SEGMENT_SLOTS; index++) {
        if ((words[index >>> 5]! & (1 << (index & 31))) !== 0) yield segment * SEGMENT_SLOTS + index;
      }
    }
  }

  /** For each segment with slots, one past the highest. */
  segmentEnds(): Map<number, number> {
    const ends = new Map<number, number>();
    for (const [segment, words] of this.#segments) {
      const word = words.findLastIndex((bits) => bits !== 0);
      if (word < 0) continue;
      ends.set(segment, segment * SEGMENT_SLOTS + word * 32 + 32 - Math.clz32(words[word]!));
    }
    return ends;
  }
}
