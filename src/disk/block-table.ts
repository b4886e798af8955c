/**
 * Where the blocks of a map file lie: 256 entries to a group, and only the groups that have any. Two such tables find a
 * disk's map pages and the bitmaps of its segments. Groups are blocks of the map file themselves; the checkpoint names
 * them (`docs/format.md`).
 */
import { assert } from '../lib/assert.ts';
import { CorruptionError } from '../lib/errors.ts';

export const GROUP_ENTRIES = 256;
const ENTRY_WORDS = 4;
export const GROUP_BYTES = GROUP_ENTRIES * ENTRY_WORDS * 4;

/** An entry: the block's first unit and how many it has, its CRC-32, and two numbers that its owner wants at hand. */
export interface BlockEntry {
  unit: number;
  unitCount: number;
  crc: number;
  /** Of a page: how many older layers it has. Of a bitmap: how many slots are taken. Below 2^24. */
  count: number;
  /** Of a page: no layer's generation is later. */
  maxGeneration: number;
}

/** Where a group itself lies. */
export interface GroupPlace {
  index: number;
  unit: number;
  crc: number;
}

interface Group {
  words: Uint32Array;
  /** Null for one that no checkpoint has written. */
  place: GroupPlace | null;
  /** Why nothing is known of its entries; then they stay as they are. */
  damage: CorruptionError | null;
}

export class BlockTable {
  readonly #groups: (Group | undefined)[] = [];

  /** Undefined for a block that no checkpoint holds. Throws what the group's damage is. */
  find(index: number): BlockEntry | undefined {
    const group = this.#groups[Math.floor(index / GROUP_ENTRIES)];
    if (group === undefined) return undefined;
    if (group.damage !== null) throw group.damage;
    return decodeEntry(group.words, index % GROUP_ENTRIES);
  }

  /** Whether `find` throws. */
  isDamaged(index: number): boolean {
    return this.#groups[Math.floor(index / GROUP_ENTRIES)]?.damage != null;
  }

  /** Every entry that is known, by rising index. */
  *list(): Generator<[number, BlockEntry]> {
    for (const [number, group] of this.#groups.entries()) {
      if (group === undefined || group.damage !== null) continue;
      for (let i = 0; i < GROUP_ENTRIES; i++) {
        const entry = decodeEntry(group.words, i);
        if (entry !== undefined) yield [number * GROUP_ENTRIES + i, entry];
      }
    }
  }

  /** One past the last group that is there. */
  get groupCount(): number {
    return this.#groups.length;
  }

  hasGroup(number: number): boolean {
    return this.#groups[number] !== undefined;
  }

  listGroups(): GroupPlace[] {
    return this.#groups.flatMap((group) => group?.place ?? []);
  }

  /** Takes in a group that was read from the map file. */
  adopt(place: GroupPlace, bytes: Buffer): void {
    if (bytes.length < GROUP_BYTES) throw new CorruptionError('the map', `group ${place.index} is cut short`);
    const words = new Uint32Array(GROUP_ENTRIES * ENTRY_WORDS);
    new Uint8Array(words.buffer).set(bytes.subarray(0, GROUP_BYTES));
    this.#groups[place.index] = { words, place, damage: null };
  }

  /** A group that cannot be read: none of its entries is known, and none may change. */
  adoptDamaged(place: GroupPlace, damage: CorruptionError): void {
    this.#groups[place.index] = { words: new Uint32Array(0), place, damage };
  }

  /** What the groups of the changed entries (null: no more) will be; `install` makes it so. */
  plan(changes: ReadonlyMap<number, BlockEntry | null>): { index: number; words: Uint32Array }[] {
    const planned = new Map<number, Uint32Array>();
    for (const [index, entry] of changes) {
      const number = Math.floor(index / GROUP_ENTRIES);
      let words = planned.get(number);
      if (words === undefined) {
        assert(!this.isDamaged(index), `block ${index} is in a damaged group`);
        words = this.#groups[number]?.words.slice() ?? new Uint32Array(GROUP_ENTRIES * ENTRY_WORDS);
        planned.set(number, words);
      }
      encodeEntry(words, index % GROUP_ENTRIES, entry);
    }
    return [...planned].map(([index, words]) => ({ index, words })).sort((a, b) => a.index - b.index);
  }

  /** `place` is null for a group whose entries are all gone. */
  install(index: number, words: Uint32Array, place: GroupPlace | null): void {
    this.#groups[index] = place === null ? undefined : { words, place, damage: null };
  }
}

export function groupBytes(words: Uint32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength);
}

export function isEmptyGroup(words: Uint32Array): boolean {
  return words.every((word) => word === 0);
}

function decodeEntry(words: Uint32Array, i: number): BlockEntry | undefined {
  const at = i * ENTRY_WORDS;
  const unitAfter = words[at]!;
  if (unitAfter === 0) return undefined;
  const sizes = words[at + 1]!;
  return {
    unit: unitAfter - 1,
    unitCount: sizes & 0xff,
    count: sizes >>> 8,
    maxGeneration: words[at + 2]!,
    crc: words[at + 3]!,
  };
}

function encodeEntry(words: Uint32Array, i: number, entry: BlockEntry | null): void {
  const at = i * ENTRY_WORDS;
  words[at] = entry === null ? 0 : entry.unit + 1;
  words[at + 1] = entry === null ? 0 : entry.unitCount + entry.count * 256;
  words[at + 2] = entry?.maxGeneration ?? 0;
  words[at + 3] = entry?.crc ?? 0;
}
