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

  /** Runs `upload` beside other uploads, when its turn has come. Throws the signal's reason when that fires before. */
  async upload<T>(upload: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return await this.#pass(false, upload, signal);
  }

  /** Runs `work` when every upload that came before has ended; those that come later wait for it. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    return await this.#pass(true, work);
  }

  async #pass<T>(exclusive: boolean, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(exclusive, signal);
    try {
      return await work();
    } finally {
      this.#insideCount--;
      this.#exclusiveInside = false;
      this.#admit();
    }
  }

  async #enter(exclusive: boolean, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const entrant = { exclusive, enter: resolve };
    const leave = (): void => {
      const place = this.#queue.indexOf(entrant);
      if (place < 0) return;
      this.#queue.splice(place, 1);
      reject(signal?.reason);
      this.#admit();
    };
    this.#queue.push(entrant);
    this.#admit();
    signal?.addEventListener('abort', leave, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', leave);
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
