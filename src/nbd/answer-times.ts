/**
 * How long reads and writes take, from when they were taken off the stream until their replies leave, summed up. On the path of
 * every request it adds numbers; the clock is looked at once for each batch of replies.
 */
import type { Answered } from './device.ts';
import { Command, type Request } from './protocol.ts';

export class AnswerTimes {
  #readCount = 0;
  #writeCount = 0;
  /** Sums of when they were taken. */
  #readsTakenMs = 0;
  #writesTakenMs = 0;

  get isEmpty(): boolean {
    return this.#readCount + this.#writeCount === 0;
  }

  /** Its reply leaves with the batch. */
  add({ command, takenAtMs = 0 }: Request): void {
    if (command === Command.read) {
      this.#readCount++;
      this.#readsTakenMs += takenAtMs;
    } else if (command === Command.write) {
      this.#writeCount++;
      this.#writesTakenMs += takenAtMs;
    }
  }

  /** What was added leaves now. */
  take(nowMs: number): Answered {
    const answered = {
      readCount: this.#readCount,
      writeCount: this.#writeCount,
      readMs: this.#readCount * nowMs - this.#readsTakenMs,
      writeMs: this.#writeCount * nowMs - this.#writesTakenMs,
    };
    this.#readCount = this.#writeCount = this.#readsTakenMs = this.#writesTakenMs = 0;
    return answered;
  }
}
