/**
 * The file `map` of a disk's folder: blocks of whole 4 KiB units, never changed in place. A checkpoint writes new blocks
 * to units that the last one does not use, and when it is durable the units of the blocks it replaced are free.
 *
 * A crash leaves blocks that no checkpoint names: their units count as free at the next opening.
 */
import path from 'node:path';
import zlib from 'node:zlib';
import { assert } from '../lib/assert.ts';
import { CorruptionError, OperationalError } from '../lib/errors.ts';
import type { Files } from '../lib/files.ts';

export const MAP_NAME = 'map';
export const UNIT_BYTES = 4096;
/** Free units at the end that are worth giving back. */
const LEAST_CUT_UNITS = 256;

export interface BlockPlace {
  unit: number;
  unitCount: number;
}

export class MapFile {
  readonly #files: Files;
  readonly #name: string;
  readonly #fd: number;
  #isClosed = false;
  /** By unit: 1 is in use. Grows with the file. */
  #used = new Uint8Array(64);
  /** One past the highest unit in use, and no unit before `#firstFree` is free. */
  #end = 0;
  #firstFree = 0;

  private constructor(files: Files, name: string, fd: number) {
    this.#files = files;
    this.#name = name;
    this.#fd = fd;
  }

  static open(files: Files, folder: string, mode: 'read' | 'read-write'): MapFile {
    const name = path.join(folder, MAP_NAME);
    if (files.find(name) === undefined) throw new CorruptionError('the map', `${name} is missing`);
    return new MapFile(files, name, files.open(name, mode));
  }

  static create(files: Files, folder: string): MapFile {
    const name = path.join(folder, MAP_NAME);
    return new MapFile(files, name, files.open(name, 'create'));
  }

  /** Marks what a checkpoint uses. */
  take({ unit, unitCount }: BlockPlace): void {
    this.#mark(unit, unitCount);
  }

  allocate(unitCount: number): BlockPlace {
    while (this.#firstFree < this.#end && this.#used[this.#firstFree] === 1) this.#firstFree++;
    let unit = this.#firstFree;
    for (let length = 0, at = unit; length < unitCount; at++) {
      if (at < this.#used.length && this.#used[at] === 1) {
        unit = at + 1;
        length = 0;
      } else length++;
    }
    this.#mark(unit, unitCount);
    return { unit, unitCount };
  }

  free({ unit, unitCount }: BlockPlace): void {
    this.#used.fill(0, unit, unit + unitCount);
    this.#firstFree = Math.min(this.#firstFree, unit);
  }

  /** The bytes of a block; a CorruptionError when they are not what was written. */
  read({ unit, unitCount }: BlockPlace, crc: number, what: string): Buffer {
    this.#assertOpen();
    const bytes = Buffer.alloc(unitCount * UNIT_BYTES);
    const count = this.#files.read(this.#fd, bytes, 0, bytes.length, unit * UNIT_BYTES);
    if (count === bytes.length && zlib.crc32(bytes) === crc) return bytes;
    throw new CorruptionError(
      'the map',
      `${what} of ${this.#name} at byte ${unit * UNIT_BYTES} is not as it was written`,
    );
  }

  /** `bytes` are whole units. */
  write(unit: number, bytes: Buffer): void {
    assert(bytes.length % UNIT_BYTES === 0, 'a block of the map is whole units');
    this.#assertOpen();
    this.#files.write(this.#fd, bytes, 0, bytes.length, unit * UNIT_BYTES);
  }

  async sync(): Promise<void> {
    this.#assertOpen();
    await this.#files.syncData(this.#fd);
  }

  /** Gives free units at the end back, when they are many. */
  cut(): void {
    const end = this.#used.lastIndexOf(1) + 1;
    if (this.#end - end < LEAST_CUT_UNITS || this.#end < 2 * end) return;
    try {
      this.#files.truncate(this.#fd, end * UNIT_BYTES);
      this.#end = end;
    } catch {
      // The units are free all the same; a later checkpoint tries again.
    }
  }

  close(): void {
    if (!this.#isClosed) this.#files.close(this.#fd);
    this.#isClosed = true;
  }

  /** Its number may be another file's by now. */
  #assertOpen(): void {
    if (this.#isClosed) throw new OperationalError(`${this.#name} is closed`, { retryable: true });
  }

  #mark(unit: number, unitCount: number): void {
    if (unit + unitCount > this.#used.length) {
      const larger = new Uint8Array(Math.max(unit + unitCount, this.#used.length * 2));
      larger.set(this.#used);
      this.#used = larger;
    }
    this.#used.fill(1, unit, unit + unitCount);
    this.#end = Math.max(this.#end, unit + unitCount);
  }
}

/** The bytes filled up to whole units, as they are written and as their CRC is taken. */
export function wholeUnits(bytes: Buffer): Buffer {
  const rest = bytes.length % UNIT_BYTES;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(UNIT_BYTES - rest)]);
}
