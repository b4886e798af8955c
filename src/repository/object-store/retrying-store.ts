/**
 * An object store that repeats what failed for a passing reason (a retryable OperationalError: a lost connection, a busy
 * server), after pauses that grow and are random, so that many clients do not come back at once. Everything else that is
 * thrown goes through at once. It sets no time limits: the store below must end each call by itself.
 *
 * A call whose answer was lost may have taken effect, and may still do so after it was repeated. That is harmless because
 * objects are immutable, and because no name is used again after its delete. A crash leaves what the store below leaves.
 */
import { assert, assertCount } from '../../lib/assert.ts';
import type { Clock } from '../../lib/clock.ts';
import { OperationalError, isRetryable } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import { assertPrefix } from './object-store.ts';
import type { ByteRange, ObjectInfo, ObjectStore } from './object-store.ts';

export interface RetryOptions {
  /** How often a call is made, the first time included, before its error is thrown; at least 1. */
  attempts: number;
  /** The longest that the first pause may be; that of each later one is twice that of the one before. */
  firstPauseMs: number;
  /** No pause is longer. */
  longestPauseMs: number;
  clock: Clock;
  random: Random;
  /** Once it fires nothing is repeated any more: what would be rejects with an AbortError instead, at once. */
  signal?: AbortSignal;
}

export class RetryingStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #options: RetryOptions;

  constructor(inner: ObjectStore, options: RetryOptions) {
    assert(assertCount(options.attempts, 'attempts') > 0, 'a call is made at least once');
    this.#inner = inner;
    this.#options = options;
  }

  /**
   * `parts` must stay as they are until this settles. When an attempt failed and the next one says that the object is
   * there, the failed one may have created it: the object is read back, and true means that it holds these bytes. So
   * true is also said of the same bytes by another writer, and a name may be used as a lock only if its object says
   * who holds it.
   */
  async put(name: string, parts: readonly Uint8Array[]): Promise<boolean> {
    let attemptCount = 0;
    const created = await this.#repeat(async () => {
      attemptCount++;
      return this.#inner.put(name, parts);
    });
    if (created || attemptCount === 1) return created;
    const found = await this.find(name);
    if (found !== undefined) return isJoined(found, parts);
    throw new OperationalError(`${name} was deleted while it was put`, { retryable: true });
  }

  async find(name: string, range?: ByteRange, room?: Buffer): Promise<Buffer | undefined> {
    return this.#repeat(async () => this.#inner.find(name, range, room));
  }

  async stat(name: string): Promise<ObjectInfo | undefined> {
    return this.#repeat(async () => this.#inner.stat(name));
  }

  /**
   * A list that breaks goes on after the last name that it gave out: no name comes twice, and none is missing of the
   * objects that are there all the while. It gives up after `attempts` failures without a name between them.
   */
  list(prefix: string): AsyncIterable<ObjectInfo> {
    assertPrefix(prefix);
    return this.#walk(prefix);
  }

  async *#walk(prefix: string): AsyncGenerator<ObjectInfo> {
    let lastName = '';
    for (let failureCount = 0; ;) {
      try {
        for await (const info of inOrder(this.#inner.list(prefix))) {
          if (info.name <= lastName) continue;
          lastName = info.name;
          failureCount = 0;
          yield info;
        }
        return;
      } catch (error) {
        failureCount++;
        await this.#pauseAfter(error, failureCount);
      }
    }
  }

  async delete(name: string): Promise<void> {
    await this.#repeat(async () => this.#inner.delete(name));
  }

  async persist(name: string): Promise<void> {
    await this.#repeat(async () => this.#inner.persist(name));
  }

  /** Returns what the last attempt freed; what one freed whose answer was lost is not known. */
  async removeLeftovers(): Promise<number> {
    return this.#repeat(async () => this.#inner.removeLeftovers());
  }

  async #repeat<T>(act: () => Promise<T>): Promise<T> {
    for (let failureCount = 1; ; failureCount++) {
      try {
        return await act();
      } catch (error) {
        await this.#pauseAfter(error, failureCount);
      }
    }
  }

  /** Resolves when it is time for the next attempt. Throws `error` when there is to be none. */
  async #pauseAfter(error: unknown, failureCount: number): Promise<void> {
    if (!isRetryable(error) || failureCount >= this.#options.attempts) throw error;
    await this.#options.clock.sleep(planPauseMs(this.#options, failureCount), this.#options.signal);
  }
}

/** How long to wait after that many failures: anything from nothing to a limit that doubles with each. */
function planPauseMs({ firstPauseMs, longestPauseMs, random }: RetryOptions, failureCount: number): number {
  const limitMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (failureCount - 1));
  const share = random.bytes(4).readUInt32LE() / 0xffff_ffff;
  return Math.round(share * limitMs);
}

/** Going on after a name rests on the order of names: out of it, objects would be missing and nobody would know. */
async function* inOrder(list: AsyncIterable<ObjectInfo>): AsyncGenerator<ObjectInfo> {
  let previousName = '';
  for await (const info of list) {
    assert(info.name > previousName, `a list has ${info.name} after ${previousName}`);
    previousName = info.name;
    yield info;
  }
}

/** Whether `bytes` are the bytes of `parts`, joined. */
function isJoined(bytes: Buffer, parts: readonly Uint8Array[]): boolean {
  let position = 0;
  for (const part of parts) {
    if (!bytes.subarray(position, position + part.length).equals(part)) return false;
    position += part.length;
  }
  return position === bytes.length;
}
