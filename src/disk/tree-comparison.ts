/**
 * Whether a disk still holds what a snapshot of its history has (D8): chunks that were not written since are compared with the
 * snapshot's tree by their digests. What differs was damaged below (or was written and not tracked, a bug): it is told, and
 * written anew from the tree where that is asked for, as a client would write it.
 */
import { setImmediate } from 'node:timers/promises';
import { AssertionError, CorruptionError, OperationalError, messageOf } from '../lib/errors.ts';
import { BLOCK_BYTES, CHUNK_BYTES, FULL_MASK } from '../lib/geometry.ts';
import { digestOf } from '../repository/digest.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import type { DiskDevice } from './disk-device.ts';
import type { TreeSource } from './disk-host.ts';
import type { DiskMap } from './disk-map.ts';
import type { DiskStore } from './disk-store.ts';
import { sees } from './lineage.ts';
import { ABSENT, FIRST_SLOT, PAGE_CHUNKS } from './map-page.ts';
import type { Comparison, Differing } from './protocol.ts';
import { resolveBlocks } from './settle.ts';
import { runsOf } from './sweep.ts';

export interface ComparisonRequest {
  /** Of the disk: one that is rolled back meanwhile is another. */
  incarnation: number;
  tree: TreeRef;
  /** The one that the snapshot closed, or the one before a base's first. */
  generation: number;
  fromChunk: number;
  limit: number;
  /** Differing chunks are written anew from the tree. */
  heal: boolean;
}

type Part = { place: number; mask: number };

const zeros = Buffer.alloc(CHUNK_BYTES);

/** Map pages that are looked at in a call, and chunks that are compared between two turns of the thread. */
const PAGE_LIMIT = 64;
const TURN_CHUNKS = 4;

/**
 * Up to `limit` chunks that the disk holds itself. Throws a CorruptionError at a page of the tree that cannot be read; a chunk of
 * the disk that cannot be read differs.
 */
export async function compareWithTree(
  store: DiskStore,
  device: DiskDevice,
  trees: TreeSource,
  request: ComparisonRequest,
): Promise<Comparison> {
  const { map } = store;
  const { tree, generation, fromChunk, limit } = request;
  const isIt = () => isComparable(map, request);
  const found: Comparison = { isComparable: isIt(), comparedCount: 0, differing: [], next: null };
  if (!found.isComparable) return found;
  let pageCount = 0;
  for (const index of map.pagesFrom(Math.floor(fromChunk / PAGE_CHUNKS))) {
    const first = index * PAGE_CHUNKS;
    map.budget.trim();
    if (++pageCount > PAGE_LIMIT) return { ...found, next: first };
    await setImmediate();
    if (!isIt()) return { ...found, isComparable: false };
    if (!isReadable(map, index)) continue;
    for (let chunk = Math.max(fromChunk, first); chunk < Math.min(first + PAGE_CHUNKS, map.chunkCount); chunk++) {
      const parts = unchangedParts(map, chunk, generation);
      if (parts === null) continue;
      if (found.comparedCount === limit) return { ...found, next: chunk };
      if (found.comparedCount % TURN_CHUNKS === 0) await setImmediate();
      const expected = await trees.findDigest(tree, chunk);
      const digest = await readDigest(store, parts);
      if (!isIt()) return { ...found, isComparable: false };
      if (!isSame(unchangedParts(map, chunk, generation), parts)) continue; // written, or merged, meanwhile
      found.comparedCount++;
      if (digest === (expected?.toString('hex') ?? null)) continue;
      const differing = await meet(store, device, trees, { request, chunk, parts });
      if (differing !== null) found.differing.push(differing);
    }
  }
  return { ...found, isComparable: isIt() };
}

/** Of a rotten page `check.ts` tells. */
function isReadable(map: DiskMap, index: number): boolean {
  try {
    map.page(index);
    return true;
  } catch (error) {
    if (error instanceof CorruptionError) return false;
    throw error;
  }
}

/** Of a snapshot that the live disk is not made of nothing follows, nor where it is not known what changed when. */
function isComparable({ head }: DiskMap, { incarnation, generation }: ComparisonRequest): boolean {
  if (head.incarnation !== incarnation || head.compareReason !== null) return false;
  if (generation >= head.generation) return false;
  const isTracked = generation >= head.trackedSince || generation === head.live.baseGeneration - 1;
  return isTracked && sees(head.live, generation);
}

/** Where the chunk's blocks are, when nothing of it is later than the generation; null also where a part is in the base. */
function unchangedParts(map: DiskMap, chunk: number, generation: number): Part[] | null {
  const page = map.pageOf(chunk);
  const i = chunk % PAGE_CHUNKS;
  if (page === undefined || page.place(i) === ABSENT) return null;
  const { live } = map.head;
  for (let row = i; ; row = page.next(row)) {
    if (page.generation(row) > generation && sees(live, page.generation(row))) return null;
    if (page.next(row) === 0) break;
  }
  const { parts, inBase } = resolveBlocks(page, i, live, FULL_MASK);
  if (parts.length === 0 || (inBase !== 0 && !map.isBaseZero(chunk))) return null;
  return parts;
}

function isSame(now: Part[] | null, parts: Part[]): boolean {
  if (now?.length !== parts.length) return false;
  return now.every(({ place, mask }, i) => place === parts[i]!.place && mask === parts[i]!.mask);
}

/** As hex, null for zeros; what cannot be read has no digest that any chunk has. */
async function readDigest(store: DiskStore, parts: Part[]): Promise<string | null> {
  const bytes = Buffer.alloc(CHUNK_BYTES);
  try {
    for (const { place, mask } of parts) {
      if (place < FIRST_SLOT) continue;
      for (const { block, count } of runsOf(mask)) {
        const at = block * BLOCK_BYTES;
        await store.slots.read(place - FIRST_SLOT, at, bytes.subarray(at, at + count * BLOCK_BYTES));
      }
    }
  } catch {
    return 'unreadable';
  }
  return bytes.equals(zeros) ? null : digestOf(bytes).toString('hex');
}

/** Heals a chunk where that is asked for; null when it was written meanwhile. */
async function meet(
  store: DiskStore,
  device: DiskDevice,
  trees: TreeSource,
  { request, chunk, parts }: { request: ComparisonRequest; chunk: number; parts: Part[] },
): Promise<Differing | null> {
  if (!request.heal) return { chunk, isHealed: false, failure: null };
  try {
    const bytes = (await trees.readChunk(request.tree, chunk)) ?? zeros;
    // A checkpoint with another head settles differently in a replay: no write comes beside it.
    if (store.isHeadChanging) throw new OperationalError('the disk is being changed', { retryable: true });
    if (!isComparable(store.map, request)) return null;
    if (!isSame(unchangedParts(store.map, chunk, request.generation), parts)) return null;
    await device.write(chunk * CHUNK_BYTES, bytes);
    device.commit();
    return { chunk, isHealed: true, failure: null };
  } catch (error) {
    if (error instanceof AssertionError) throw error;
    return { chunk, isHealed: false, failure: messageOf(error) };
  }
}
