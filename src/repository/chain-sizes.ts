/**
 * What the snapshots of a chain take (`ecs-api.md` 4.8), from what the ledger has counted: each recorded the chunks in which it
 * differs from the one before it. That is its parent in the ledger, unless this is no snapshot of the chain, because it was
 * deleted and is still needed by a disk, or is just being forgotten. Then it is as if the ledger had forgotten it already: its
 * heir takes its place, and the others follow that one. How much such two differ is measured when it is first asked.
 */
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { chooseHeir } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import type { TreePlace } from './ledger-store.ts';
import type { TreeRef } from './tree-ref.ts';

export interface ChainSize {
  bytes: number;
  /** How many of the snapshots are in it; the others are still to be counted. */
  countedCount: number;
}

interface Member extends TreePlace {
  tree: TreeRef;
}

/** So many pairs are remembered. */
const PAIR_LIMIT = 10_000;

export class ChainSizes {
  readonly #ledger: Ledger;
  /** By the ids of two trees: chunks of the first that are not in the second. Trees never change. */
  readonly #apart = new Map<string, number>();
  readonly #wanted = new Map<string, readonly [TreeRef, TreeRef]>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Whether something is to be measured before all that was asked can be told. */
  get isWaiting(): boolean {
    return this.#wanted.size > 0;
  }

  /** Of the trees of all snapshots of a chain; several may have the same. */
  size(trees: readonly TreeRef[]): ChainSize {
    const stored = trees.filter(({ root }) => root !== null);
    const members = stored.flatMap((tree) => {
      const place = this.#ledger.findWhole(tree);
      return place === undefined ? [] : [{ ...place, tree }];
    });
    const byId = new Map(members.map((member) => [member.id, member]));
    const parents = this.#parentsOf(byId);
    const recorded = new Map([...byId].map(([id, member]) => [id, this.#recordedBy(member, parents, byId)]));
    const chunkCount = [...recorded.values()].reduce<number>((sum, count = 0) => sum + count, 0);
    const toldCount = members.filter(({ id }) => recorded.get(id) !== undefined).length;
    return { bytes: chunkCount * CHUNK_BYTES, countedCount: trees.length - stored.length + toldCount };
  }

  /** Measures what was asked for. Throws CorruptionError at a page that cannot be read. */
  async measure(signal: AbortSignal): Promise<void> {
    for (const [key, [tree, other]] of this.#wanted) {
      signal.throwIfAborted();
      if (this.#apart.size >= PAIR_LIMIT) this.#apart.clear();
      this.#apart.set(key, await this.#ledger.countApart(tree, other));
      this.#wanted.delete(key);
    }
  }

  /** Of each member, the one before it, or null: as the ledger would have it that forgets what is between them. */
  #parentsOf(members: ReadonlyMap<number, Member>): Map<number, number | null> {
    const between = new Map<number, TreePlace>();
    const parents = new Map([...members.values()].map(({ id, parent }) => [id, parent]));
    for (const { parent } of members.values()) this.#climb(parent, members, between);
    for (const { id, parent } of between.values()) parents.set(id, parent);
    for (const gone of [...between.values()].toSorted((a, b) => a.id - b.id)) {
      const children = [...parents.keys()].filter((id) => parents.get(id) === gone.id).toSorted((a, b) => a - b);
      const heir = chooseHeir(
        gone,
        children.map((id) => members.get(id) ?? between.get(id)).filter((one) => one !== undefined),
      );
      for (const id of children) parents.set(id, heir);
      if (heir !== null) parents.set(heir, parents.get(gone.id) ?? null);
      parents.delete(gone.id);
    }
    return parents;
  }

  /** Notes the ancestors up to the first that is a member. */
  #climb(id: number | null, members: ReadonlyMap<number, Member>, between: Map<number, TreePlace>): void {
    for (let at = id; at !== null && !members.has(at) && !between.has(at);) {
      const place = this.#ledger.findPlace(at);
      if (place === undefined) return;
      between.set(at, place);
      at = place.parent;
    }
  }

  /** Chunks; undefined: to be measured. */
  #recordedBy(
    { id, parent, ownChunkCount, tree }: Member,
    parents: ReadonlyMap<number, number | null>,
    members: ReadonlyMap<number, Member>,
  ): number | undefined {
    const before = parents.get(id) ?? null;
    if (before === parent) return ownChunkCount;
    const other = before === null ? undefined : members.get(before);
    if (other === undefined) return tree.dataChunkCount;
    const key = `${id} ${other.id}`;
    const count = this.#apart.get(key);
    if (count === undefined) this.#wanted.set(key, [tree, other.tree]);
    return count;
  }
}
