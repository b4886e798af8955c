/**
 * How long one client may keep the thread before the sockets of others are looked at: one read of a socket can bring
 * thousands of requests. Looking at the clock costs too, so it is done once for several small requests.
 */
import type { Clock } from '../lib/clock.ts';

const TURN_MS = 1;
const CHECK_WEIGHT = 16;
const WEIGHT_BYTES = 16 * 1024;

export class Turn {
  readonly #clock: Clock;
  #isOpen = false;
  #openedAtMs = 0;
  #weight = 0;
  #isOver = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True until `close`. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** When the last one began. */
  get openedAtMs(): number {
    return this.#openedAtMs;
  }

  /** Begins a turn, unless one is going on. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#weight = 0;
    this.#openedAtMs = this.#clock.monotonicMs();
  }

  close(): void {
    this.#isOpen = false;
    this.#isOver = false;
  }

  /** A request is done that was about so many bytes. */
  count(byteCount: number): void {
    this.#weight += 1 + byteCount / WEIGHT_BYTES;
    if (this.#weight < CHECK_WEIGHT) return;
    this.#weight = 0;
    this.#isOver ||= this.#clock.monotonicMs() >= this.#openedAtMs + TURN_MS;
  }
}
