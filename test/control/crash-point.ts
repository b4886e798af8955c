/** The death of a server of the tests at one of its acts on the world: from then on it can do nothing more. */
import type { Catalog } from '../../src/catalog/catalog.ts';
import type { Queries } from '../../src/catalog/schema.ts';
import type { DataPlane } from '../../src/control/parts.ts';
import type { DiskdCalls } from '../../src/disk/protocol.ts';

export class Crash extends Error {}

/** Counts acts on the world once armed; from the chosen one on, the server is dead and can do nothing more. */
export class CrashPoint {
  dead = false;
  #count = 0;
  #armed = false;
  readonly #at: number;
  readonly #after: boolean;
  readonly died = Promise.withResolvers<void>();

  constructor(at: number, after: boolean) {
    this.#at = at;
    this.#after = after;
  }

  /** From now on acts count: the start is over. */
  arm(): void {
    this.#armed = true;
  }

  async act<T>(act: () => Promise<T>): Promise<T> {
    if (this.dead) throw new Crash();
    const isLast = this.#armed && ++this.#count === this.#at;
    if (isLast && !this.#after) this.#die();
    const [outcome] = await Promise.allSettled([act()]);
    if (isLast) this.#die(); // whether it failed or not: nobody hears of it
    if (this.dead) throw new Crash();
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  }

  #die(): never {
    this.dead = true;
    this.died.resolve();
    throw new Crash();
  }
}

export function crashing(dataPlane: DataPlane, crash: CrashPoint): DataPlane {
  return {
    call: <K extends keyof DiskdCalls>(
      name: K,
      body: DiskdCalls[K]['request'],
      options?: { timeoutMs?: number; signal?: AbortSignal },
    ) => crash.act(() => dataPlane.call(name, body, options)),
  };
}

export function crashingCatalog(catalog: Catalog, crash: CrashPoint): Catalog {
  return new Proxy(catalog, {
    get: (target, name) => {
      if (name === 'transaction') {
        return <T>(work: (transaction: Queries) => Promise<T>) => crash.act(() => target.transaction(work));
      }
      if (crash.dead) throw new Crash();
      return Reflect.get(target, name, target) as unknown;
    },
  });
}
