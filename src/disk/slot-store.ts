/**
 * A disk's slots in their segment files: allocation, reading, writing, syncing, and giving space back. It never reuses
 * a slot on its own: `free` is called once the record that freed it is durable (D6).
 *
 * A crash leaves bytes in slots that no map refers to, or a segment file without slots; both count as free at the next
 * opening, which knows of them that they may hold anything.
 */
import type { Files } from '../lib/files.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { CorruptionError } from '../lib/errors.ts';
import { SlotAllocator } from './slot-allocator.ts';
import { SEGMENT_BYTES, SEGMENT_SLOTS, parseSegmentName, segmentFile, slotOffset } from './slot-address.ts';

/** A tail of free slots shorter than this is not worth cutting. */
const LEAST_CUT_SLOTS = 64;

interface SegmentFile {
  number: number;
  fd: number;
  dirty: boolean;
}

export class SlotStore {
  /** Whether the slot that `allocate` gave last reads as zeros. */
  allocatedIsVirgin = false;
  /** Bytes written since the last sync began. */
  dirtyBytes = 0;
  readonly #files: Files;
  readonly #folder: string;
  readonly #allocator = new SlotAllocator();
  readonly #segments: (SegmentFile | undefined)[] = [];
  /** Segments whose file was there at opening and has not been cut since. */
  readonly #uncut = new Set<number>();
  /** Segments that an earlier process of this boot may have written and not synced. */
  readonly #unsynced = new Set<number>();
  #namesAreSynced = false;

  /**
   * `taken`: the slots in use, and those freed by records that are not durable yet; each once, else a CorruptionError.
   */
  constructor(files: Files, folder: string, taken: Iterable<number>) {
    this.#files = files;
    this.#folder = folder;
    for (const slot of taken) {
      if (!this.#allocator.take(slot)) throw new CorruptionError('the map', `slot ${slot} of ${folder} is used twice`);
    }
    for (const name of files.list(folder)) {
      const number = parseSegmentName(name);
      if (number === undefined) continue;
      this.#uncut.add(number);
      this.#unsynced.add(number);
      if (this.#allocator.endOf(number) === 0) this.#remove(number);
    }
  }

  /** Takes the lowest free slot. Throws (ENOSPC, EIO) without taking any. */
  allocate(): number {
    const slot = this.#allocator.lowestFree();
    const number = Math.floor(slot / SEGMENT_SLOTS);
    if (this.#uncut.has(number)) this.#cut(number);
    else if (this.#segments[number] === undefined) this.#create(number);
    this.allocatedIsVirgin = this.#allocator.isVirgin(slot);
    this.#allocator.take(slot);
    return slot;
  }

  /** Frees a slot that no record ever named. */
  giveBack(slot: number): void {
    this.#allocator.free(slot);
  }

  /** Frees slots; empty segments are unlinked, long free tails cut. */
  free(slots: readonly number[]): void {
    const touched = new Set<number>();
    for (const slot of slots) {
      this.#allocator.free(slot);
      touched.add(Math.floor(slot / SEGMENT_SLOTS));
    }
    for (const number of touched) this.#giveSpaceBack(number);
  }

  #giveSpaceBack(number: number): void {
    const end = this.#allocator.endOf(number);
    try {
      if (end === 0) this.#remove(number);
      else if (this.#allocator.virginFrom(number) - end >= LEAST_CUT_SLOTS) this.#cut(number);
    } catch {
      // The slots are free all the same; the bytes go when more of the segment is freed, or it is written again.
    }
  }

  read(slot: number, inSlot: number, target: Buffer, at: number, length: number): void {
    const segment = this.#segment((slot / SEGMENT_SLOTS) | 0);
    const count = this.#files.read(segment.fd, target, at, length, slotOffset(slot) + inSlot);
    if (count !== length) {
      throw new CorruptionError(
        'a data file',
        `${segmentFile(this.#folder, segment.number)} is shorter than its slots`,
      );
    }
  }

  write(slot: number, inSlot: number, data: Buffer, from: number, length: number): void {
    const segment = this.#segment((slot / SEGMENT_SLOTS) | 0);
    segment.dirty = true;
    this.dirtyBytes += length;
    this.#files.write(segment.fd, data, from, length, slotOffset(slot) + inSlot);
  }

  /** Everything written before the call is on the device when it resolves, with its files' names. */
  async sync(): Promise<void> {
    const waits: Promise<void>[] = [];
    for (const number of this.#unsynced) this.#segment(number);
    this.#unsynced.clear();
    for (const segment of this.#segments) {
      if (segment?.dirty) {
        segment.dirty = false;
        waits.push(this.#files.syncData(segment.fd));
      }
    }
    this.dirtyBytes = 0;
    if (!this.#namesAreSynced) waits.push(this.#files.syncFolder(this.#folder));
    this.#namesAreSynced = true;
    await Promise.all(waits);
  }

  /** Bytes that the segment files take on the device. */
  allocatedBytes(): number {
    const sizes = this.#files.list(this.#folder).map((name) => this.#files.find(`${this.#folder}/${name}`));
    return sizes.reduce((sum, info) => sum + (info?.allocatedBytes ?? 0), 0);
  }

  close(): void {
    this.#segments.forEach((segment) => segment && this.#files.close(segment.fd));
    this.#segments.length = 0;
  }

  #segment(number: number): SegmentFile {
    return this.#segments[number] ?? this.#open(number);
  }

  #open(number: number): SegmentFile {
    const fd = this.#files.open(segmentFile(this.#folder, number), 'read-write');
    const segment = { number, fd, dirty: true };
    this.#segments[number] = segment;
    return segment;
  }

  #create(number: number): void {
    const name = segmentFile(this.#folder, number);
    if (this.#allocator.endOf(number) > 0) throw new CorruptionError('a data file', `${name} is missing`);
    const fd = this.#files.open(name, 'create-new');
    try {
      this.#files.truncate(fd, SEGMENT_BYTES);
    } catch (error) {
      this.#files.close(fd);
      this.#files.unlink(name);
      throw error;
    }
    this.#segments[number] = { number, fd, dirty: true };
    this.#namesAreSynced = false;
    this.#allocator.noteCut(number);
  }

  /** Gives back what lies behind the last taken slot. */
  #cut(number: number): void {
    const segment = this.#segment(number);
    segment.dirty = true;
    this.#files.truncate(segment.fd, this.#allocator.endOf(number) * CHUNK_BYTES);
    this.#files.truncate(segment.fd, SEGMENT_BYTES);
    this.#allocator.noteCut(number);
    this.#uncut.delete(number);
  }

  #remove(number: number): void {
    this.#files.unlink(segmentFile(this.#folder, number));
    const segment = this.#segments[number];
    if (segment !== undefined) this.#files.close(segment.fd);
    this.#segments[number] = undefined;
    this.#uncut.delete(number);
    this.#unsynced.delete(number);
    this.#allocator.forget(number);
    this.#namesAreSynced = false;
  }
}
