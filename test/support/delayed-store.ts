/**
 * An object store as far away as a test says: each round trip waits first, for as long as the test lets it, and is
 * counted. What is awaited decides the order in which calls that overlap take effect.
 */
import { assertPrefix } from '../../src/repository/object-store/object-store.ts';
import type { ByteRange, ObjectInfo, ObjectStore } from '../../src/repository/object-store/object-store.ts';

/** S3 answers a list in pages of so many names. */
const LIST_PAGE_NAMES = 1000;

export class DelayedStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #delay: (operation: keyof ObjectStore) => Promise<void>;
  #roundTripCount = 0;

  constructor(inner: ObjectStore, delay: (operation: keyof ObjectStore) => Promise<void>) {
    this.#inner = inner;
    this.#delay = delay;
  }

  /** Those that have begun: one for each call, and for a list one for each thousand names, begun ones included. */
  get roundTripCount(): number {
    return this.#roundTripCount;
  }

  async put(name: string, parts: readonly Uint8Array[]): Promise<boolean> {
    await this.#travel('put');
    return this.#inner.put(name, parts);
  }

  async find(name: string, range?: ByteRange, room?: Buffer): Promise<Buffer | undefined> {
    await this.#travel('find');
    return this.#inner.find(name, range, room);
  }

  async stat(name: string): Promise<ObjectInfo | undefined> {
    await this.#travel('stat');
    return this.#inner.stat(name);
  }

  list(prefix: string): AsyncIterable<ObjectInfo> {
    assertPrefix(prefix);
    return this.#walk(prefix);
  }

  async *#walk(prefix: string): AsyncGenerator<ObjectInfo> {
    await this.#travel('list');
    let count = 0;
    for await (const info of this.#inner.list(prefix)) {
      if (count > 0 && count % LIST_PAGE_NAMES === 0) await this.#travel('list');
      count++;
      yield info;
    }
  }

  async delete(name: string): Promise<void> {
    await this.#travel('delete');
    await this.#inner.delete(name);
  }

  async persist(name: string): Promise<void> {
    await this.#travel('persist');
    await this.#inner.persist(name);
  }

  async removeLeftovers(): Promise<number> {
    await this.#travel('removeLeftovers');
    return this.#inner.removeLeftovers();
  }

  async #travel(operation: keyof ObjectStore): Promise<void> {
    this.#roundTripCount++;
    await this.#delay(operation);
  }
}
