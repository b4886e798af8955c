/**
 * `DIR/reserve`: room that is kept from everybody, other programs too, so that on a file system that is full to the last byte
 * the catalog can still be written: else nothing could be deleted, and no server could start. When the file system is full the
 * file is emptied, and the catalog, journals and indexes have its bytes; when there is room again it is filled again.
 *
 * It is written, not sparse, and of bytes that do not compress: what the file system leaves out is no room.
 *
 * | a crash …              | leaves                      | then                                                      |
 * | ---------------------- | --------------------------- | --------------------------------------------------------- |
 * | while it is filled     | `reserve.new`, of any length | removed by the next server, which fills another           |
 * | before the rename      | `reserve.new`, whole        | the same                                                  |
 * | when it was emptied    | `reserve` empty or whole    | filled when there is room; emptied again while there is not |
 *
 * A power cut may leave `reserve` as it was before: it holds nothing that anybody reads.
 */
import fs from 'node:fs';
import path from 'node:path';
import { freeSpace, freeSpaceSync } from '../lib/disk-space.ts';
import { OperationalError, errnoOf } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';

const MIB = 1024 ** 2;
/** With less than this free a file system is full: a transaction of the catalog may not fit. */
export const FULL_BELOW_BYTES = 4 * MIB;
const PIECE_BYTES = MIB;
const MOST_BYTES = 32 * MIB;
const LEAST_BYTES = 8 * MIB;

/** How large the file is beside a reserve of `reserveBytes`, which it is not part of; 0: there is none. */
export function planReserveFile(reserveBytes: number): number {
  if (reserveBytes === 0) return 0;
  return Math.min(MOST_BYTES, Math.max(LEAST_BYTES, Math.floor(reserveBytes / 32 / MIB) * MIB));
}

export class ReserveFile {
  readonly #folder: string;
  readonly #file: string;
  readonly #random: Random;

  /** `folder` is DIR. */
  constructor(folder: string, random: Random) {
    this.#folder = folder;
    this.#file = path.join(folder, 'reserve');
    this.#random = random;
  }

  /** Bytes that it keeps now. */
  get sizeBytes(): number {
    return fs.statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Empties it if the file system is full; whether that made room. */
  giveUpWhenFull(): boolean {
    if (freeSpaceSync(this.#folder).freeBytes >= FULL_BELOW_BYTES) return false;
    fs.rmSync(`${this.#file}.new`, { force: true });
    if (this.sizeBytes === 0) return false;
    const fd = fs.openSync(this.#file, 'r+');
    try {
      fs.ftruncateSync(fd, 0);
      fs.fsyncSync(fd); // some file systems give the blocks to others only then
    } finally {
      fs.closeSync(fd);
    }
    return true;
  }

  /**
   * Fills it to `sizeBytes`, if that leaves `leftBytes` free; whether it is that large then. A file system that has no room for it
   * after all is no failure.
   */
  async fill(sizeBytes: number, leftBytes: number): Promise<boolean> {
    if (this.sizeBytes >= sizeBytes) return true;
    if (!fs.existsSync(this.#folder)) return false;
    const { freeBytes } = await freeSpace(this.#folder);
    if (freeBytes - sizeBytes < leftBytes) return false;
    const fresh = `${this.#file}.new`;
    try {
      await this.#write(fresh, sizeBytes);
      await fs.promises.rename(fresh, this.#file);
      return true;
    } catch (error) {
      await fs.promises.rm(fresh, { force: true });
      if (errnoOf(error) === 'ENOSPC' || errnoOf(error) === 'EDQUOT') return false;
      throw new OperationalError(`${this.#file} cannot be written`, { retryable: true, cause: error });
    }
  }

  /** After a short use of it: as much of `sizeBytes` as is still free, before somebody else has it. */
  async takeBack(sizeBytes: number): Promise<void> {
    const { freeBytes } = await freeSpace(this.#folder);
    const leftBytes = Math.min(sizeBytes, freeBytes) - MIB;
    if (leftBytes > 0) await this.fill(leftBytes, 0);
  }

  async #write(name: string, sizeBytes: number): Promise<void> {
    const handle = await fs.promises.open(name, 'w', 0o600);
    try {
      const piece = this.#random.bytes(PIECE_BYTES);
      for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
        await handle.writeFile(piece.subarray(0, sizeBytes - at));
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}
