/**
 * What a snapshot is compared with, so that only what changed is read (D5). Pure: the caller reads the newest
 * accomplished snapshot of the same incarnation in the transaction that writes the answer down.
 */
import type { BaseRef } from '../disk/protocol.ts';
import type { TreeRef } from '../repository/tree-ref.ts';

export interface FrozenFacts {
  /** The generation that the freeze closed. */
  generation: number;
  base: BaseRef;
  /** Snapshots of earlier generations are no parents: what changed since them is not known. */
  baseGeneration: number;
  /** Why change tracking cannot be trusted, or null. */
  compareReason: string | null;
}

export interface ParentChoice {
  /** Null when compared with the disk's base. */
  snapshotId: string | null;
  tree: TreeRef;
  /** Chunks of the view later than this generation are read; 0 is all that the disk holds itself. */
  sinceGeneration: number;
}

/**
 * The newest snapshot of the incarnation, where there is one and tracking is whole. Else the disk's base: a disk is its
 * base and what it holds itself, so reading all of that is right whatever was lost, and stores only what is new.
 */
export function planParent(
  frozen: FrozenFacts,
  newest: { snapshotId: string; tree: TreeRef; generation: number } | null,
): ParentChoice {
  const isTracked = frozen.compareReason === null && (newest?.generation ?? 0) >= frozen.baseGeneration;
  if (newest !== null && isTracked && newest.generation < frozen.generation) {
    return { snapshotId: newest.snapshotId, tree: newest.tree, sinceGeneration: newest.generation };
  }
  return { snapshotId: null, tree: frozen.base.tree, sinceGeneration: 0 };
}
