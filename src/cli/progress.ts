/** How far a long copy is: one line that rewrites itself on a terminal, else a line every few seconds. */
import { formatBytes } from '../lib/byte-units.ts';
import type { Clock } from '../lib/clock.ts';
import { formatRate, formatWait } from './units.ts';

const TERMINAL_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 5000;
const CLEAR_LINE = '\r\u001b[K';

export interface ProgressOptions {
  /** What is being done, before the figures. */
  label: string;
  write: (text: string) => void;
  isTerminal: boolean;
  clock: Clock;
}

export class Progress {
  readonly #options: ProgressOptions;
  readonly #startedMs: number;
  #shownMs: number;
  #isShown = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#startedMs = options.clock.monotonicMs();
    this.#shownMs = this.#startedMs;
  }

  update(doneBytes: number, totalBytes: number): void {
    const { clock, isTerminal, write } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#shownMs < (isTerminal ? TERMINAL_INTERVAL_MS : LINE_INTERVAL_MS)) return;
    this.#shownMs = nowMs;
    this.#isShown = true;
    const line = this.#format(doneBytes, totalBytes, nowMs - this.#startedMs);
    write(isTerminal ? `${CLEAR_LINE}${line}` : `${line}\n`);
  }

  /** Takes the line off the terminal. */
  clear(): void {
    if (this.#options.isTerminal && this.#isShown) this.#options.write(CLEAR_LINE);
    this.#isShown = false;
  }

  #format(doneBytes: number, totalBytes: number, elapsedMs: number): string {
    const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes);
    const leftMs = doneBytes === 0 ? undefined : (elapsedMs * (totalBytes - doneBytes)) / doneBytes;
    const left = leftMs === undefined ? '' : `, ${formatWait(Math.ceil(leftMs / 1000) * 1000)} left`;
    const amount = `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
    return `${this.#options.label} ${percent} %  ${amount}, ${formatRate(doneBytes, elapsedMs)}${left}`;
  }
}
