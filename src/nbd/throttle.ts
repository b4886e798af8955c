/**
 * What a disk may do in a second: token buckets for operations and bytes, shared by all its clients. A burst of one second
 * is let through at once. A request may be begun while there is any token, and what it takes beyond that is a debt; so any
 * request passes sooner or later, and on average the limits hold.
 *
 * A client that finds no tokens is not read from until it is called back. While anybody waits, new tokens are divided
 * equally among those who wait, so that neither many nor large requests get one client more than another.
 *
 * Every READ, WRITE, TRIM and WRITE_ZEROES is one operation, as ESSD counts (throughput = IOPS × I/O size).
 */
import type { Clock } from '../lib/clock.ts';

export interface ThrottleLimits {
  iops: number;
  bytesPerSecond: number;
}

/** Those who wait are looked at no more and no less often than this. */
const LEAST_WAIT_MS = 1;
const MOST_WAIT_MS = 50;
/** Of a second's tokens, what one who waits may have: enough for the longest wait. */
const SHARE_LIMIT = MOST_WAIT_MS / 1000;

interface Tokens {
  operations: number;
  bytes: number;
}

export class Throttle {
  readonly #clock: Clock;
  readonly #tokens: Tokens = { operations: 0, bytes: 0 };
  #limits: ThrottleLimits | null = null;
  #filledAtMs = 0;
  #waiting: ThrottleClient[] = [];
  #served: ThrottleClient | undefined;
  #isServing = false;

  constructor(limits: ThrottleLimits | null, clock: Clock) {
    this.#clock = clock;
    this.limits = limits;
  }

  get limits(): ThrottleLimits | null {
    return this.#limits;
  }

  /** Takes effect at once; null lets everybody go on. */
  set limits(limits: ThrottleLimits | null) {
    const hadLimits = this.#limits !== null;
    if (hadLimits) this.#fill();
    this.#limits = limits === null ? null : { ...limits };
    if (limits !== null && !hadLimits) {
      this.#tokens.operations = limits.iops;
      this.#tokens.bytes = limits.bytesPerSecond;
      this.#filledAtMs = this.#clock.monotonicMs();
    } else if (limits === null) this.#serve(() => true);
  }

  /** `goOn` is called when a client that was refused may take again; what it takes during the call is its own share. */
  join(goOn: () => void): ThrottleClient {
    return new ThrottleClient(this, goOn);
  }

  /** For a client: takes what one request costs, or has the client wait. */
  take(client: ThrottleClient, byteCount: number): boolean {
    if (this.#limits === null) return true;
    if (client.isWaiting) return false;
    const isServed = client === this.#served;
    if (!isServed) this.#fill();
    const tokens = isServed ? client.share : this.#tokens;
    if ((isServed || this.#waiting.length === 0) && isPositive(tokens)) {
      tokens.operations--;
      tokens.bytes -= byteCount;
      return true;
    }
    client.isWaiting = true;
    this.#waiting.push(client);
    if (!this.#isServing) void this.#serveWaiting();
    return false;
  }

  /** For a client: it waits no longer, and leaves its tokens or debts to the others. */
  leave(client: ThrottleClient): void {
    if (client.isWaiting) this.#waiting = this.#waiting.filter((other) => other !== client);
    client.isWaiting = false;
    this.#takeBack(client);
  }

  async #serveWaiting(): Promise<void> {
    this.#isServing = true;
    while (this.#waiting.length > 0) {
      await this.#clock.sleep(this.#nextWaitMs());
      this.#divide();
      this.#serve((client) => isPositive(client.share));
    }
    this.#isServing = false;
  }

  #nextWaitMs(): number {
    const limits = this.#limits;
    let least = MOST_WAIT_MS;
    for (const { share } of this.#waiting) {
      if (limits === null) break;
      const perMs = 1 / (1000 * this.#waiting.length);
      const forOperations = -share.operations / (limits.iops * perMs);
      const forBytes = -share.bytes / (limits.bytesPerSecond * perMs);
      least = Math.min(least, Math.max(forOperations, forBytes));
    }
    return Math.max(least, LEAST_WAIT_MS);
  }

  /** Equal parts; who still pays off bytes does not heap up operations meanwhile, nor the other way round. */
  #divide(): void {
    const limits = this.#limits;
    if (limits === null) return;
    this.#fill();
    const tokens = this.#tokens;
    const part = { operations: tokens.operations / this.#waiting.length, bytes: tokens.bytes / this.#waiting.length };
    for (const { share } of this.#waiting) {
      const operations = Math.min(part.operations, Math.max(limits.iops * SHARE_LIMIT, 1) - share.operations);
      const bytes = Math.min(part.bytes, Math.max(limits.bytesPerSecond * SHARE_LIMIT, 1) - share.bytes);
      share.operations += operations;
      share.bytes += bytes;
      tokens.operations -= operations;
      tokens.bytes -= bytes;
    }
  }

  /** Calls back those who may go on. Whoever does not wait again afterwards returns what is left. */
  #serve(mayGoOn: (client: ThrottleClient) => boolean): void {
    const served = this.#waiting.filter(mayGoOn);
    this.#waiting = this.#waiting.filter((client) => !served.includes(client));
    for (const client of served) {
      client.isWaiting = false;
      this.#served = client;
      client.goOn();
      this.#served = undefined;
      if (!client.isWaiting) this.#takeBack(client);
    }
  }

  #takeBack({ share }: ThrottleClient): void {
    this.#tokens.operations += share.operations;
    this.#tokens.bytes += share.bytes;
    share.operations = 0;
    share.bytes = 0;
  }

  #fill(): void {
    const limits = this.#limits;
    if (limits === null) return;
    const nowMs = this.#clock.monotonicMs();
    const seconds = (nowMs - this.#filledAtMs) / 1000;
    this.#filledAtMs = nowMs;
    const tokens = this.#tokens;
    tokens.operations = Math.min(tokens.operations + limits.iops * seconds, limits.iops);
    tokens.bytes = Math.min(tokens.bytes + limits.bytesPerSecond * seconds, limits.bytesPerSecond);
  }
}

/** One connection's place at the buckets. */
export class ThrottleClient {
  /** Kept by the throttle. */
  isWaiting = false;
  readonly share: Tokens = { operations: 0, bytes: 0 };
  readonly goOn: () => void;
  readonly #throttle: Throttle;

  constructor(throttle: Throttle, goOn: () => void) {
    this.#throttle = throttle;
    this.goOn = goOn;
  }

  /** Whether a request that moves so many bytes may be begun now; if not, `goOn` follows. */
  take(byteCount: number): boolean {
    return this.#throttle.take(this, byteCount);
  }

  leave(): void {
    this.#throttle.leave(this);
  }
}

function isPositive(tokens: Tokens): boolean {
  return tokens.operations > 0 && tokens.bytes > 0;
}
