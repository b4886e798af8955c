/**
 * An object store whose calls fail as a plan says, before they take effect or after it (the answer is lost), as those of
 * a network store do. What it throws is a retryable OperationalError.
 */
import assert from 'node:assert/strict';
import { OperationalError } from '../../src/lib/errors.ts';
import { assertPrefix } from '../../src/repository/object-store/object-store.ts';
import type { ByteRange, ObjectInfo, ObjectStore } from '../../src/repository/object-store/object-store.ts';

export interface StoreCall {
  operation: keyof ObjectStore;
  /** The object's name, a list's prefix, or '' for `removeLeftovers`. */
  name: string;
}

/** A list that fails after items gives out at most so many names; one that fails 'after' gives out all of them. */
export type Fault = 'before' | 'after' | { afterItems: number };

/**
 * Decides whether a call fails. `occurrence` is how many calls of this operation with this name came before, from 0.
 * What the plan itself throws, the call throws before it takes effect.
 */
export type FaultPlan = (call: StoreCall, occurrence: number) => Fault | undefined;

export class FaultyStore implements ObjectStore {
  /** How many calls were made, those that failed included. A list counts once its first name is asked for. */
  readonly callCounts: Record<keyof ObjectStore, number> = {
    put: 0,
    find: 0,
    stat: 0,
    list: 0,
    delete: 0,
    persist: 0,
    removeLeftovers: 0,
  };
  readonly #inner: ObjectStore;
  readonly #plan: FaultPlan;
  readonly #occurrences = new Map<string, number>();

  constructor(inner: ObjectStore, plan: FaultPlan) {
    this.#inner = inner;
    this.#plan = plan;
  }

  async put(name: string, parts: readonly Uint8Array[]): Promise<boolean> {
    return this.#act({ operation: 'put', name }, async () => this.#inner.put(name, parts));
  }

  async find(name: string, range?: ByteRange, room?: Buffer): Promise<Buffer | undefined> {
    return this.#act({ operation: 'find', name }, async () => this.#inner.find(name, range, room));
  }

  async stat(name: string): Promise<ObjectInfo | undefined> {
    return this.#act({ operation: 'stat', name }, async () => this.#inner.stat(name));
  }

  list(prefix: string): AsyncIterable<ObjectInfo> {
    assertPrefix(prefix);
    return this.#walk({ operation: 'list', name: prefix });
  }

  async delete(name: string): Promise<void> {
    await this.#act({ operation: 'delete', name }, async () => this.#inner.delete(name));
  }

  async persist(name: string): Promise<void> {
    await this.#act({ operation: 'persist', name }, async () => this.#inner.persist(name));
  }

  async removeLeftovers(): Promise<number> {
    return this.#act({ operation: 'removeLeftovers', name: '' }, async () => this.#inner.removeLeftovers());
  }

  async #act<T>(call: StoreCall, act: () => Promise<T>): Promise<T> {
    const fault = this.#takeFault(call);
    assert.notEqual(typeof fault, 'object', `only a list fails after items, not a ${call.operation}`);
    if (fault === 'before') throw failure(call, 'before it began');
    const result = await act();
    if (fault === 'after') throw failure(call, 'its answer is lost');
    return result;
  }

  async *#walk(call: StoreCall): AsyncGenerator<ObjectInfo> {
    const fault = this.#takeFault(call);
    if (fault === 'before') throw failure(call, 'before it began');
    const limit = typeof fault === 'object' ? fault.afterItems : Infinity;
    let count = 0;
    for await (const info of this.#inner.list(call.name)) {
      if (count === limit) break;
      count++;
      yield info;
    }
    if (fault !== undefined) throw failure(call, `after ${count} names`);
  }

  #takeFault(call: StoreCall): Fault | undefined {
    const key = `${call.operation} ${call.name}`;
    const occurrence = this.#occurrences.get(key) ?? 0;
    this.#occurrences.set(key, occurrence + 1);
    this.callCounts[call.operation]++;
    return this.#plan(call, occurrence);
  }
}

function failure({ operation, name }: StoreCall, when: string): OperationalError {
  return new OperationalError(`a planned failure of ${operation} ${name}: ${when}`, { retryable: true });
}
