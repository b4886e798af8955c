/** A first-come-first-served lock for asynchronous sections of one process. */
export class Mutex {
  #tail: Promise<void> = Promise.resolve();

  /** Runs `section` alone, after every section that was asked for before it. */
  async run<T>(section: () => Promise<T>): Promise<T> {
    const before = this.#tail;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tail = promise;
    await before;
    try {
      return await section();
    } finally {
      resolve();
    }
  }
}
