/**
 * Guests and the control plane come first: what a worker does to get out of their way, by its rank with the scheduler and,
 * where that is not enough, by doing less.
 */
import fs from 'node:fs';
import os from 'node:os';
import type { Clock } from '../lib/clock.ts';

const NICE = 19;
/**
 * Of the session, which Linux gives the same share as every other one however nice its threads are (sched(7), autogroup): a
 * tenth of theirs. With next to nothing it would keep the index's lock for long, which serve and diskd wait for.
 */
const SESSION_NICE = 10;

/** All threads, also those that Node has made already, and the session that `detached` made for it. */
export function stepBack(): void {
  os.setPriority(NICE);
  if (process.platform !== 'linux') return;
  try {
    for (const thread of fs.readdirSync('/proc/self/task')) os.setPriority(Number(thread), NICE);
    fs.writeFileSync('/proc/self/autogroup', String(SESSION_NICE));
  } catch {
    // A thread has ended, or there are no autogroups: the rank of the main thread counts.
  }
}

const MIB = 1024 * 1024;
/** How fast a worker goes on while others want the processors. */
const SLOW_BYTES_PER_MS = (32 * MIB) / 1000;
const LOOK_MS = 250;
/** USER_HZ, of every architecture that Node runs on. */
const TICK_MS = 10;

/** Processor time since some moment, all processors together, in ms. */
export interface ProcessorTimes {
  all: number;
  /** Idle, or used by those of low rank: this worker, and others like it. */
  left: number;
}

/**
 * A worker goes slowly while others leave less than a processor to it (or than half of the machine): even work of the
 * lowest rank costs them caches and wake-ups.
 */
export class Courtesy {
  readonly #clock: Clock;
  readonly #read: () => ProcessorTimes | null;
  #times: ProcessorTimes | null;
  #lookedAtMs: number;
  #bytes = 0;
  #isSlow = false;

  constructor(clock: Clock, read: () => ProcessorTimes | null = readProcessorTimes) {
    this.#clock = clock;
    this.#read = read;
    this.#times = read();
    this.#lookedAtMs = clock.monotonicMs();
  }

  /** To be awaited after each piece of work of so many bytes. */
  async pace(bytes: number): Promise<void> {
    this.#bytes += bytes;
    const elapsedMs = this.#clock.monotonicMs() - this.#lookedAtMs;
    const pauseMs = this.#isSlow ? this.#bytes / SLOW_BYTES_PER_MS - elapsedMs : 0;
    if (pauseMs > 0) await this.#clock.sleep(pauseMs);
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lookedAtMs < LOOK_MS) return;
    this.#isSlow = this.#isWanted(nowMs - this.#lookedAtMs);
    this.#lookedAtMs = nowMs;
    this.#bytes = 0;
  }

  /** Whether others took so much of the processors in the last so many ms. */
  #isWanted(elapsedMs: number): boolean {
    const before = this.#times;
    const now = this.#read();
    this.#times = now;
    if (before === null || now === null) return false;
    return now.left - before.left < Math.min(elapsedMs, (now.all - before.all) / 2);
  }
}

/** Null where the kernel does not tell (proc(5), stat). Waiting for devices is idle. */
function readProcessorTimes(): ProcessorTimes | null {
  try {
    const [line = ''] = fs.readFileSync('/proc/stat', 'latin1').split('\n', 1);
    const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, softIrq = 0, stolen = 0] = line
      .split(/ +/)
      .slice(1)
      .map((ticks) => Number(ticks) * TICK_MS);
    const left = nice + idle + waiting;
    return { all: user + system + irq + softIrq + stolen + left, left: left + process.cpuUsage().system / 1000 };
  } catch {
    return null;
  }
}
