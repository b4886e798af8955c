/**
 * The journal being written: records are gathered by `append`, written together by `commit` before anything they speak
 * of is answered, and made durable by `sync`. A chain of files: `begin` starts the next one for a checkpoint, and
 * `dropOlder` removes those that a durable checkpoint made needless.
 *
 * A crash leaves whole records, perhaps followed by a torn one that the next opening overwrites (`docs/format.md`).
 */
import path from 'node:path';
import type { Files } from '../lib/files.ts';
import type { JournalRecord } from './journal-record.ts';
import {
  AFTER_CHECKPOINT,
  JOURNAL_HEADER_BYTES,
  RECORD_BYTES,
  encodeJournalHeader,
  encodeRecord,
  journalSeed,
} from './journal-record.ts';
import { allDone } from './all-done.ts';

/** Zeros are laid out ahead in steps of this, so that most syncs need not change the file's length. */
const LAY_OUT_BYTES = 64 * 1024;
const SPARE_BYTES = 4 * LAY_OUT_BYTES;
const zeros = Buffer.alloc(LAY_OUT_BYTES);

export interface JournalPlace {
  files: Files;
  /** The disk's folder. */
  folder: string;
  diskId: string;
  bootId: string;
}

interface JournalFile {
  number: number;
  fd: number;
  /** Written since its last sync began. */
  dirty: boolean;
}

export function journalName(number: number): string {
  return `journal-${number}`;
}

export class Journal {
  readonly #place: JournalPlace;
  /** Oldest first; the last is the one that is written. */
  #chain: JournalFile[] = [];
  #seed = 0;
  /** Records appended to the current file, and how many of them are written. */
  #count = 0;
  #writtenCount = 0;
  #laidOutBytes = 0;
  #nameIsSynced = true;
  #batch = Buffer.alloc(64 * RECORD_BYTES);
  /** The last record, if it is not written yet and a next one may be joined with it. */
  #joinable: (JournalRecord & { type: 'data' }) | null = null;

  private constructor(place: JournalPlace) {
    this.#place = place;
  }

  /** Begins a journal whose predecessor is a checkpoint that will name it. */
  static create(place: JournalPlace, number: number): Journal {
    const journal = new Journal(place);
    journal.#beginFile(number, AFTER_CHECKPOINT);
    return journal;
  }

  /** Goes on after record `count` of the last file of a chain that the same boot wrote. */
  static resume(place: JournalPlace, numbers: readonly number[], count: number): Journal {
    const journal = new Journal(place);
    for (const number of numbers) {
      const fd = place.files.open(path.join(place.folder, journalName(number)), 'read-write');
      journal.#chain.push({ number, fd, dirty: true });
    }
    journal.#seed = journalSeed(place.diskId, journal.number);
    journal.#count = count;
    journal.#writtenCount = count;
    journal.#laidOutBytes = positionOf(count);
    journal.#nameIsSynced = false;
    return journal;
  }

  get number(): number {
    return this.#chain.at(-1)!.number;
  }

  /** Records in the current file, appended ones that are not written yet included. */
  get count(): number {
    return this.#count;
  }

  /** Older files that wait for a checkpoint. */
  get olderCount(): number {
    return this.#chain.length - 1;
  }

  append(record: JournalRecord): void {
    if (this.#joins(record)) return;
    const at = (this.#count - this.#writtenCount) * RECORD_BYTES;
    if (at === this.#batch.length) this.#batch = Buffer.concat([this.#batch, Buffer.alloc(at)]);
    this.#count++;
    encodeRecord(record, this.#count, this.#seed, this.#batch, at);
    this.#joinable = record.type === 'data' ? { ...record } : null;
  }

  /** More blocks of the same slot, as a client that writes on in small pieces makes them: one record says it. */
  #joins(record: JournalRecord): boolean {
    const last = this.#joinable;
    if (last === null || record.type !== 'data' || record.slot !== last.slot || record.chunk !== last.chunk)
      return false;
    last.mask |= record.mask;
    const at = (this.#count - this.#writtenCount - 1) * RECORD_BYTES;
    encodeRecord(last, this.#count, this.#seed, this.#batch, at);
    return true;
  }

  /** Writes what was appended. When it throws, the records stay and the next commit writes them. */
  commit(): void {
    if (this.#count === this.#writtenCount) return;
    const file = this.#chain.at(-1)!;
    const position = positionOf(this.#writtenCount);
    const lengthBytes = positionOf(this.#count) - position;
    this.#layOut(file.fd, position + lengthBytes);
    file.dirty = true;
    this.#place.files.write(file.fd, this.#batch, 0, lengthBytes, position);
    this.#writtenCount = this.#count;
    this.#joinable = null;
  }

  /** Makes every written record of the whole chain durable, and the names of its files. */
  async sync(): Promise<void> {
    const { files, folder } = this.#place;
    const waits: Promise<void>[] = [];
    for (const file of this.#chain) {
      if (file.dirty) waits.push(files.syncData(file.fd));
      file.dirty = false;
    }
    if (!this.#nameIsSynced) waits.push(files.syncFolder(folder));
    this.#nameIsSynced = true;
    await allDone(waits);
  }

  /** Writes what was appended and goes on in a next file. When it throws, all is as before. */
  begin(): void {
    this.commit();
    const seed = this.#seed;
    try {
      this.#beginFile(this.number + 1, this.#count);
    } catch (error) {
      this.#seed = seed;
      throw error;
    }
  }

  /** Removes the files before journal `number`: a durable checkpoint names it. */
  dropOlder(number: number): void {
    const { files, folder } = this.#place;
    const dropped = this.#chain.filter((file) => file.number < number);
    this.#chain = this.#chain.filter((file) => file.number >= number);
    for (const file of dropped) {
      files.close(file.fd);
      try {
        files.unlink(path.join(folder, journalName(file.number)));
      } catch {
        // Nothing reads it any more; the next opening removes it.
      }
    }
  }

  close(): void {
    for (const file of this.#chain) this.#place.files.close(file.fd);
    this.#chain = [];
  }

  #beginFile(number: number, previousCount: number): void {
    const { files, folder, bootId, diskId } = this.#place;
    const name = path.join(folder, journalName(number));
    const fd = files.open(name, 'create');
    try {
      files.truncate(fd, 0);
      files.write(fd, zeros, 0, LAY_OUT_BYTES, 0);
      const header = encodeJournalHeader({ number, previousCount, bootId, diskId });
      files.write(fd, header, 0, header.length, 0);
    } catch (error) {
      this.#removeBegun(name, fd);
      throw error;
    }
    this.#chain.push({ number, fd, dirty: true });
    this.#seed = journalSeed(diskId, number);
    this.#count = 0;
    this.#writtenCount = 0;
    this.#joinable = null;
    this.#laidOutBytes = LAY_OUT_BYTES;
    this.#nameIsSynced = false;
  }

  /** A header that stayed would say that the journal before it had ended. */
  #removeBegun(name: string, fd: number): void {
    const { files } = this.#place;
    for (const remove of [() => files.truncate(fd, 0), () => files.unlink(name)]) {
      try {
        remove();
      } catch {
        // One of the two is enough.
      }
    }
    files.close(fd);
  }

  /** Keeps some space spare, so that what gives room back (TRIM, a released view) is written down on a full device, too. */
  #layOut(fd: number, neededBytes: number): void {
    while (this.#laidOutBytes < neededBytes + SPARE_BYTES) {
      try {
        this.#place.files.write(fd, zeros, 0, LAY_OUT_BYTES, this.#laidOutBytes);
      } catch (error) {
        if (this.#laidOutBytes >= neededBytes) return;
        throw error;
      }
      this.#laidOutBytes += LAY_OUT_BYTES;
    }
  }
}

/** The byte after record `count`. */
export function positionOf(count: number): number {
  return JOURNAL_HEADER_BYTES + count * RECORD_BYTES;
}
