/** Reads chunks of a frozen view, for a disk whose base it is. */
import { OperationalError } from '../lib/errors.ts';
import { BLOCK_BYTES, CHUNK_BYTES, FULL_MASK } from '../lib/geometry.ts';
import type { BaseSource } from './base-source.ts';
import { readBase } from './chunk-fill.ts';
import type { FrozenView } from './disk-map.ts';
import type { DiskStore } from './disk-store.ts';
import { isBaseZero } from './lineage.ts';
import { FIRST_SLOT, PAGE_CHUNKS } from './map-page.ts';
import { resolveBlocks } from './settle.ts';
import { runsOf } from './sweep.ts';

/** The bytes of the chunk as of the freeze, or null for zeros. Throws what the base's source throws. */
export async function readViewChunk(
  store: DiskStore,
  source: BaseSource,
  view: FrozenView,
  chunk: number,
): Promise<Buffer | null> {
  if (chunk >= view.sizeBytes / CHUNK_BYTES) return null;
  const { lineage } = view;
  const resolve = () => resolveBlocks(store.map.pageOf(chunk), chunk % PAGE_CHUNKS, lineage, FULL_MASK);
  const needsBase = resolve().inBase !== 0 && !isBaseZero(lineage, chunk);
  const base = needsBase ? await readBase(store.map, source, lineage, chunk) : null;
  if (needsBase) assertIsThere(store, view);
  const { parts, inBase } = resolve();
  if (base === null && parts.every(({ place }) => place < FIRST_SLOT)) return null;
  const bytes = Buffer.alloc(CHUNK_BYTES);
  if (base !== null) for (const { at, end } of rangesOf(inBase)) base.copy(bytes, at, at, end);
  for (const { place, mask } of parts) {
    if (place < FIRST_SLOT) continue;
    for (const { at, end } of rangesOf(mask)) store.slots.readNow(place - FIRST_SLOT, at, bytes, at, end - at);
  }
  return bytes;
}

/** Of a view that ended meanwhile, layers may be gone. */
function assertIsThere({ map }: DiskStore, { snapshotId, generation }: FrozenView): void {
  if (map.views.some((view) => view.snapshotId === snapshotId && view.generation === generation)) return;
  throw new OperationalError(`${map.head.diskId} has no frozen view of ${snapshotId} any more`, { retryable: false });
}

function rangesOf(mask: number): { at: number; end: number }[] {
  return runsOf(mask).map(({ block, count }) => ({ at: block * BLOCK_BYTES, end: (block + count) * BLOCK_BYTES }));
}
