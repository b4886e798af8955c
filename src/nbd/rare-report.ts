/** Tells of what a client can cause as often as it likes: at most once in a while, with how often it happened. */
import type { Clock } from '../lib/clock.ts';

const PAUSE_MS = 10_000;

export class RareReport {
  readonly #clock: Clock;
  readonly #tell: (message: string) => void;
  #toldAtMs = -Infinity;
  #untoldCount = 0;

  constructor(clock: Clock, tell: (message: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  note(message: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#toldAtMs < PAUSE_MS) {
      this.#untoldCount++;
      return;
    }
    this.#tell(this.#untoldCount === 0 ? message : `${message} (and ${this.#untoldCount} times before, untold)`);
    this.#toldAtMs = nowMs;
    this.#untoldCount = 0;
  }
}
