/**
 * When a disk's next checkpoint is due. A checkpoint syncs all data, so a busy disk's waits until some time after the last, or
 * until the journal is so long that opening would take long; a quiet one's comes early. One that failed (a full disk) leaves
 * a journal more: it is tried again less and less often.
 */
import type { Clock } from '../lib/clock.ts';

/** Records in the current journal after which it is due, whatever goes on (16 MiB), some time after the last, and where it is quiet. */
const MOST_RECORDS = 262_144;
const BUSY_RECORDS = 65_536;
const QUIET_RECORDS = 4096;
const BUSY_MS = 5000;
/** Changed map pages after which it is due: they cannot be forgotten before. */
const DIRTY_PAGES = 8192;
/** The same while the thread has more pages in memory than it should. */
const PRESSED_DIRTY_PAGES = 64;
const LEAST_RETRY_MS = 1000;
const MOST_RETRY_MS = 60_000;

export interface CheckpointLoad {
  recordCount: number;
  dirtyPageCount: number;
  /** The thread has more map pages in memory than it should. */
  isPressed: boolean;
}

export class CheckpointPace {
  readonly #clock: Clock;
  readonly #fixedRecords: number | undefined;
  #endedAtMs = 0;
  #failureCount = 0;
  #retryAtMs = -Infinity;

  /** `fixedRecords`: due after so many, and by nothing else that has to do with records. */
  constructor(clock: Clock, fixedRecords?: number) {
    this.#clock = clock;
    this.#fixedRecords = fixedRecords;
  }

  isDue({ recordCount, dirtyPageCount, isPressed }: CheckpointLoad): boolean {
    const isLong = this.#isLong(recordCount) || dirtyPageCount >= (isPressed ? PRESSED_DIRTY_PAGES : DIRTY_PAGES);
    return isLong && this.#mayTry;
  }

  /** For a disk that nobody has written to for a while. */
  isDueWhenQuiet(recordCount: number): boolean {
    return recordCount >= QUIET_RECORDS && this.#mayTry;
  }

  /** Whoever asked for it. */
  ended(isDone: boolean): void {
    this.#endedAtMs = this.#clock.monotonicMs();
    if (isDone) {
      this.#failureCount = 0;
      this.#retryAtMs = -Infinity;
      return;
    }
    this.#retryAtMs = this.#endedAtMs + Math.min(MOST_RETRY_MS, LEAST_RETRY_MS * 2 ** this.#failureCount++);
  }

  get #mayTry(): boolean {
    return this.#clock.monotonicMs() >= this.#retryAtMs;
  }

  #isLong(recordCount: number): boolean {
    if (this.#fixedRecords !== undefined) return recordCount >= this.#fixedRecords;
    if (recordCount < BUSY_RECORDS) return false;
    return recordCount >= MOST_RECORDS || this.#clock.monotonicMs() >= this.#endedAtMs + BUSY_MS;
  }
}
