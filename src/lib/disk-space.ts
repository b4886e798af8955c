/**
 * How much room a file system has, and what is done when it gets little (D12): below the _high-water_ mark nothing is begun
 * that takes room for long, below the _reserve_ guests' writes are refused. What is left then belongs to what gives room back:
 * the catalog, journals and indexes write on.
 */
import fs from 'node:fs';
import { formatBytes } from './byte-units.ts';
import { OperationalError } from './errors.ts';
import { GIB } from './geometry.ts';

export interface Space {
  /** What may be written by one who is not root. */
  freeBytes: number;
  /** Of the whole file system. */
  sizeBytes: number;
}

/** Of the file system that `path` lies on; it must be there. */
export async function freeSpace(path: string): Promise<Space> {
  return toSpace(await fs.promises.statfs(path));
}

/** Takes two microseconds. */
export function freeSpaceSync(path: string): Space {
  return toSpace(fs.statfsSync(path));
}

/** One that does not tell its size (some of FUSE do not) has no limit that could be watched. */
function toSpace({ bavail, blocks, bsize }: fs.StatsFs): Space {
  if (blocks === 0) return { freeBytes: Infinity, sizeBytes: Infinity };
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
}

export interface SpaceLimits {
  /** Guests' writes leave so much. */
  reserveBytes: number;
  /** Snapshots and imports are begun while more than this is free. */
  highWaterBytes: number;
}

const RESERVE_MOST_BYTES = GIB;
const RESERVE_SHARE = 0.02;
const MARGIN_MOST_BYTES = 4 * GIB;
const MARGIN_SHARE = 0.05;

/**
 * The limits of a file system of that size. The reserve need not grow with it: what gives room back writes megabytes. The margin
 * above is what an upload and the guests write in the seconds until something is done about it.
 */
export function planSpaceLimits(
  sizeBytes: number,
  given: { reserveBytes: number | null; highWaterBytes: number | null },
): SpaceLimits {
  const reserveBytes = given.reserveBytes ?? Math.min(RESERVE_MOST_BYTES, Math.floor(sizeBytes * RESERVE_SHARE));
  const highWaterBytes = given.highWaterBytes ?? reserveBytes + marginOf(sizeBytes);
  if (highWaterBytes < sizeBytes && reserveBytes <= highWaterBytes) return { reserveBytes, highWaterBytes };
  throw new OperationalError(
    `a reserve of ${formatBytes(reserveBytes)} and a high-water mark of ${formatBytes(highWaterBytes)} do not fit a file system of ${formatBytes(sizeBytes)}: ` +
      'the mark must be the reserve or more, and less than all; choose others with --reserve and --high-water',
    { retryable: false },
  );
}

function marginOf(sizeBytes: number): number {
  return Math.min(MARGIN_MOST_BYTES, Math.floor(sizeBytes * MARGIN_SHARE));
}

/** There is no room; code `ENOSPC`, as if the device had said so. */
export class NoSpaceError extends OperationalError {
  readonly code = 'ENOSPC';
  constructor(message: string) {
    super(message, { retryable: true });
  }
}

/** When so much of what was left is taken, it is looked again: the less there is, the sooner. */
const LOOK_SHARE = 0.25;

/**
 * Lets writers take room until the reserve is reached. What it knows is a look at the file system and what was taken since; it
 * looks again (two microseconds) before that may be wrong, and before it refuses: a refusal is never out of date.
 * Of several gates on one file system each knows of the others by its looks only: together they may go a little into the reserve.
 */
export class SpaceGate {
  readonly #folder: string;
  readonly #reserveBytes: number;
  readonly #measure: (folder: string) => Space;
  /** Above the reserve. */
  #leftBytes = Infinity;
  /** With less than this it looks again. */
  #lookBelowBytes = Infinity;
  #freeBytes = Infinity;
  #sizeBytes = 0;

  constructor(folder: string, reserveBytes: number, measure = freeSpaceSync) {
    this.#folder = folder;
    this.#reserveBytes = reserveBytes;
    this.#measure = measure;
  }

  /** Looks at the file system; for each second or so, as others may take room. One that cannot be asked is left to refuse writes itself. */
  look(): void {
    try {
      const { freeBytes, sizeBytes } = this.#measure(this.#folder);
      this.#freeBytes = freeBytes;
      this.#sizeBytes = sizeBytes;
      this.#leftBytes = freeBytes - this.#reserveBytes;
      this.#lookBelowBytes = Math.max(0, this.#leftBytes * (1 - LOOK_SHARE));
    } catch {
      // what was known stays
    }
  }

  /** Whether so little is left that snapshots would be refused, with the high-water mark that is planned by itself. */
  get isTight(): boolean {
    return this.#leftBytes < marginOf(this.#sizeBytes);
  }

  /** Throws a NoSpaceError when less than the reserve would be left; nothing is taken then. */
  take(bytes: number): void {
    if (this.#leftBytes - bytes <= this.#lookBelowBytes) this.look();
    if (bytes > this.#leftBytes) throw this.#refusal();
    this.#leftBytes -= bytes;
  }

  #refusal(): NoSpaceError {
    return new NoSpaceError(
      `no space left: ${formatBytes(this.#freeBytes)} are free where the disks are, and ${formatBytes(this.#reserveBytes)} of it are the reserve: ` +
        'delete snapshots or disks, or make room beside them',
    );
  }
}
