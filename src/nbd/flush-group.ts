/** Flushes of one disk, shared: those that are asked for while one runs are all answered by the next one. */
export class FlushGroup {
  readonly #flush: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(flush: () => Promise<void>) {
    this.#flush = flush;
  }

  /** Resolves after a flush that began after this call. */
  run(): Promise<void> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#startAfter(this.#running);
    return this.#next;
  }

  async #startAfter(before: Promise<void>): Promise<void> {
    await before.catch(() => undefined); // whoever asked for that one is told
    this.#next = undefined;
    return this.#start();
  }

  #start(): Promise<void> {
    const running = this.#flush().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}
