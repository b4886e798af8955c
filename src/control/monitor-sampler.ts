/**
 * Once a minute, just after it ended: what each served disk did in it, and what all snapshots take. The first look after a
 * start only begins the count, so what happened while no server ran is told by nobody, and nothing is told twice; a disk that
 * counts anew (diskd or the disk was opened again) has done what it has counted since. A look that fails is none: the next one
 * tells of the longer time. Samples that are too old, or too many, are forgotten in between.
 */
import type { DiskState } from '../disk/protocol.ts';
import { MINUTE_MS, MONITOR_DAYS } from '../ecs/monitor-rules.ts';
import type { SnapshotTotals } from '../ecs/resources.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { MonitorStore } from './monitor-store.ts';
import type { DiskWork } from './monitor-store.ts';
import type { DataPlane } from './parts.ts';

const KEPT_MINUTES = MONITOR_DAYS * 24 * 60;
/** 256 MiB: of about a hundred disks that are served all the time, thirty days. */
const FILE_LIMIT_BYTES = 268_435_456;
/** Whatever diskd is at; a guest's I/O goes before. */
const ANSWER_MS = 10_000;
/** So many times as long as it took to measure all snapshots is waited before it is done again: with many, not each minute. */
const REST = 20;
/** So much is forgotten at a time when there is too much. */
const FORGET_MINUTES = 60;

export interface SamplerOptions {
  store: MonitorStore;
  listDisks: (signal: AbortSignal) => Promise<{ disks: DiskState[] }>;
  measureSnapshots: () => Promise<SnapshotTotals>;
  clock: Clock;
  log: Log;
  fileLimitBytes?: number;
}

/** `undo` closes it. */
export function openMonitor(file: string, log: Log, undo: AsyncDisposableStack): MonitorStore {
  const store = MonitorStore.open(file, log);
  undo.defer(async () => store.close());
  return store;
}

/** `undo` ends it. */
export function startSampling(
  given: Pick<SamplerOptions, 'store' | 'clock' | 'log'> & {
    dataPlane: DataPlane;
    control: Pick<SamplerOptions, 'measureSnapshots'>;
  },
  undo: AsyncDisposableStack,
): void {
  const { dataPlane, control, ...rest } = given;
  const sampler = new MonitorSampler({
    ...rest,
    listDisks: (signal) => dataPlane.call('listDisks', { active: true }, { timeoutMs: ANSWER_MS, signal }),
    measureSnapshots: () => control.measureSnapshots(),
  });
  sampler.start();
  undo.defer(() => sampler.stop());
}

interface Look {
  /** Of the monotonic clock. */
  atMs: number;
  disks: ReadonlyMap<string, DiskState>;
}

export class MonitorSampler {
  readonly #options: SamplerOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #before: Look | null = null;
  #isFailing = false;
  /** Of the monotonic clock: until then snapshots are not looked at. */
  #restsUntilMs = -Infinity;

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.look();
      await clock.sleep(MINUTE_MS - (clock.nowMs() % MINUTE_MS), signal).catch(() => undefined);
    }
  }

  /** Never rejects. */
  async look(): Promise<void> {
    const { log } = this.#options;
    try {
      await this.#lookAtSnapshots();
      await this.#lookAtDisks();
      await this.#forget();
      this.#isFailing = false;
    } catch (error) {
      if (this.#isFailing || this.#stopping.signal.aborted) return;
      this.#isFailing = true;
      log.warn(`monitoring has gaps until this is mended: ${messageOf(error)}`);
    }
  }

  async #lookAtDisks(): Promise<void> {
    const { store, listDisks, clock } = this.#options;
    const { disks } = await listDisks(this.#stopping.signal);
    const before = this.#before;
    const after = { atMs: clock.monotonicMs(), disks: new Map(disks.map((disk) => [disk.diskId, disk])) };
    this.#before = after;
    if (before !== null) store.addDiskMinute(this.#minute() - 1, workBetween(before, after));
  }

  /** While not all that is stored is counted the sum is too small: it is not told. */
  async #lookAtSnapshots(): Promise<void> {
    const { store, measureSnapshots, clock } = this.#options;
    const startMs = clock.monotonicMs();
    if (startMs < this.#restsUntilMs) return;
    const { sizeBytes, uncountedCount, unstoredCount } = await measureSnapshots();
    const endMs = clock.monotonicMs();
    this.#restsUntilMs = endMs + (endMs - startMs) * REST;
    if (uncountedCount === unstoredCount) store.putSnapshotMinute(this.#minute(), 'standard', sizeBytes);
  }

  async #forget(): Promise<void> {
    const { store, fileLimitBytes = FILE_LIMIT_BYTES } = this.#options;
    await this.#forgetBefore(this.#minute() - KEPT_MINUTES);
    while (store.usedBytes > fileLimitBytes) {
      const first = store.findFirstMinute();
      if (first === null) return;
      await this.#forgetBefore(first + FORGET_MINUTES);
    }
  }

  async #forgetBefore(minute: number): Promise<void> {
    const { store, clock } = this.#options;
    for (const _step of store.forgetBefore(minute)) await clock.sleep(0, this.#stopping.signal);
  }

  #minute(): number {
    return Math.floor(this.#options.clock.nowMs() / MINUTE_MS);
  }
}

/** Of the disks that were served at one of the two looks. */
export function workBetween(before: Look, after: Look): Map<string, DiskWork> {
  const ms = after.atMs - before.atMs;
  const work = new Map<string, DiskWork>();
  for (const [diskId, disk] of after.disks) {
    const earlier = before.disks.get(diskId);
    if (ms <= 0 || (disk.socketPath === null && (earlier?.socketPath ?? null) === null)) continue;
    const [counted, countedBefore] = [countsOf(disk), earlier === undefined ? null : countsOf(earlier)];
    const goesOn = countedBefore !== null && isSameCount(countedBefore, counted);
    work.set(diskId, { ...(goesOn ? subtract(counted, countedBefore) : counted).work, ms });
  }
  return work;
}

interface Counts {
  sinceMs: number | null;
  work: Omit<DiskWork, 'ms'>;
}

/** A diskd of an earlier version times nothing. */
function countsOf({ counters, answers }: DiskState): Counts {
  const { readCount, writeCount, readBytes, writtenBytes } = counters;
  const work = {
    ...{ readCount, writeCount, readBytes, writtenBytes },
    answeredReads: answers?.readCount ?? 0,
    readMicros: (answers?.readMs ?? 0) * 1000,
    answeredWrites: answers?.writeCount ?? 0,
    writeMicros: (answers?.writeMs ?? 0) * 1000,
  };
  return { sinceMs: answers?.countedSinceMs ?? null, work };
}

function isSameCount(before: Counts, after: Counts): boolean {
  const names = Object.keys(after.work) as (keyof Counts['work'])[];
  return before.sinceMs === after.sinceMs && names.every((name) => after.work[name] >= before.work[name]);
}

function subtract(after: Counts, before: Counts): Counts {
  const entries = Object.entries(after.work).map(([name, value]) => [
    name,
    value - before.work[name as keyof Counts['work']],
  ]);
  return { ...after, work: Object.fromEntries(entries) as Counts['work'] };
}
