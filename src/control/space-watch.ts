/**
 * Watches the file systems of a data folder (D12). In order, as room gets less:
 *
 * | free is below                                   | what happens                                                            |
 * | ----------------------------------------------- | ----------------------------------------------------------------------- |
 * | the high-water mark                             | snapshots and imports are refused, with what is free and what is wanted; |
 * |                                                 | the recycle bin is emptied (`recycle-bin.ts`), then what is kept for    |
 * |                                                 | undoing rollbacks goes (`undo.ts`), the oldest first                    |
 * | the middle of it and the reserve                | the oldest upload fails with that reason; one at a time, while it falls |
 * | the reserve                                     | every upload fails; diskd refuses guests' writes (`lib/disk-space.ts`)  |
 * | what a transaction of the catalog may need      | `DIR/reserve` is emptied (`reserve-file.ts`)                            |
 *
 * Whatever gives room back is never refused. Nothing is written down: a server that starts looks anew, and an upload that was
 * failed is failed by its operation, as when its worker fails.
 */
import fs from 'node:fs';
import { formatBytes } from '../lib/byte-units.ts';
import type { Clock } from '../lib/clock.ts';
import { freeSpace, planSpaceLimits } from '../lib/disk-space.ts';
import type { Space, SpaceLimits } from '../lib/disk-space.ts';
import { OperationalError, RequestError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { SpaceCheck, Transfer, TransferOptions } from './parts.ts';
import { planReserveFile } from './reserve-file.ts';
import type { ReserveFile } from './reserve-file.ts';

const LOOK_EVERY_MS = 1000;
/** While room is short. */
const LOOK_SOON_MS = 200;
/** What was dropped, or an upload that failed, gives its room back in so long, before the next is. */
const SETTLE_MS = 5000;

export interface SpaceWatchOptions {
  /** Where room is needed: of the disks, of the repository, of the catalog. Of each file system the first one is watched. */
  folders: readonly string[];
  limits: { reserveBytes: number | null; highWaterBytes: number | null };
  reserveFile: Pick<ReserveFile, 'fill' | 'giveUpWhenFull'>;
  clock: Clock;
  log: Log;
  /** A test's own file systems. */
  measure?: (folder: string) => Promise<Space>;
}

/** The file system that has the least room, for what it must keep. */
interface Shortage {
  freeBytes: number;
  limits: SpaceLimits;
}

interface RunningUpload {
  snapshotId: string;
  fail: (error: OperationalError) => void;
}

export class SpaceWatch implements SpaceCheck {
  readonly #options: SpaceWatchOptions;
  readonly #measure: (folder: string) => Promise<Space>;
  readonly #folders: readonly string[];
  readonly #stopping = new AbortController();
  /** Oldest first. */
  readonly #uploads = new Set<RunningUpload>();
  /** Snapshots whose upload was failed, and may be tried again by those that stand on them. */
  readonly #failedIds = new Set<string>();
  #watching: Promise<void> = Promise.resolve();
  #lastFreeBytes = Infinity;
  #settledAtMs = -Infinity;
  #giveWay: (facts: string) => Promise<boolean> = async () => false;
  #givingWay: Promise<void> | null = null;
  #gaveWayUntilMs = -Infinity;
  #isShort = false;
  #isExhausted = false;
  #problem = '';

  /** Does not look yet. */
  constructor(options: SpaceWatchOptions) {
    this.#options = options;
    this.#measure = options.measure ?? freeSpace;
    this.#folders = options.measure === undefined ? onePerFileSystem(options.folders) : options.folders;
  }

  /** What diskd keeps free where the disks are. Throws an OperationalError when the limits do not fit. */
  async planReserve(folder: string): Promise<number> {
    const { sizeBytes } = await this.#measure(folder);
    return planSpaceLimits(sizeBytes, this.#options.limits).reserveBytes;
  }

  start(): void {
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
    await this.#givingWay;
  }

  async assertRoom(code: string, what: string): Promise<void> {
    const { freeBytes, limits } = await this.#findShortage();
    if (freeBytes >= limits.highWaterBytes) return;
    throw new RequestError(
      code,
      `Only ${formatBytes(freeBytes)} are free on the file system of the service, and ${what} begins with ${formatBytes(limits.highWaterBytes)} or more: ` +
        'delete snapshots, images or disks that are no longer needed, or give the service more room.',
    );
  }

  onShort(giveWay: (facts: string) => Promise<boolean>): void {
    this.#giveWay = giveWay;
  }

  /** Uploads and copies as `transfer` does, but what there is no room for any more fails, for good and with the reason. */
  limit(transfer: Transfer): Transfer {
    return {
      upload: (job, options) => this.#upload(job, options, (limited) => transfer.upload(job, limited)),
      copy: (job, options) => this.#upload(job, options, (limited) => transfer.copy(job, limited)),
    };
  }

  /** One look, and what it leads to. `start` does this again and again. */
  async look(): Promise<void> {
    const { reserveFile, log } = this.#options;
    const { freeBytes, limits } = await this.#findShortage();
    if (reserveFile.giveUpWhenFull())
      log.warn('the file system is full: the reserve file was given up, so that deleting works');
    this.#tell(freeBytes, limits);
    this.#failUploads(freeBytes, limits);
    this.#lastFreeBytes = freeBytes;
    this.#isExhausted = freeBytes < limits.reserveBytes;
    await reserveFile.fill(planReserveFile(limits.reserveBytes), limits.highWaterBytes);
    if (freeBytes < limits.highWaterBytes) this.#startGivingWay(freeBytes, limits);
  }

  /** Beside the looks: it may take its time, and uploads must end in theirs. */
  #startGivingWay(freeBytes: number, { highWaterBytes }: SpaceLimits): void {
    const { clock, log } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#givingWay !== null || nowMs < this.#gaveWayUntilMs) return;
    const facts = `${formatBytes(freeBytes)} free, ${formatBytes(highWaterBytes)} wanted`;
    this.#givingWay = this.#giveWay(facts)
      .then((gave) => {
        if (gave) this.#gaveWayUntilMs = nowMs + SETTLE_MS;
      })
      .catch((error: unknown) => log.warn(`no room can be given back: ${messageOf(error)}`))
      .finally(() => (this.#givingWay = null));
  }

  async #watch(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const problem = await this.look().then(() => '', messageOf);
      if (problem !== '' && problem !== this.#problem) log.warn(`the room cannot be watched: ${problem}`);
      this.#problem = problem;
      await clock.sleep(this.#isShort ? LOOK_SOON_MS : LOOK_EVERY_MS, signal).catch(() => undefined);
    }
  }

  async #findShortage(): Promise<Shortage> {
    const found = await Promise.all(
      this.#folders.map(async (folder) => {
        const { freeBytes, sizeBytes } = await this.#measure(folder);
        return { freeBytes, limits: planSpaceLimits(sizeBytes, this.#options.limits) };
      }),
    );
    const spare = ({ freeBytes, limits }: Shortage) => freeBytes - limits.highWaterBytes;
    return found.reduce((least, next) => (spare(next) < spare(least) ? next : least));
  }

  #tell(freeBytes: number, { highWaterBytes }: SpaceLimits): void {
    const isShort = freeBytes < highWaterBytes;
    if (isShort === this.#isShort) return;
    this.#isShort = isShort;
    const { log } = this.#options;
    const facts = `${formatBytes(freeBytes)} free, the high-water mark is ${formatBytes(highWaterBytes)}`;
    if (isShort) log.warn(`room is short, snapshots and imports are refused: ${facts}`);
    else log.info(`there is room again: ${facts}`);
    if (!isShort) this.#failedIds.clear();
  }

  #failUploads(freeBytes: number, { reserveBytes, highWaterBytes }: SpaceLimits): void {
    const nowMs = this.#options.clock.monotonicMs();
    const isBelowReserve = freeBytes < reserveBytes;
    const isFalling = freeBytes < (reserveBytes + highWaterBytes) / 2 && freeBytes < this.#lastFreeBytes;
    if (!isBelowReserve && !(isFalling && nowMs >= this.#settledAtMs)) return;
    for (const upload of this.#uploads) {
      this.#settledAtMs = nowMs + SETTLE_MS;
      this.#fail(upload, `${formatBytes(freeBytes)} free, ${formatBytes(highWaterBytes)} wanted`);
      if (!isBelowReserve) return;
    }
  }

  #fail(upload: RunningUpload, facts: string): void {
    const reason = `the file system of the service has no room for it (${facts}): delete snapshots or disks, then take another`;
    this.#options.log.warn(`the upload of ${upload.snapshotId} is ended: ${reason}`);
    this.#uploads.delete(upload);
    this.#failedIds.add(upload.snapshotId);
    upload.fail(new OperationalError(reason, { retryable: false }));
  }

  async #upload<Result>(
    job: { snapshotId: string },
    options: TransferOptions,
    work: (limited: TransferOptions) => Promise<Result>,
  ): Promise<Result> {
    if (this.#failedIds.has(job.snapshotId) && this.#isShort) {
      throw new OperationalError('there is still no room for it', { retryable: true });
    }
    const failing = new AbortController();
    const upload = { snapshotId: job.snapshotId, fail: (error: OperationalError) => failing.abort(error) };
    this.#uploads.add(upload);
    if (this.#isExhausted) this.#fail(upload, 'less than the reserve is free');
    try {
      const signal = AbortSignal.any([options.signal, failing.signal]);
      signal.throwIfAborted();
      const result = await work({ ...options, signal });
      this.#failedIds.delete(job.snapshotId);
      return result;
    } catch (error) {
      throw failing.signal.aborted && !options.signal.aborted ? failing.signal.reason : error;
    } finally {
      this.#uploads.delete(upload);
    }
  }
}

function onePerFileSystem(folders: readonly string[]): string[] {
  const devices = new Set<number>();
  return folders.filter((folder) => {
    const { dev } = fs.statSync(folder);
    return !devices.has(dev) && devices.add(dev);
  });
}
