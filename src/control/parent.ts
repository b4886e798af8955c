/**
 * What a snapshot is compared with, so that only what changed is read (D5). Pure: the caller reads the stored snapshots of
 * the disk in the transaction that writes the answer down.
 */
import type { TreeBase } from '../disk/protocol.ts';
import type { TreeRef } from '../repository/tree-ref.ts';

export interface FrozenFacts {
  /** The generation that the freeze closed. */
  generation: number;
  base: TreeBase;
  /** The first generation written over the base: snapshots of earlier ones are no parents. */
  baseGeneration: number;
  /** The generations that the view is made of, as ranges. */
  history: [number, number][];
  /** Why change tracking cannot be trusted, or null. */
  compareReason: string | null;
}

export interface StoredSnapshot {
  snapshotId: string;
  generation: number;
  tree: TreeRef;
}

export interface ParentChoice {
  /** Null when compared with the disk's base. */
  snapshotId: string | null;
  tree: TreeRef;
  /** Chunks of the view later than this generation are read; −1 is all that the disk holds itself. */
  sinceGeneration: number;
}

/** All that the disk holds itself, fetched chunks too. */
const EVERYTHING = -1;

/**
 * The newest snapshot whose generation the view is made of, where tracking is whole: one that a rollback undid is in no
 * range of `history`. Else the disk's base, and what was written over it; all that the disk holds where nothing is known of
 * when it was written, or where the base holds nothing: a disk is its base and what it holds itself, so reading all of that is
 * right whatever was lost, and stores only what is new.
 */
export function planParent(frozen: FrozenFacts, stored: StoredSnapshot[]): ParentChoice {
  const { base, baseGeneration, compareReason } = frozen;
  const newest = compareReason === null ? findNewest(frozen, stored) : null;
  if (newest !== null) {
    return { snapshotId: newest.snapshotId, tree: newest.tree, sinceGeneration: newest.generation };
  }
  const isWhole = compareReason === null && base.tree.root !== null;
  return { snapshotId: null, tree: base.tree, sinceGeneration: isWhole ? baseGeneration - 1 : EVERYTHING };
}

function findNewest(frozen: FrozenFacts, stored: StoredSnapshot[]): StoredSnapshot | null {
  const { generation, baseGeneration, history } = frozen;
  const isWithin = (one: number) => history.some(([first, last]) => first <= one && one <= last);
  return stored
    .filter((one) => one.generation < generation && one.generation >= baseGeneration && isWithin(one.generation))
    .reduce<StoredSnapshot | null>(
      (best, one) => (best === null || one.generation > best.generation ? one : best),
      null,
    );
}
