/**
 * A disk's slots in their segment files: allocation, reading, writing, syncing, and giving space back. It never reuses
 * a slot on its own: `free` is called once the record that freed it is durable, and reads that began before are awaited (D6).
 *
 * A crash leaves bytes in slots that no map refers to, or a segment file without slots; both count as free at the next
 * opening, which knows of them that they may hold anything.
 */
import path from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { CorruptionError, OperationalError } from '../lib/errors.ts';
import type { Files } from '../lib/files.ts';
import { allDone } from './all-done.ts';
import type { ByteRange } from '../lib/fallocate.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { ReadPace } from './read-pace.ts';
import { SlotSet } from './slot-set.ts';
import { SEGMENT_BYTES, SEGMENT_SLOTS, parseSegmentName, segmentFile, slotOffset } from './slot-address.ts';
import type { SlotAllocator } from './slot-allocator.ts';

/** A tail of free slots shorter than this is not worth cutting. */
const LEAST_CUT_SLOTS = 64;
/** Free slots that still take space on the device may be so many, or this share of the used ones. */
const SLACK_SLOTS = 1024;
const SLACK_SHARE = 1 / 8;
/** Free slots get their room on the device together with the one that is taken: this share of the used, within limits. */
const AHEAD_SHARE = 1 / 8;
const LEAST_AHEAD_SLOTS = 16;
const MOST_AHEAD_SLOTS = 256;
/** Slots that are taken without it after it was refused. */
const UNLAID_SLOTS = 1024;
/** A segment file on its way out. */
const GOING = /\.seg\.going-\d+$/;

interface SegmentFile {
  number: number;
  fd: number;
  dirty: boolean;
}

export interface SlotStoreOptions {
  files: Files;
  /** The data folder. */
  folder: string;
  clock: Clock;
  /** Throws ENOSPC when the space that is kept for journals and the catalog would go (D12). */
  takeSpace?: (bytes: number) => void;
  /** Other than SLACK_SLOTS. */
  slackSlots?: number;
}

export class SlotStore {
  /** Whether the slot that `allocate` gave last reads as zeros. */
  allocatedIsVirgin = false;
  /** Bytes written since the last sync began. */
  dirtyBytes = 0;
  readonly allocator: SlotAllocator;
  readonly #options: SlotStoreOptions;
  readonly #pace: ReadPace;
  readonly #segments: (SegmentFile | undefined)[] = [];
  /** Segments whose file was there at opening and has not been cut since. */
  readonly #uncut = new Set<number>();
  /** Segments that an earlier process of this boot may have written and not synced. */
  readonly #unsynced = new Set<number>();
  readonly #reads = new Set<Promise<void>>();
  /** Slots given out since the last flush began; those of before, while that has not ended; whether none has. */
  #young = new Set<number>();
  #aging = new Set<number>();
  #isFirstFlush = true;
  #namesAreSynced = false;
  #isClosed = false;
  /** Syncs under way, and files to be closed after them. */
  #syncCount = 0;
  readonly #goingFds: number[] = [];
  #goingCount = 0;
  /** So many slots are taken before room is laid out again: the file system would not. */
  #unlaidCount = 0;
  /** Free slots that have their room on the device, as far as is known. */
  readonly #roomy = new SlotSet();
  /** Of each segment, where the last piece of holes ended; whether it was the last; whether slots were freed meanwhile. */
  readonly #punched = new Map<number, { end: number; isDone: boolean; isStale: boolean }>();
  #mayHaveSlack = true;

  /** `allocator` knows of every slot in use, those included that were freed by records that are not durable yet. */
  constructor(options: SlotStoreOptions, allocator: SlotAllocator) {
    this.#options = options;
    this.#pace = new ReadPace(options.clock);
    this.allocator = allocator;
    const { files, folder } = options;
    for (const name of files.list(folder)) {
      const number = parseSegmentName(name);
      if (number === undefined) {
        if (GOING.test(name)) files.unlink(path.join(folder, name));
        continue;
      }
      this.#uncut.add(number);
      this.#unsynced.add(number);
      if (allocator.takenIn(number) === 0) files.unlink(this.#forget(number));
    }
  }

  /** Takes the lowest free slot. Throws (ENOSPC, EIO, closed) without taking any. */
  allocate(): number {
    this.#assertOpen();
    const { allocator } = this;
    let slot = allocator.lowestFree();
    for (;;) {
      const number = Math.floor(slot / SEGMENT_SLOTS);
      if (this.#isReady(number)) break;
      allocator.avoid(number);
      slot = allocator.lowestFree();
    }
    if (!this.#roomy.delete(slot)) this.#takeRoom(slot);
    this.allocatedIsVirgin = allocator.isVirgin(slot);
    allocator.take(slot);
    this.#young.add(slot);
    return slot;
  }

  /** Frees a slot that no record ever named. */
  giveBack(slot: number): void {
    this.allocator.free(slot);
  }

  /** Whether the device may know nothing yet of what the slot was given out for. */
  isYoung(slot: number): boolean {
    return this.#isFirstFlush || this.#young.has(slot) || this.#aging.has(slot);
  }

  /** Frees slots once the reads that are under way have ended; empty segments go, long free tails are cut. */
  free(slots: readonly number[]): void {
    if (this.#reads.size === 0 || slots.length === 0) return this.#freeNow(slots);
    void Promise.allSettled([...this.#reads]).then(() => this.#freeNow(slots));
    return undefined;
  }

  /** Fills the target at once if the page cache is likely to have it, else on the thread pool: then a promise. */
  read(slot: number, inSlot: number, target: Buffer): Promise<void> | undefined {
    if (this.#pace.isPooled()) return this.#readLater(slot, inSlot, target);
    this.#pace.begin();
    this.readNow(slot, inSlot, target, 0, target.length);
    this.#pace.end();
    return undefined;
  }

  readNow(slot: number, inSlot: number, target: Buffer, at: number, length: number): void {
    const segment = this.#segment((slot / SEGMENT_SLOTS) | 0);
    const count = this.#options.files.read(segment.fd, target, at, length, slotOffset(slot) + inSlot);
    if (count !== length) throw this.#tooShort(segment.number);
  }

  write(slot: number, inSlot: number, data: Buffer, from: number, length: number): void {
    const segment = this.#segment((slot / SEGMENT_SLOTS) | 0);
    segment.dirty = true;
    this.dirtyBytes += length;
    this.#options.files.write(segment.fd, data, from, length, slotOffset(slot) + inSlot);
  }

  /** To be called before `sync`: opens what an earlier process of this boot may have left unsynced. */
  openUnsynced(): void {
    for (const number of this.#unsynced) this.#segment(number);
    this.#unsynced.clear();
  }

  /** Everything written before the call is on the device when it resolves, with its files' names. */
  async sync(): Promise<void> {
    const { files, folder } = this.#options;
    const waits: Promise<void>[] = [];
    for (const slot of this.#young) this.#aging.add(slot);
    this.#young.clear();
    for (const segment of this.#segments) {
      if (segment?.dirty) {
        segment.dirty = false;
        waits.push(files.syncData(segment.fd));
      }
    }
    this.dirtyBytes = 0;
    if (!this.#namesAreSynced) waits.push(files.syncFolder(folder));
    this.#namesAreSynced = true;
    this.#syncCount++;
    try {
      await allDone(waits);
    } finally {
      this.#syncCount--;
      if (this.#syncCount === 0) for (const fd of this.#goingFds.splice(0)) files.close(fd);
    }
  }

  /** What was recorded when the last sync began is on the device, too. */
  noteFlushed(): void {
    this.#aging.clear();
    this.#isFirstFlush = false;
  }

  /** Bytes that the segment files take on the device. */
  allocatedBytes(): number {
    const { files, folder } = this.#options;
    const sizes = files.list(folder).map((name) => files.find(`${folder}/${name}`));
    return sizes.reduce((sum, info) => sum + (info?.allocatedBytes ?? 0), 0);
  }

  /**
   * Gives the space of free slots between used ones back to the file system where that is more than the slack (D4), a
   * piece of at most `runs` runs of them at a call. Resolves to whether there may be more to do.
   */
  async giveSlackBack(runs = Infinity): Promise<boolean> {
    const { files, folder, slackSlots = SLACK_SLOTS } = this.#options;
    if (!this.#mayHaveSlack || files.punch === undefined) return false;
    const bound = Math.max(slackSlots, this.allocator.takenCount * SLACK_SHARE) * CHUNK_BYTES;
    let worst = { number: -1, bytes: 0 };
    let slackBytes = 0;
    for (const name of files.list(folder)) {
      const number = parseSegmentName(name);
      if (number === undefined || this.#punched.get(number)?.isDone) continue;
      const allocated = files.find(segmentFile(folder, number))?.allocatedBytes ?? 0;
      const bytes = allocated - this.allocator.takenIn(number) * CHUNK_BYTES;
      slackBytes += Math.max(0, bytes);
      if (bytes > worst.bytes) worst = { number, bytes };
    }
    this.#mayHaveSlack = slackBytes > bound;
    if (this.#mayHaveSlack) await this.#punchHoles(worst.number, runs);
    return this.#mayHaveSlack;
  }

  /** Closes the files when nobody reads them any more. */
  close(): void {
    this.#isClosed = true;
    const open = this.#segments.filter((segment) => segment !== undefined);
    this.#segments.length = 0;
    const closeAll = (): void => open.forEach((segment) => this.#options.files.close(segment.fd));
    if (this.#reads.size === 0) closeAll();
    else void Promise.allSettled([...this.#reads]).then(closeAll);
  }

  /** Of a slot that is about to be taken, and of free ones behind it: ext4 is faster on ranges laid out whole than on scattered blocks. */
  #takeRoom(slot: number): void {
    const { files, takeSpace = () => {} } = this.#options;
    const end = this.#aheadEnd(slot);
    try {
      takeSpace((end - slot) * CHUNK_BYTES);
    } catch (error) {
      if (end === slot + 1) throw error;
      return takeSpace(CHUNK_BYTES);
    }
    if (this.#unlaidCount > 0) this.#unlaidCount--;
    else this.#layOut(files, slot, end);
    return undefined;
  }

  /** One past the slots that get their room together. */
  #aheadEnd(slot: number): number {
    if (this.#unlaidCount > 0 || this.#options.files.layOut === undefined) return slot + 1;
    const wanted = Math.min(MOST_AHEAD_SLOTS, Math.max(LEAST_AHEAD_SLOTS, this.allocator.takenCount * AHEAD_SHARE));
    const freeEnd = this.allocator.freeRunEnd(slot, Math.ceil(wanted));
    let end = slot + 1;
    while (end < freeEnd && !this.#roomy.has(end)) end++;
    return end;
  }

  #layOut(files: Files, slot: number, end: number): void {
    const { fd } = this.#segment(Math.floor(slot / SEGMENT_SLOTS));
    const isDone = files.layOut?.(fd, [slotOffset(slot), (end - slot) * CHUNK_BYTES]) ?? true;
    if (isDone) for (let free = slot + 1; free < end; free++) this.#roomy.add(free);
    else this.#unlaidCount = UNLAID_SLOTS;
  }

  #readLater(slot: number, inSlot: number, target: Buffer): Promise<void> {
    const segment = this.#segment((slot / SEGMENT_SLOTS) | 0);
    const reading = this.#options.files
      .readLater(segment.fd, target, 0, target.length, slotOffset(slot) + inSlot)
      .then((count) => {
        if (count !== target.length) throw this.#tooShort(segment.number);
      })
      .finally(() => this.#reads.delete(reading));
    this.#reads.add(reading);
    return reading;
  }

  #tooShort(number: number): CorruptionError {
    return new CorruptionError('a data file', `${segmentFile(this.#options.folder, number)} is shorter than its slots`);
  }

  #freeNow(slots: readonly number[]): void {
    if (this.#isClosed) return;
    const touched = new Set<number>();
    for (const slot of slots) {
      this.allocator.free(slot);
      this.#roomy.add(slot);
      touched.add(Math.floor(slot / SEGMENT_SLOTS));
    }
    if (slots.length > 0) this.#mayHaveSlack = true;
    for (const number of touched) {
      this.#punchAgain(number);
      this.#giveSpaceBack(number);
    }
  }

  #punchAgain(number: number): void {
    const punched = this.#punched.get(number);
    if (punched?.isDone) this.#punched.delete(number);
    else if (punched !== undefined) punched.isStale = true;
  }

  #giveSpaceBack(number: number): void {
    const { allocator } = this;
    try {
      if (allocator.takenIn(number) === 0) this.#remove(number);
      else if (allocator.virginFrom(number) - allocator.endOf(number) >= LEAST_CUT_SLOTS) this.#cut(number);
    } catch {
      // The slots are free all the same; the bytes go when more of the segment is freed, or it is written again.
    }
  }

  /** The name is free at once, for a next segment of the number; the bytes go off this thread. */
  #remove(number: number): void {
    const { files } = this.#options;
    const name = this.#forget(number);
    const going = `${name}.going-${this.#goingCount++}`;
    files.rename(name, going);
    files.unlinkLarge(going).catch(() => {}); // the next opening removes it
  }

  /** A piece of a segment's free slots become holes; nobody gets one meanwhile. */
  async #punchHoles(number: number, most: number): Promise<void> {
    const { allocator } = this;
    const { end, isStale } = this.#punched.get(number) ?? { end: 0, isStale: false };
    const runs = allocator.freeRuns(number).filter(([first]) => first >= end);
    const piece = runs.slice(0, most);
    const isLast = runs.length <= most;
    const [lastFirst, lastCount] = piece.at(-1) ?? [0, 0];
    if (isLast && isStale) this.#punched.delete(number);
    else this.#punched.set(number, { end: lastFirst + lastCount, isDone: isLast, isStale });
    if (piece.length === 0) return;
    const slots = piece.flatMap(([first, count]) =>
      Array.from({ length: count }, (_, i) => number * SEGMENT_SLOTS + first + i),
    );
    for (const slot of slots) {
      allocator.take(slot);
      this.#roomy.delete(slot);
    }
    allocator.startFreeing(slots);
    const segment = this.#segment(number);
    const ranges = piece.map(([first, count]): ByteRange => [first * CHUNK_BYTES, count * CHUNK_BYTES]);
    const punching = this.#options.files.punch?.(segment.fd, ranges) ?? Promise.resolve();
    const done = punching.finally(() => {
      segment.dirty = true;
      this.#reads.delete(done);
      for (const slot of slots) allocator.free(slot);
    });
    this.#reads.add(done);
    await done;
  }

  #segment(number: number): SegmentFile {
    return this.#segments[number] ?? this.#open(number);
  }

  #open(number: number): SegmentFile {
    this.#assertOpen();
    const fd = this.#options.files.open(segmentFile(this.#options.folder, number), 'read-write');
    const segment = { number, fd, dirty: true };
    this.#segments[number] = segment;
    return segment;
  }

  /** The files may be another opening's by now: a late fetch must not touch them. */
  #assertOpen(): void {
    if (this.#isClosed) throw new OperationalError('the disk is closed', { retryable: true });
  }

  /** Sees to it that the segment's free slots can be written. False for one whose file is missing or cut short. */
  #isReady(number: number): boolean {
    const isUncut = this.#uncut.has(number);
    if (!isUncut && this.#segments[number] !== undefined) return true;
    if (!this.#holdsItsSlots(number)) return false;
    if (isUncut) this.#cut(number);
    else this.#makeFile(number);
    return true;
  }

  /** A file that is too short must stay so: made longer, it would read as zeros where slots were lost. */
  #holdsItsSlots(number: number): boolean {
    const { files, folder } = this.#options;
    const endBytes = this.allocator.endOf(number) * CHUNK_BYTES;
    return endBytes === 0 || (files.find(segmentFile(folder, number))?.sizeBytes ?? 0) >= endBytes;
  }

  #makeFile(number: number): void {
    const { files, folder } = this.#options;
    const name = segmentFile(folder, number);
    const fd = files.open(name, 'create');
    try {
      files.truncate(fd, 0);
      files.truncate(fd, SEGMENT_BYTES);
    } catch (error) {
      files.close(fd);
      files.unlink(name);
      throw error;
    }
    this.#segments[number] = { number, fd, dirty: true };
    this.#namesAreSynced = false;
    this.allocator.noteCut(number);
  }

  /** Gives back what lies behind the last taken slot. */
  #cut(number: number): void {
    if (this.#uncut.has(number) && !this.#holdsItsSlots(number)) throw this.#tooShort(number);
    const segment = this.#segment(number);
    segment.dirty = true;
    this.#options.files.truncate(segment.fd, this.allocator.endOf(number) * CHUNK_BYTES);
    this.#options.files.truncate(segment.fd, SEGMENT_BYTES);
    this.allocator.noteCut(number);
    this.#roomy.deleteFrom(number, this.allocator.endOf(number));
    this.#uncut.delete(number);
  }

  /** Lets go of a segment without slots; returns the name of its file, to be removed. */
  #forget(number: number): string {
    const segment = this.#segments[number];
    if (segment !== undefined && this.#syncCount > 0) this.#goingFds.push(segment.fd);
    else if (segment !== undefined) this.#options.files.close(segment.fd);
    this.#segments[number] = undefined;
    this.#uncut.delete(number);
    this.#unsynced.delete(number);
    this.allocator.forget(number);
    this.#roomy.deleteFrom(number, 0);
    this.#namesAreSynced = false;
    return segmentFile(this.#options.folder, number);
  }
}
