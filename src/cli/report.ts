/** The demo's story on standard output: one aligned line a step, with its time and bytes. */
import { formatBytes } from '../lib/byte-units.ts';
import type { Clock } from '../lib/clock.ts';
import { formatDuration } from './units.ts';

const TEXT_WIDTH = 41;
const TIME_WIDTH = 8;
const BYTES_WIDTH = 9;
const CLEAR_LINE = '\r\u001b[K';
const PROGRESS_INTERVAL_MS = 100;

export interface StepResult {
  /** Shown instead of how long the step took. */
  tookMs?: number;
  bytes?: number;
  note?: string;
}

/** A step may tell how far it is; only a terminal shows that. */
export type OnProgress = (doneBytes: number, totalBytes: number) => void;

export interface ReportOptions {
  out: (text: string) => void;
  isTerminal: boolean;
  clock: Clock;
}

export class Report {
  readonly #options: ReportOptions;
  #stepCount = 0;

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  line(text = ''): void {
    this.#options.out(`${text}\n`);
  }

  /** Emphasis, on a terminal. */
  bold(text: string): string {
    return this.#paint(text, '1');
  }

  /** `name   value`, as the steps are aligned. */
  fact(name: string, value: string): void {
    this.line(`${name.padEnd(12)} ${value}`);
  }

  /** Runs a step and tells what it did, or that it failed; throws what the step threw. */
  async step(text: string, run: (onProgress: OnProgress) => Promise<StepResult>): Promise<void> {
    const { clock, out, isTerminal } = this.#options;
    const number = String(++this.#stepCount).padStart(2);
    const startedMs = clock.monotonicMs();
    if (isTerminal) out(`${number}   ${text} …`);
    try {
      const result = await run(this.#progressOf(`${number}   ${text} …`));
      const tookMs = result.tookMs ?? clock.monotonicMs() - startedMs;
      this.#finish(`${number} ${this.#paint('✓', '32')} ${formatColumns(text, tookMs, result)}`);
    } catch (error) {
      this.#finish(`${number} ${this.#paint('✗', '31')} ${text}`);
      throw error;
    }
  }

  #progressOf(line: string): OnProgress {
    const { clock, out, isTerminal } = this.#options;
    let shownMs = clock.monotonicMs();
    return (doneBytes, totalBytes) => {
      const nowMs = clock.monotonicMs();
      if (!isTerminal || nowMs - shownMs < PROGRESS_INTERVAL_MS) return;
      shownMs = nowMs;
      const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes);
      out(`${CLEAR_LINE}${line} ${percent} %`);
    };
  }

  #finish(line: string): void {
    this.#options.out(`${this.#options.isTerminal ? CLEAR_LINE : ''}${line.trimEnd()}\n`);
  }

  #paint(text: string, code: string): string {
    return this.#options.isTerminal ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}

function formatColumns(text: string, tookMs: number, result: StepResult): string {
  const time = formatDuration(tookMs).padStart(TIME_WIDTH);
  const bytes = (result.bytes === undefined ? '' : formatBytes(result.bytes)).padStart(BYTES_WIDTH);
  return `${text.padEnd(TEXT_WIDTH)}${time}  ${bytes}  ${result.note ?? ''}`;
}
