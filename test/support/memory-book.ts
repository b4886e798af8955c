/** The collector's book without a catalog: the same rules, in memory. Each call is one transaction. */
import type { CollectorBook, CondemnedPacks, Look, OpenSession } from '../../src/repository/collector-book.ts';
import type { NamedTree } from '../../src/repository/ledger.ts';

export class MemoryBook implements CollectorBook {
  sessions: OpenSession[] = [];
  /** So many deletions are remembered. */
  remembered = 1000;
  #nextSession = 1;
  #condemned: CondemnedPacks = { epoch: 0, packs: [], dying: [], deleted: [], deletedSince: 0 };
  readonly #listTrees: () => NamedTree[];

  constructor(listTrees: () => NamedTree[] = () => []) {
    this.#listTrees = listTrees;
  }

  get condemned(): CondemnedPacks {
    return structuredClone(this.#condemned);
  }

  begin(): OpenSession & { condemned: CondemnedPacks } {
    const session = { session: this.#nextSession++, epoch: this.#condemned.epoch };
    this.sessions.push(session);
    return { ...session, condemned: this.condemned };
  }

  /** False when it was ended before. */
  end(session: number): boolean {
    const place = this.sessions.findIndex((open) => open.session === session);
    if (place < 0) return false;
    this.sessions.splice(place, 1);
    return true;
  }

  async look(): Promise<Look> {
    return { trees: this.#listTrees(), sessions: [...this.sessions], condemned: this.condemned };
  }

  async condemn(packIds: readonly string[]): Promise<CondemnedPacks> {
    const epoch = ++this.#condemned.epoch;
    const { packs, dying, deleted } = this.#condemned;
    const known = new Set([...packs, ...dying, ...deleted].map(({ packId }) => packId));
    packs.push(...packIds.filter((packId) => !known.has(packId)).map((packId) => ({ packId, epoch })));
    return this.condemned;
  }

  async settle(change: Parameters<CollectorBook['settle']>[0]): Promise<CondemnedPacks | null> {
    if (change.epoch !== this.#condemned.epoch) return null;
    const epoch = ++this.#condemned.epoch;
    const gone = new Set([...change.pardoned, ...change.dying]);
    this.#condemned.packs = this.#condemned.packs.filter(({ packId }) => !gone.has(packId));
    this.#condemned.dying.push(...change.dying.map((packId) => ({ packId, epoch })));
    return this.condemned;
  }

  async forget(packIds: readonly string[]): Promise<CondemnedPacks> {
    const epoch = ++this.#condemned.epoch;
    const gone = this.#condemned.dying.filter(({ packId }) => packIds.includes(packId));
    this.#condemned.dying = this.#condemned.dying.filter(({ packId }) => !packIds.includes(packId));
    this.#condemned.deleted.push(...gone.map(({ packId }) => ({ packId, epoch })));
    const old = this.#condemned.deleted.at(-1 - this.remembered);
    if (old !== undefined) {
      this.#condemned.deletedSince = old.epoch;
      this.#condemned.deleted = this.#condemned.deleted.filter((pack) => pack.epoch > old.epoch);
    }
    return this.condemned;
  }
}

/** A book of a catalog that needs `trees`. */
export function bookOf(trees: readonly { root: string | null; levels: number; dataChunkCount: number }[]): MemoryBook {
  return new MemoryBook(() => trees.map((tree, position) => ({ name: `root ${position}`, tree, near: [], chain: '' })));
}
