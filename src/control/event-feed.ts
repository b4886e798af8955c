/**
 * Events as they are asked for: pages in the order of their numbers, with waiting for the next one, and the forgetting of old ones.
 * Nothing is written but the deletion of whole slices of the oldest; a crash between two leaves the rest for the next start.
 *
 * A token names the history and a number in it. Who comes with one of another history (the catalog was restored from a copy), or
 * whose next event is not kept any more, begins at the oldest that is, and is told that some may be missing.
 */
import type { Catalog } from '../catalog/catalog.ts';
import { findEventRange, forgetEvents, getEventLine, listEvents } from '../catalog/events.ts';
import { formatTextToken, parseTextToken } from '../catalog/paging.ts';
import type { EventFilter, StoredEvent } from '../ecs/events.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

/** Requests that wait at once; one more is answered with what there is. */
const WAITING_LIMIT = 256;
const FORGET_EVERY_MS = 600_000;
const FORGET_AT_ONCE = 1000;
/** At most so many are kept, however young: some 100 MB. */
const KEPT_COUNT = 200_000;

export interface EventRequest {
  filter: EventFilter;
  /** From an answer before; null: from `position`. */
  token: string | null;
  position: 'Earliest' | 'Latest';
  limit: number;
  /** How long the answer may wait for the first event. */
  waitMs: number;
}

export interface EventPage {
  events: StoredEvent[];
  /** Goes on behind these, now or later. */
  nextToken: string;
  /** Events between the token and these are not kept any more, or of another history. */
  isGap: boolean;
}

export interface EventFeedOptions {
  catalog: Catalog;
  clock: Clock;
  log: Log;
  /** How long an event is kept. */
  keptMs: number;
}

export class EventFeed {
  readonly #options: EventFeedOptions;
  readonly #stopping = new AbortController();
  readonly #waiting = new Set<() => void>();
  #forgetting: Promise<void> = Promise.resolve();

  constructor(options: EventFeedOptions) {
    this.#options = options;
    options.catalog.onEvent = () => this.#wake();
  }

  start(): void {
    this.#forgetting = this.#forgetAgainAndAgain();
  }

  /** Answers who waits; from now on nobody waits. */
  release(): void {
    this.#stopping.abort();
    this.#wake();
  }

  async stop(): Promise<void> {
    this.release();
    await this.#forgetting;
  }

  /** Throws `InvalidParameter.NextToken`. */
  async list(request: EventRequest): Promise<EventPage> {
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + request.waitMs;
    const start = await this.#startOf(request);
    for (;;) {
      const news = this.nextNews();
      try {
        const page = await this.#read(request, start);
        const leftMs = untilMs - clock.monotonicMs();
        if (page.events.length > 0 || page.isGap || leftMs <= 0 || !(await this.waitForNews(news, leftMs))) return page;
      } finally {
        news.forget();
      }
    }
  }

  /** Resolves at the next event that is written, to true, or when the time is over or the server ends, to false. */
  async waitForNews(news: News, waitMs: number): Promise<boolean> {
    if (this.#stopping.signal.aborted || this.#waiting.size > WAITING_LIMIT) return false;
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#stopping.signal]);
    const timeout = this.#options.clock.sleep(waitMs, signal).then(
      () => false,
      () => false,
    );
    const isNew = await Promise.race([news.happened.then(() => true), timeout]);
    over.abort();
    return isNew && !this.#stopping.signal.aborted;
  }

  /** Begun before the catalog is asked, so that no event falls between. */
  nextNews(): News {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    return { happened: promise, forget: () => void this.#waiting.delete(resolve) };
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  async #startOf({ token, position }: EventRequest): Promise<{ after: number; isGap: boolean }> {
    const { queries } = this.#options.catalog;
    const { oldest, newest } = await findEventRange(queries);
    if (token === null) return { after: position === 'Latest' ? newest : oldest - 1, isGap: false };
    const [line, number] = parseTextToken(token);
    const after = /^\d{1,15}$/.test(number) ? Number(number) : -1;
    const isOurs = line === (await getEventLine(queries)) && after >= 0 && after <= newest;
    return isOurs && after >= oldest - 1 ? { after, isGap: false } : { after: oldest - 1, isGap: true };
  }

  async #read({ filter, limit }: EventRequest, start: { after: number; isGap: boolean }): Promise<EventPage> {
    const { queries } = this.#options.catalog;
    const { newest } = await findEventRange(queries);
    const events = await listEvents(queries, filter, { after: start.after, limit });
    const last = events.at(-1)?.sequence ?? 0;
    const next = events.length === limit ? last : Math.max(newest, last);
    return { events, isGap: start.isGap, nextToken: formatTextToken([await getEventLine(queries), String(next)]) };
  }

  async #forgetAgainAndAgain(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      // First: a clock that is wrong at the start has some time to be set right.
      await clock.sleep(FORGET_EVERY_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.forget();
      } catch (error) {
        log.warn(`old events cannot be deleted: ${messageOf(error)}`);
      }
    }
  }

  /** In slices, so that nobody waits long for the catalog. */
  async forget(keptCount = KEPT_COUNT): Promise<void> {
    const { catalog, clock, keptMs } = this.#options;
    const bounds = { beforeMs: clock.nowMs() - keptMs, keptCount, limit: FORGET_AT_ONCE };
    while (!this.#stopping.signal.aborted) {
      const count = await catalog.transaction((transaction) => forgetEvents(transaction, bounds));
      if (count < FORGET_AT_ONCE) return;
    }
  }
}

/** The next event that is written after this was begun. */
export interface News {
  happened: Promise<void>;
  /** Nobody waits for it any more. */
  forget(): void;
}
