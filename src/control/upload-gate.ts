/** A few uploads side by side, or the collector alone (C7): a first-come-first-served read/write lock. */

/** Each is a process with a compressor: more at once are no faster, and cost memory. */
export const UPLOAD_LIMIT = 4;

interface Entrant {
  exclusive: boolean;
  enter: () => void;
}

export class UploadGate {
  #insideCount = 0;
  #exclusiveInside = false;
  #queue: Entrant[] = [];

  /** Runs `upload` beside other uploads, when its turn has come. */
  async upload<T>(upload: () => Promise<T>): Promise<T> {
    return await this.#pass(false, upload);
  }

  /** Runs `work` when every upload that came before has ended; those that come later wait for it. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    return await this.#pass(true, work);
  }

  async #pass<T>(exclusive: boolean, work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#queue.push({ exclusive, enter: resolve });
    this.#admit();
    await promise;
    try {
      return await work();
    } finally {
      this.#insideCount--;
      this.#exclusiveInside = false;
      this.#admit();
    }
  }

  #admit(): void {
    for (let next = this.#queue[0]; next !== undefined && this.#hasRoomFor(next); next = this.#queue[0]) {
      this.#queue.shift();
      this.#insideCount++;
      this.#exclusiveInside = next.exclusive;
      next.enter();
    }
  }

  #hasRoomFor(next: Entrant): boolean {
    return next.exclusive ? this.#insideCount === 0 : !this.#exclusiveInside && this.#insideCount < UPLOAD_LIMIT;
  }
}
