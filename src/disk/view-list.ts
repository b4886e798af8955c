/** Which chunks of a frozen view are later than a generation, and where their blocks are: what a snapshot has to look at. */
import { setImmediate } from 'node:timers/promises';
import { FULL_MASK } from '../lib/geometry.ts';
import type { ChunkFill } from './chunk-fill.ts';
import type { DiskMap, FrozenView } from './disk-map.ts';
import type { Lineage } from './lineage.ts';
import { isBaseZero, sees } from './lineage.ts';
import type { MapPage } from './map-page.ts';
import { ABSENT, FIRST_SLOT, PAGE_CHUNKS } from './map-page.ts';
import type { ViewChunk, ViewPart } from './protocol.ts';
import { resolveBlocks } from './settle.ts';

/** Pages looked at in one go, between which other work gets its turn. */
const PAGES_A_TURN = 256;

export interface ViewRequest {
  sinceGeneration: number;
  fromChunk: number;
  limit: number;
}

/**
 * Up to `limit` chunks of the view, by rising index from `fromChunk`, that were written after `sinceGeneration`. Chunks of
 * which a part is in the base are filled first. `next` is where to go on, null at the end.
 */
export async function listViewPage(
  map: DiskMap,
  fill: ChunkFill,
  view: FrozenView,
  request: ViewRequest,
): Promise<{ chunks: ViewChunk[]; next: number | null }> {
  const { sinceGeneration, fromChunk, limit } = request;
  const chunks: ViewChunk[] = [];
  let turn = 0;
  for (const index of map.pagesFrom(Math.floor(fromChunk / PAGE_CHUNKS))) {
    if (++turn % PAGES_A_TURN === 0) await setImmediate();
    if ((map.facts(index)?.maxGeneration ?? 0) <= sinceGeneration) continue;
    const first = index * PAGE_CHUNKS;
    for (let chunk = Math.max(fromChunk, first); chunk < first + PAGE_CHUNKS; chunk++) {
      if (!isLater(map.page(index), chunk - first, view.lineage, sinceGeneration)) continue;
      if (chunks.length === limit) return { chunks, next: chunk };
      chunks.push(describeChunk(map, view, chunk) ?? (await describeFilled(map, fill, view, chunk)));
    }
  }
  return { chunks, next: null };
}

/** Whether the newest layer that the view sees is later than the generation. */
function isLater(page: MapPage | undefined, i: number, lineage: Lineage, sinceGeneration: number): boolean {
  if (page === undefined || page.place(i) === ABSENT) return false;
  for (let row = i; ; row = page.next(row)) {
    if (sees(lineage, page.generation(row))) return page.generation(row) > sinceGeneration;
    if (page.next(row) === 0) return false;
  }
}

async function describeFilled(map: DiskMap, fill: ChunkFill, view: FrozenView, chunk: number): Promise<ViewChunk> {
  for (;;) {
    await fill.fill(chunk, view.lineage);
    const described = describeChunk(map, view, chunk);
    if (described !== undefined) return described;
  }
}

/** Undefined when a part of the chunk is in the base. */
function describeChunk(map: DiskMap, { lineage }: FrozenView, chunk: number): ViewChunk | undefined {
  const { parts, inBase } = resolveBlocks(map.pageOf(chunk), chunk % PAGE_CHUNKS, lineage, FULL_MASK);
  if (inBase !== 0 && !isBaseZero(lineage, chunk)) return undefined;
  const found = parts.map(({ place, mask }): ViewPart => ({
    slot: place < FIRST_SLOT ? null : place - FIRST_SLOT,
    mask,
  }));
  if (inBase !== 0) found.push({ slot: null, mask: inBase });
  const zeroMask = found.reduce((mask, part) => (part.slot === null ? mask | part.mask : mask), 0);
  if (zeroMask === FULL_MASK) return { chunk, slot: null };
  return found.length === 1 ? { chunk, slot: found[0]!.slot } : { chunk, parts: found };
}
