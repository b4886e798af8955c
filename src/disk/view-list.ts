/** Which chunks of a frozen view are later than a generation: what a snapshot has to look at. Pure. */
import type { FrozenView, MapState } from './map-state.ts';
import { FIRST_SLOT, PAGE_CHUNKS } from './map-state.ts';
import type { ViewChunk } from './protocol.ts';

/**
 * Up to `limit` chunks of the view, by rising index from `fromChunk`, that were written after `sinceGeneration`. Absent
 * chunks and those fetched from the base are as in the base and never listed. `next` is where to go on, null at the end.
 */
export function listViewPage(
  map: MapState,
  view: FrozenView,
  request: { sinceGeneration: number; fromChunk: number; limit: number },
): { chunks: ViewChunk[]; next: number | null } {
  const since = Math.max(0, request.sinceGeneration);
  const chunks: ViewChunk[] = [];
  for (const { index, page } of map.listPages()) {
    const end = (index + 1) * PAGE_CHUNKS;
    if (end <= request.fromChunk || page.maxGeneration <= since) continue;
    for (let chunk = Math.max(request.fromChunk, end - PAGE_CHUNKS); chunk < end; chunk++) {
      if (page.generations[chunk % PAGE_CHUNKS]! <= since) continue;
      const entry = map.viewEntry(view, chunk);
      if (entry.generation <= since) continue;
      if (chunks.length === request.limit) return { chunks, next: chunk };
      chunks.push({ chunk, slot: entry.place >= FIRST_SLOT ? entry.place - FIRST_SLOT : null });
    }
  }
  return { chunks, next: null };
}
