/** The parts of one request: done at once, waiting, or failed; a failure after a wait is told with the rest. */
export class Pieces {
  #waits: Promise<void>[] | undefined;

  add(piece: () => Promise<void> | undefined): void {
    try {
      const wait = piece();
      if (wait !== undefined) (this.#waits ??= []).push(wait);
    } catch (error) {
      if (this.#waits === undefined) throw error;
      this.#waits.push(Promise.reject(error));
    }
  }

  /** Undefined when all was done at once. */
  done(): Promise<void> | undefined {
    return this.#waits === undefined ? undefined : Promise.all(this.#waits).then(() => {});
  }
}
