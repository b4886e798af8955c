/**
 * What may be forgotten of a chunk's layers. A layer that nobody sees, or that is covered by newer ones for everybody who
 * sees it, goes; two neighbours that only the live disk sees may be merged into one slot. Pure.
 */
import { FULL_MASK } from '../lib/geometry.ts';
import type { Lineage } from './lineage.ts';
import { sees } from './lineage.ts';
import type { MapPage } from './map-page.ts';
import { ABSENT, FIRST_SLOT } from './map-page.ts';

/** Takes out the layers of chunk `i` that none of the readers needs, and tells the places of those. */
export function settleChunk(
  page: MapPage,
  i: number,
  readers: readonly Lineage[],
  gone: (place: number) => void,
): void {
  if (page.place(i) === ABSENT) return;
  let above = -1;
  for (let row = i; ;) {
    if (isNeeded(page, i, row, readers)) {
      above = row;
      row = page.next(row);
      if (row === 0) return;
      continue;
    }
    gone(page.place(row));
    page.remove(i, above);
    if (above >= 0 && page.next(above) === 0) return;
    row = above < 0 ? i : page.next(above);
    if (page.place(row) === ABSENT) return;
  }
}

/** Whether `settleChunk` would take out any. */
export function hasNeedless(page: MapPage, i: number, readers: readonly Lineage[]): boolean {
  for (let row = i; ; row = page.next(row)) {
    if (!isNeeded(page, i, row, readers)) return true;
    if (page.next(row) === 0) return false;
  }
}

function isNeeded(page: MapPage, i: number, row: number, readers: readonly Lineage[]): boolean {
  for (const reader of readers) {
    if (sees(reader, page.generation(row)) && (page.mask(row) & ~coveredAbove(page, i, row, reader)) !== 0) return true;
  }
  return false;
}

/** The blocks that the layers above `row` hold for the reader. */
function coveredAbove(page: MapPage, i: number, row: number, reader: Lineage): number {
  let covered = 0;
  for (let at = i; at !== row; at = page.next(at)) {
    if (sees(reader, page.generation(at))) covered |= page.mask(at);
    if (covered === FULL_MASK) break;
  }
  return covered;
}

/**
 * Neighbouring layers that only the live disk sees, the upper one a slot; the lowest such pair, or undefined. From the bottom,
 * so that what was written later comes to where the chunk began, beside its neighbours.
 */
export function findMergeable(
  page: MapPage,
  i: number,
  live: Lineage,
  views: readonly Lineage[],
): { upper: number; lower: number } | undefined {
  let lowest: { upper: number; lower: number } | undefined;
  for (let upper = i, lower = page.next(i); lower !== 0; upper = lower, lower = page.next(lower)) {
    const rows = [page.generation(upper), page.generation(lower)];
    if (page.place(upper) < FIRST_SLOT || !rows.every((generation) => sees(live, generation))) continue;
    if (views.some((view) => rows.some((generation) => sees(view, generation)))) continue;
    lowest = { upper, lower };
  }
  return lowest;
}

/** Where the blocks of `mask` are for a reader, newest layer first; what no layer holds is `inBase`. */
export function resolveBlocks(
  page: MapPage | undefined,
  i: number,
  reader: Lineage,
  mask: number,
): { parts: { place: number; mask: number }[]; inBase: number } {
  const parts: { place: number; mask: number }[] = [];
  let rest = mask;
  if (page === undefined || page.place(i) === ABSENT) return { parts, inBase: rest };
  for (let row = i; rest !== 0;) {
    const held = page.mask(row) & rest;
    if (held !== 0 && sees(reader, page.generation(row))) {
      parts.push({ place: page.place(row), mask: held });
      rest &= ~held;
    }
    row = page.next(row);
    if (row === 0) break;
  }
  return { parts, inBase: rest };
}
