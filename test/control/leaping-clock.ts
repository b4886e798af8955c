/** A fast clock that a test can let leap: time in which the server runs, or only the wall clock's hands. */
import type { Clock } from '../../src/lib/clock.ts';
import { createFastClock } from './fast-clock.ts';

interface Sleeper {
  untilMs: number;
  wake: () => void;
}

export class LeapingClock implements Clock {
  readonly #flow: Clock;
  readonly #sleepers = new Set<Sleeper>();
  #leaptMs = 0;
  /** By how much the wall clock was set. */
  #setMs = 0;

  constructor(speed: number) {
    this.#flow = createFastClock(speed);
  }

  nowMs(): number {
    return this.#flow.nowMs() + Math.floor(this.#leaptMs + this.#setMs);
  }

  monotonicMs(): number {
    return this.#flow.monotonicMs() + this.#leaptMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const leapt = Promise.withResolvers<void>();
    const over = new AbortController();
    const sleeper = { untilMs: this.monotonicMs() + ms, wake: leapt.resolve };
    this.#sleepers.add(sleeper);
    const signals = signal === undefined ? [over.signal] : [over.signal, signal];
    const slept = this.#flow.sleep(ms, AbortSignal.any(signals));
    try {
      await Promise.race([slept, leapt.promise]);
    } finally {
      this.#sleepers.delete(sleeper);
      over.abort();
      await slept.catch(() => undefined);
    }
  }

  /** So much time passes at once. */
  leap(ms: number): void {
    this.#leaptMs += ms;
    for (const { untilMs, wake } of [...this.#sleepers]) if (untilMs <= this.monotonicMs()) wake();
  }

  leapTo(atMs: number): void {
    this.leap(atMs - this.nowMs());
  }

  /** Somebody sets the wall clock; everybody who sleeps looks at it again soon. */
  set(byMs: number): void {
    this.#setMs += byMs;
  }

  /** Time passes in which no server runs: only the wall clock tells the next. */
  standStill(ms: number): void {
    this.#setMs += ms;
  }
}
