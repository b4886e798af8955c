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

  /** Takes out the slot and all behind it in its segment. */
  deleteFrom(slot: number): void {
    const words = this.#segments.get(Math.floor(slot / SEGMENT_SLOTS));
    if (words === undefined) return;
    const end = slot - (slot % SEGMENT_SLOTS) + SEGMENT_SLOTS;
    for (let each = slot; each < end; each++) this.delete(each);
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
