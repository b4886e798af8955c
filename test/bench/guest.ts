/** A guest that does one request after another on each of its lanes, and notes when each began and ended. */
import { setTimeout as delay } from 'node:timers/promises';
import { NbdClient } from '../../src/nbd/client.ts';

export type GuestRequest = (client: NbdClient) => Promise<unknown>;

/** Milliseconds of `performance.now()`. */
export interface Window {
  from: number;
  to: number;
}

export class Guest {
  readonly #client: NbdClient;
  readonly #request: GuestRequest;
  readonly #pauseMs: number;
  readonly #requests: Window[] = [];
  #stopped = false;
  #lanes: Promise<void>[] = [];

  private constructor(client: NbdClient, request: GuestRequest, pauseMs: number) {
    this.#client = client;
    this.#request = request;
    this.#pauseMs = pauseMs;
  }

  /** `pauseMs`: between the end of a request and the next on its lane. */
  static async start(uri: string, request: GuestRequest, how: { lanes: number; pauseMs: number }): Promise<Guest> {
    const guest = new Guest(await NbdClient.connect(uri), request, how.pauseMs);
    guest.#lanes = Array.from({ length: how.lanes }, async () => guest.#run());
    return guest;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
    await this.#client.close();
  }

  /** Of the requests in flight at any time of the window: the longest that one took from the window's start to its end. */
  longestFrom({ from, to }: Window): number {
    return this.#longest(from, to, ({ from: start, to: end }) => end - Math.max(start, from));
  }

  /** Of the requests in flight at any time of the window: the longest that one took as a whole. */
  longest({ from, to }: Window): number {
    return this.#longest(from, to, ({ from: start, to: end }) => end - start);
  }

  /** They are in the order in which they ended: the search begins at the first that ended after `from`. */
  #longest(from: number, to: number, measure: (request: Window) => number): number {
    let low = 0;
    for (let high = this.#requests.length; low < high;) {
      const middle = (low + high) >> 1;
      if ((this.#requests[middle]?.to ?? 0) < from) low = middle + 1;
      else high = middle;
    }
    let longest = 0;
    for (const request of this.#requests.slice(low)) {
      if (request.from <= to) longest = Math.max(longest, measure(request));
      else if (request.from > to + 10_000) break;
    }
    return longest;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const from = performance.now();
      await this.#request(this.#client);
      this.#requests.push({ from, to: performance.now() });
      if (this.#pauseMs > 0) await delay(this.#pauseMs);
    }
  }
}
