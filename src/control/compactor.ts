/**
 * Rewrites packs that uploads have stored in larger groups, compressed better, once they have stayed for a while: what goes soon is
 * not worth the work. A slice at a time, every hour.
 */
import type { Clock } from '../lib/clock.ts';
import { formatBytes } from '../lib/byte-units.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { CollectResult } from '../repository/collect.ts';
import type { CollectorBook } from '../repository/collector-book.ts';
import type { Repository } from '../repository/repository.ts';

const HOUR_MS = 3_600_000;
/** Of plain bytes: some seconds of two processors. */
const SLICE_BYTES = 1024 ** 3;

export interface CompactorOptions {
  repository: Pick<Repository, 'collect'>;
  book: CollectorBook;
  /** 0: never by itself. */
  afterMs: number;
  clock: Clock;
  log: Log;
}

export class Compactor {
  readonly #options: CompactorOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.afterMs > 0) this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** One slice of what came more than `afterMs` ago; the oldest first. Nothing is rewritten when there is no more. */
  async compact(afterMs: number): Promise<CollectResult> {
    const { repository, book, clock } = this.#options;
    const dense = { addedBeforeMs: clock.nowMs() - afterMs, budgetBytes: SLICE_BYTES };
    return await repository.collect(book, { dense });
  }

  async #run(): Promise<void> {
    const { clock, log, afterMs } = this.#options;
    const { signal } = this.#stopping;
    for (;;) {
      await clock.sleep(HOUR_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        const { rewrittenPacks, freedBytes } = await this.compact(afterMs);
        if (rewrittenPacks > 0)
          log.info(`${rewrittenPacks} packs rewritten, ${formatBytes(Math.max(0, freedBytes))} saved`);
      } catch (error) {
        if (!signal.aborted) log.warn(`packs could not be rewritten: ${messageOf(error)}`);
      }
    }
  }
}
