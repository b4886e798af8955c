/**
 * The time that locks of snapshots go by. While a server runs it goes with the monotonic clock, so neither setting the clock
 * forth nor back ends a lock earlier; while none runs the clock is believed, but time never goes back. How it stands to the
 * clock is written down (the setting `lock-clock`) at every start, with every new lock, every hour, and within a minute after the clock
 * was set: there the next server goes on. Time in which the machine sleeps does not count: locks then hold longer.
 */
import type { Queries } from '../catalog/schema.ts';
import { findSetting, putSetting } from '../catalog/settings.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Parts } from './parts.ts';

const LOCK_CLOCK = 'lock-clock';
/** What the clock said last that nobody doubts, in milliseconds: as `lock-clock`, but not of a start that found it far ahead. */
const TRUSTED_CLOCK = 'trusted-clock';
/** A clock that was so far ahead of the last server's at the start may be wrong. */
const LEAP_MS = 86_400_000;
/** Then nothing that ends by time ends for so long, so that it can be set right; also not after another start. */
const SETTLE_MS = 3_600_000;
const LOOK_EVERY_MS = 60_000;
const SAVE_EVERY_MS = 3_600_000;
/** Less between the two clocks is no setting of one. */
const STEP_MS = 1000;

/** What is written down: the time, and what the clock said then. */
interface Saved {
  atMs: number;
  clockMs: number;
}

/** Where the time goes on that was written down. */
export async function readLockTime(queries: Queries, clock: Pick<Clock, 'nowMs'>): Promise<number> {
  const text = await findSetting(queries, LOCK_CLOCK);
  const nowMs = clock.nowMs();
  if (text === undefined) return nowMs;
  const { atMs, clockMs } = JSON.parse(text) as Saved;
  return atMs + Math.max(0, nowMs - clockMs);
}

export class LockClock {
  readonly #options: Pick<Parts, 'catalog' | 'clock' | 'log'>;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** The time, and the monotonic clock's, at the start. */
  #startMs = 0;
  #startedAtMs = 0;
  /** Nothing ends before, by the monotonic clock. */
  #settledMs = 0;
  /** By how much the clock is before it, as it is shown and as it was written down. */
  #aheadMs = 0;
  #savedAheadMs = 0;
  #savedAtMs = 0;

  constructor(options: Pick<Parts, 'catalog' | 'clock' | 'log'>) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { catalog, clock } = this.#options;
    this.#startedAtMs = clock.monotonicMs();
    const trusted = await findSetting(catalog.queries, TRUSTED_CLOCK);
    const leapMs = trusted === undefined ? 0 : clock.nowMs() - Number(trusted);
    this.#settledMs = this.#startedAtMs + (leapMs > LEAP_MS ? SETTLE_MS : 0);
    if (leapMs > LEAP_MS) {
      this.#options.log.info(
        `the clock is ${Math.floor(leapMs / LEAP_MS)} days later than when the last server ended: nothing expires for an hour, in case it is wrong`,
      );
    }
    this.#startMs = await readLockTime(catalog.queries, clock);
    await this.#saveNow();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** False for an hour after a start that found the clock far ahead: until then nothing may end by time. */
  get isSettled(): boolean {
    return this.#options.clock.monotonicMs() >= this.#settledMs;
  }

  nowMs(): number {
    return Math.floor(this.#startMs + this.#options.clock.monotonicMs() - this.#startedAtMs);
  }

  /** A moment of this time as the clock that people have shows it, the same for as long as nobody sets that. */
  toClock(atMs: number): number {
    const aheadMs = this.#measureAhead();
    if (Math.abs(aheadMs - this.#aheadMs) >= STEP_MS) this.#aheadMs = aheadMs;
    return atMs + this.#aheadMs;
  }

  /** The other way. */
  fromClock(shownMs: number): number {
    return shownMs - this.toClock(0);
  }

  #measureAhead(): number {
    return this.#options.clock.nowMs() - this.nowMs();
  }

  /** Also in a transaction that may come to nothing. */
  async save(queries: Queries): Promise<void> {
    const saved: Saved = { atMs: this.nowMs(), clockMs: this.#options.clock.nowMs() };
    await putSetting(queries, LOCK_CLOCK, JSON.stringify(saved));
  }

  async #saveNow(): Promise<void> {
    const aheadMs = this.#measureAhead();
    const { catalog, clock } = this.#options;
    await this.save(catalog.queries);
    if (this.isSettled) await putSetting(catalog.queries, TRUSTED_CLOCK, String(clock.nowMs()));
    this.#savedAheadMs = aheadMs;
    this.#savedAtMs = this.nowMs();
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    for (;;) {
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      const isSet = Math.abs(this.#measureAhead() - this.#savedAheadMs) >= STEP_MS;
      if (!isSet && this.nowMs() < this.#savedAtMs + SAVE_EVERY_MS) continue;
      try {
        await this.#saveNow();
      } catch (error) {
        log.warn(`the time that locks go by could not be written down: ${messageOf(error)}`);
      }
    }
  }
}
