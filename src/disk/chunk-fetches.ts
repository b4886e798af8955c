/**
 * The chunks that are being fetched from the base, each with the work that waits for it: fetched once, whoever asks,
 * and what is asked of one chunk is done in the order it was asked.
 */
import { messageOf } from '../lib/errors.ts';

/** What a fetch brought: the bytes, null for zeros, or why there are none. */
export type Fetched = { ok: true; bytes: Buffer | null } | { ok: false; error: Error };

interface Waiting {
  run: (fetched: Fetched) => void;
  resolve: () => void;
  reject: (error: Error) => void;
}

export class ChunkFetches {
  readonly #waiting = new Map<number, Waiting[]>();

  get size(): number {
    return this.#waiting.size;
  }

  has(chunk: number): boolean {
    return this.#waiting.has(chunk);
  }

  /**
   * Runs `work` when the chunk's fetch has ended, after all that waits for it already. `fetch` begins one if none is
   * under way; `settled` is called when all work was done, before anyone else sees the chunk.
   */
  enqueue(
    chunk: number,
    work: (fetched: Fetched) => void,
    fetch: () => Promise<Buffer | null>,
    settled: (fetched: Fetched) => void,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { run: work, resolve, reject };
    const queue = this.#waiting.get(chunk);
    if (queue !== undefined) {
      queue.push(waiting);
      return promise;
    }
    this.#waiting.set(chunk, [waiting]);
    void this.#fetch(chunk, fetch, settled);
    return promise;
  }

  async #fetch(chunk: number, fetch: () => Promise<Buffer | null>, settled: (fetched: Fetched) => void): Promise<void> {
    let fetched: Fetched;
    try {
      fetched = { ok: true, bytes: await fetch() };
    } catch (error) {
      fetched = { ok: false, error: asError(error) };
    }
    const queue = this.#waiting.get(chunk) ?? [];
    this.#waiting.delete(chunk);
    for (const { run, resolve, reject } of queue) {
      try {
        run(fetched);
        resolve();
      } catch (error) {
        reject(asError(error));
      }
    }
    settled(fetched);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(messageOf(error));
}
