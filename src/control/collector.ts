/**
 * Returns the bytes that nothing needs any more, soon after they became garbage, beside everything else
 * (`repository/collector-book.ts` says why it may). What still waits for an upload that had begun before goes when that has
 * ended: the mark in the catalog stays until nothing waits, and every end wakes the collector. A crash leaves the mark, and the
 * next server collects. Where something cannot be read nothing is collected, and that is tried again much later only.
 */
import { formatBytes } from '../lib/byte-units.ts';
import { CorruptionError, messageOf } from '../lib/errors.ts';
import type { CollectorBook } from '../repository/collector-book.ts';
import { findGarbageMark, lowerGarbageMark } from './garbage.ts';
import type { Parts } from './parts.ts';

/** Deletions that come together are collected together. */
const GATHER_MS = 500;
const RETRY_MS = 10_000;
const DAMAGED_RETRY_MS = 3_600_000;

export class Collector {
  readonly #parts: Parts;
  readonly #book: CollectorBook;
  readonly #stopping = new AbortController();
  #working: Promise<void> | undefined;
  #woken = false;

  constructor(parts: Parts, book: CollectorBook) {
    this.#parts = parts;
    this.#book = book;
  }

  /** There may be garbage, or something new to be counted. */
  wake(): void {
    this.#woken = true;
    if (this.#stopping.signal.aborted) return;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      if (this.#woken) this.wake();
    });
  }

  /** Resolves when no collection is under way; none begins afterwards. */
  async stop(): Promise<void> {
    this.#woken = false;
    this.#stopping.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stopping;
    while (this.#woken && !signal.aborted) {
      this.#woken = false;
      try {
        await this.#collect();
        await this.#parts.repository.count(this.#book, signal);
      } catch (error) {
        if (signal.aborted) return;
        const pauseMs = error instanceof CorruptionError ? DAMAGED_RETRY_MS : RETRY_MS;
        log.warn(`garbage could not be collected, next try in ${pauseMs / 1000} s: ${messageOf(error)}`);
        this.#woken = true;
        await clock.sleep(pauseMs, signal).catch(() => undefined);
      }
    }
  }

  async #collect(): Promise<void> {
    const { catalog, clock, log, repository } = this.#parts;
    const isNeeded = (mark: string | undefined) => mark !== undefined || repository.hasBadCopies();
    if (!isNeeded(await findGarbageMark(catalog.queries))) return;
    await clock.sleep(GATHER_MS, this.#stopping.signal);
    const mark = await findGarbageMark(catalog.queries);
    if (!isNeeded(mark)) return;
    const startedMs = clock.monotonicMs();
    const { freedBytes, waiting } = await repository.collect(this.#book);
    if (mark !== undefined && waiting.packCount === 0) await lowerGarbageMark(catalog.queries, mark);
    if (freedBytes <= 0) return; // new packs may take more than what went
    log.info(`${formatBytes(freedBytes)} of garbage collected in ${Math.round(clock.monotonicMs() - startedMs)} ms`);
  }
}
