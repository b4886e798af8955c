/** One operation while it runs: how far it is, for those who wait, and the signal that interrupts its step. */
import type { StoredOperation } from '../catalog/operations.ts';
import { OperationalError } from '../lib/errors.ts';

interface Waiting {
  step: string;
  resolve: () => void;
  reject: (error: Error) => void;
}

export class Run {
  readonly operation: StoredOperation;
  /** Resolves when nothing of it runs any more: done, undone, or left for the next start. */
  readonly ended: Promise<void>;
  /** What made it fail, for those who wait. */
  failure: Error | undefined;
  #signal: AbortSignal;
  #interruption = new AbortController();
  readonly #steps: string[];
  readonly #stopping: AbortSignal;
  readonly #resolveEnded: () => void;
  #waiting: Waiting[] = [];
  #passedCount: number;
  #over = false;
  #answered = false;

  constructor(operation: StoredOperation, steps: string[], stopping: AbortSignal) {
    this.operation = operation;
    this.#steps = steps;
    this.#stopping = stopping;
    this.#passedCount = operation.undoing ? 0 : steps.indexOf(operation.step);
    this.#signal = AbortSignal.any([stopping, this.#interruption.signal]);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#resolveEnded = resolve;
  }

  /** Fires when the step under way should end. */
  get signal(): AbortSignal {
    return this.#signal;
  }

  get interrupted(): boolean {
    return this.#interruption.signal.aborted;
  }

  /** Ends the step under way. What is being undone already is not disturbed. */
  interrupt(): void {
    if (!this.operation.undoing) this.#interruption.abort();
  }

  /** From here on it runs again, backwards: pauses are pauses again. */
  resumeUndoing(): void {
    this.#interruption = new AbortController();
    this.#signal = AbortSignal.any([this.#stopping, this.#interruption.signal]);
  }

  /** Resolves when `step` is recorded as done; rejects with the failure when the operation is undone instead. */
  async past(step: string): Promise<void> {
    if (this.#steps.indexOf(step) < this.#passedCount) return;
    if (this.#over || this.#answered) throw this.failure ?? endedEarly();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ step, resolve, reject });
    await promise;
  }

  /** Resolves when the last step is done; rejects as `past` does. */
  async done(): Promise<void> {
    await this.past(this.#steps.at(-1) ?? '');
  }

  passed(step: string): void {
    this.#passedCount = this.#steps.indexOf(step) + 1;
    const isReached = (waiting: Waiting) => this.#steps.indexOf(waiting.step) < this.#passedCount;
    for (const waiting of this.#waiting.filter(isReached)) waiting.resolve();
    this.#waiting = this.#waiting.filter((waiting) => !isReached(waiting));
  }

  fail(error: Error): void {
    this.failure ??= error;
  }

  finish(): void {
    this.#over = true;
    this.#rejectWaiting();
    this.#resolveEnded();
  }

  /** It is being undone, and that takes its time: whoever waits is told of the failure now. */
  answer(): void {
    this.#answered = true;
    this.#rejectWaiting();
  }

  #rejectWaiting(): void {
    for (const waiting of this.#waiting) waiting.reject(this.failure ?? endedEarly());
    this.#waiting = [];
  }
}

function endedEarly(): OperationalError {
  return new OperationalError('the server is ending; the request is finished when it starts again', {
    retryable: true,
  });
}
