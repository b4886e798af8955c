/**
 * Whether to read at once or on the thread pool. Reading from the page cache at once is three times faster than handing
 * over; a read that waits for the device holds up every guest of the thread. So reads are timed: after a slow one the
 * next go to the pool, and after those one is tried at once again; each slow try doubles how many go. A fast one or two say
 * little (the kernel reads ahead): it takes some in a row until few go again.
 */
import type { Clock } from '../lib/clock.ts';

/** Longer than any read from the page cache takes, shorter than any device. */
const SLOW_MS = 0.12;
const LEAST_POOLED = 16;
const MOST_POOLED = 1024;
/** A slow read after so many fast ones was an exception. */
const CALM_READS = 24;

export class ReadPace {
  readonly #clock: Clock;
  #startedMs = 0;
  /** Reads that are still to go to the pool, and how many go after the next slow one. */
  #pooledCount = 0;
  #stretch = LEAST_POOLED;
  #fastCount = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the next read goes to the pool. */
  isPooled(): boolean {
    if (this.#pooledCount === 0) return false;
    this.#pooledCount--;
    return true;
  }

  begin(): void {
    this.#startedMs = this.#clock.monotonicMs();
  }

  end(): void {
    if (this.#clock.monotonicMs() - this.#startedMs < SLOW_MS) {
      this.#fastCount++;
      return;
    }
    if (this.#fastCount >= CALM_READS) this.#stretch = LEAST_POOLED;
    this.#fastCount = 0;
    this.#pooledCount = this.#stretch;
    this.#stretch = Math.min(MOST_POOLED, this.#stretch * 2);
  }
}
