/** Guests come first: while they use their disks, bases are fetched slowly (`base-fetch.ts`), all together. */
import type { Clock } from '../lib/clock.ts';

const SLOW_BYTES_PER_MS = (32 * 1024 * 1024) / 1000;
const LOOK_MS = 250;
/** Guests' requests from one look to the next that nobody would mind being held up. */
const FEW_REQUESTS = 20;

export class BackgroundPace {
  readonly #clock: Clock;
  readonly #countRequests: () => Promise<number>;
  #lookedAtMs = -Infinity;
  #requestCount = 0;
  #bytes = 0;
  #isSlow = true;

  /** `countRequests`: of all guests since some moment. */
  constructor(clock: Clock, countRequests: () => Promise<number>) {
    this.#clock = clock;
    this.#countRequests = countRequests;
  }

  /** To be awaited after so many bytes were fetched. */
  async pace(bytes: number): Promise<void> {
    this.#bytes += bytes;
    const elapsedMs = this.#clock.monotonicMs() - this.#lookedAtMs;
    const pauseMs = this.#isSlow ? this.#bytes / SLOW_BYTES_PER_MS - elapsedMs : 0;
    if (pauseMs > 0) await this.#clock.sleep(pauseMs);
    if (this.#clock.monotonicMs() - this.#lookedAtMs < LOOK_MS) return;
    this.#lookedAtMs = this.#clock.monotonicMs();
    this.#bytes = 0;
    const requestCount = await this.#countRequests();
    this.#isSlow = requestCount - this.#requestCount > FEW_REQUESTS;
    this.#requestCount = requestCount;
  }
}
