/**
 * Which generations somebody sees: the live disk, or a frozen view. A rollback to a view leaves out what was written
 * after it, so a lineage is a list of ranges, over one base. Pure.
 */
import type { BaseRef } from './protocol.ts';
import { isViewBase } from './protocol.ts';

/** First and last generation, both included. */
export type Range = [number, number];

/** The last generation of the live disk's last range: those to come are its own. */
export const OPEN_END = 0xffff_ffff;

/** Children of a page of the repository's trees (`docs/format.md`). */
const TREE_FAN_OUT = 128;

export interface Lineage {
  /** What absent chunks read as. */
  base: BaseRef;
  /** The first generation written over the base. Chunks fetched from it have the one before: unchanged since. */
  baseGeneration: number;
  /** Rising, with gaps between. */
  ranges: Range[];
}

/** A disk's first lineage, or the one after a rollback to a tree: nothing of before is seen. */
export function newLineage(base: BaseRef, baseGeneration: number): Lineage {
  return { base, baseGeneration, ranges: [[baseGeneration - 1, OPEN_END]] };
}

export function sees(lineage: Lineage, generation: number): boolean {
  const { ranges } = lineage;
  for (let i = ranges.length - 1; i >= 0; i--) {
    const range = ranges[i]!;
    if (generation > range[1]) return false;
    if (generation >= range[0]) return true;
  }
  return false;
}

/** The lineage as of the end of a generation that it sees. */
export function cutAt(lineage: Lineage, generation: number): Lineage {
  const ranges = lineage.ranges
    .filter(([first]) => first <= generation)
    .map(([first, last]): Range => [first, Math.min(last, generation)]);
  return { ...lineage, ranges };
}

/** The lineage of a disk rolled back to a view: what the view sees, and what is written from `generation` on. */
export function continuedFrom(view: Lineage, generation: number): Lineage {
  return { ...view, ranges: [...view.ranges, [generation, OPEN_END]] };
}

/** Chunks from this one on are zeros in the base, known without looking. */
export function baseEnd({ base }: Lineage): number {
  if (isViewBase(base)) return Infinity;
  return base.tree.root === null ? 0 : TREE_FAN_OUT ** base.tree.levels;
}

export function isBaseZero(lineage: Lineage, chunk: number): boolean {
  return chunk >= baseEnd(lineage);
}

export function isSameBase(a: BaseRef, b: BaseRef): boolean {
  if (a.snapshotId !== b.snapshotId) return false;
  if (isViewBase(a) || isViewBase(b)) return isViewBase(a) && isViewBase(b) && a.viewOf === b.viewOf;
  return a.tree.root === b.tree.root;
}
