/** A few uploads side by side, first come, first served. */

/** Each is a process with a compressor: more at once are no faster, and cost memory. */
export const UPLOAD_LIMIT = 4;

export class UploadGate {
  #insideCount = 0;
  #queue: (() => void)[] = [];

  /** Runs `upload` beside other uploads, when its turn has come. Throws the signal's reason when that fires before. */
  async upload<T>(upload: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await upload();
    } finally {
      this.#insideCount--;
      this.#admit();
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      const place = this.#queue.indexOf(resolve);
      if (place < 0) return;
      this.#queue.splice(place, 1);
      reject(signal.reason);
    };
    this.#queue.push(resolve);
    this.#admit();
    signal.addEventListener('abort', leave, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  #admit(): void {
    while (this.#insideCount < UPLOAD_LIMIT) {
      const enter = this.#queue.shift();
      if (enter === undefined) return;
      this.#insideCount++;
      enter();
    }
  }
}
