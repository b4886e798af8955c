/** How many requests each may make: a bucket of tokens for a key, which fills again at a rate. In memory; a start fills all. */
import { RequestError } from '../lib/errors.ts';

/** Requests a second, and how many at once; null: as many as anybody likes. */
export type Rate = { perSecond: number; burst: number } | null;

/** Refused for now. */
export class Throttled extends RequestError {
  readonly retryAfterMs: number;
  constructor(code: string, message: string, retryAfterMs: number) {
    super(code, message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** More buckets than anybody has keys: the ones that were used least lately are forgotten, and so full. */
const BUCKET_LIMIT = 10_000;

export class Throttle {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Takes a token of `owner`; else the milliseconds until there is one. Never waits. */
  take(owner: string, monotonicMs: number): number {
    if (this.#rate === null) return 0;
    const { perSecond, burst } = this.#rate;
    const before = this.#buckets.get(owner) ?? { tokens: burst, atMs: monotonicMs };
    const filled = before.tokens + ((monotonicMs - before.atMs) * perSecond) / 1000;
    const tokens = Math.min(burst, filled);
    const isRefused = tokens < 1;
    this.#buckets.delete(owner);
    this.#buckets.set(owner, { tokens: isRefused ? tokens : tokens - 1, atMs: monotonicMs });
    this.#forget();
    return isRefused ? Math.ceil(((1 - tokens) * 1000) / perSecond) : 0;
  }

  #forget(): void {
    if (this.#buckets.size <= BUCKET_LIMIT) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
