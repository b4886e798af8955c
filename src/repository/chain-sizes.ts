/**
 * What the snapshots of a chain take (`ecs-api.md` 4.8), from what the ledger has counted: each recorded the chunks in which it
 * differs from the one before it. That is its parent in the ledger, unless this is no snapshot of the chain, because it was
 * deleted and is still needed by a disk, or is just being forgotten. Then it is as if that were gone already: its first child
 * takes its place and the others follow that one, as in the ledger. How much such two differ is measured when it is first asked.
 */
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { Ledger } from './ledger.ts';
import type { CountedTree } from './ledger-store.ts';
import type { TreeRef } from './tree-ref.ts';

export interface ChainSize {
  bytes: number;
  /** How many of the snapshots are in it; the others are still to be counted. */
  countedCount: number;
}

type Pair = readonly [CountedTree, CountedTree];
type Members = ReadonlyMap<number, CountedTree>;

/** So many pairs are remembered. */
const PAIR_LIMIT = 10_000;

export class ChainSizes {
  readonly #ledger: Ledger;
  /** By the ids of two trees: chunks of the first that are not in the second. Trees never change. */
  readonly #apart = new Map<string, number>();
  readonly #wanted = new Map<string, Pair>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Whether something is to be measured before all that was asked can be told. */
  get isWaiting(): boolean {
    return this.#wanted.size > 0;
  }

  /** Of the trees of all snapshots of a chain; several may have the same. */
  size(trees: readonly TreeRef[]): ChainSize {
    const found = trees.map((tree) => (tree.root === null ? null : this.#ledger.findWhole(tree)));
    const counted = found.filter((tree) => tree !== null && tree !== undefined).toSorted((a, b) => a.id - b.id);
    const members: Members = new Map(counted.map((tree) => [tree.id, tree]));
    const heirs = new Map<number, CountedTree>();
    const recorded = new Map([...members.values()].map((tree) => [tree.id, this.#recordedBy(tree, members, heirs)]));
    const isTold = (tree: CountedTree | null | undefined) => tree === null || recorded.get(tree?.id ?? 0) !== undefined;
    const chunkCount = [...recorded.values()].reduce<number>((sum, count = 0) => sum + count, 0);
    return { bytes: chunkCount * CHUNK_BYTES, countedCount: found.filter(isTold).length };
  }

  /** Measures what was asked for. Throws CorruptionError at a page that cannot be read. */
  async measure(signal: AbortSignal): Promise<void> {
    for (const [key, [tree, other]] of this.#wanted) {
      signal.throwIfAborted();
      if (this.#apart.size >= PAIR_LIMIT) this.#apart.clear();
      this.#apart.set(key, await this.#ledger.countApart(tree.tree, other.tree));
      this.#wanted.delete(key);
    }
  }

  /** Chunks; undefined: to be measured. */
  #recordedBy(tree: CountedTree, members: Members, heirs: Map<number, CountedTree>): number | undefined {
    let { parent } = tree;
    let passed: CountedTree | undefined;
    while (parent !== null && !members.has(parent)) {
      passed = this.#ledger.findTree(parent);
      parent = passed?.parent ?? null;
    }
    if (passed === undefined) return parent === tree.parent ? tree.ownChunkCount : tree.tree.dataChunkCount;
    const heir = heirs.get(passed.id);
    if (heir === undefined) heirs.set(passed.id, tree);
    const before = heir ?? (parent === null ? undefined : members.get(parent));
    return before === undefined ? tree.tree.dataChunkCount : this.#countApart([tree, before]);
  }

  #countApart(pair: Pair): number | undefined {
    const key = `${pair[0].id} ${pair[1].id}`;
    const count = this.#apart.get(key);
    if (count === undefined) this.#wanted.set(key, pair);
    return count;
  }
}
