/**
 * What is to be read so that some chunks of a frozen view lie one after the other in a buffer. A chunk is whole in one
 * slot or put together of blocks from several. A slot is read once, from the first block that is wanted to the last:
 * passing over a few blocks costs less than a second read. Slots that follow one another, and whose blocks do so in the
 * buffer too, are one read. Pure.
 */
import { slotOffset } from '../disk/slot-address.ts';
import type { ViewChunk, ViewPart } from '../disk/protocol.ts';
import { AssertionError } from '../lib/errors.ts';
import { BLOCK_BYTES, CHUNK_BYTES } from '../lib/geometry.ts';

const CHUNK_BLOCKS = CHUNK_BYTES / BLOCK_BYTES;
const ALL_BLOCKS = 2 ** CHUNK_BLOCKS - 1;

/** `count` blocks of the buffer, from `block` on; a `block` of null is bytes that nobody wants. */
export interface Piece {
  block: number | null;
  count: number;
}

/** One read: the pieces, in order, from block `slotBlock` of `slot` on. */
export interface SlotRead {
  slot: number;
  slotBlock: number;
  pieces: Piece[];
}

export interface RunPlan {
  reads: SlotRead[];
  /** Blocks of the buffer that are zeros. */
  zeros: { block: number; count: number }[];
}

/** Whether a chunk is zeros, so that nothing of it needs to be read. */
export function isZeroChunk(chunk: ViewChunk): boolean {
  if (!('parts' in chunk)) return chunk.slot === null;
  const [part] = chunk.parts;
  return part?.slot === null && part.mask === ALL_BLOCKS;
}

/** Throws an AssertionError when the parts of a chunk are not all of its blocks, each once. */
export function planRun(chunks: readonly ViewChunk[]): RunPlan {
  const plan: RunPlan = { reads: [], zeros: [] };
  for (const [position, chunk] of chunks.entries()) {
    for (const part of partsOf(chunk)) addPart(plan, part, position * CHUNK_BLOCKS);
  }
  return plan;
}

function partsOf(chunk: ViewChunk): readonly ViewPart[] {
  if (!('parts' in chunk)) return [{ slot: chunk.slot, mask: ALL_BLOCKS }];
  let covered = 0;
  for (const { mask } of chunk.parts) {
    if (mask <= 0 || mask > ALL_BLOCKS || (covered & mask) !== 0) throw notWhole(chunk);
    covered |= mask;
  }
  if (covered !== ALL_BLOCKS) throw notWhole(chunk);
  return chunk.parts;
}

function notWhole(chunk: ViewChunk): AssertionError {
  return new AssertionError(`these parts are not each block of a chunk once: ${JSON.stringify(chunk)}`);
}

/** `first` is the chunk's first block in the buffer. */
function addPart(plan: RunPlan, { slot, mask }: ViewPart, first: number): void {
  const wanted = rangesOf(mask);
  if (slot === null) {
    plan.zeros.push(...wanted.map(({ start, count }) => ({ block: first + start, count })));
    return;
  }
  const pieces: Piece[] = [];
  let at = wanted[0]?.start ?? 0;
  const read = { slot, slotBlock: at, pieces };
  for (const { start, count } of wanted) {
    if (start > at) pieces.push({ block: null, count: start - at });
    pieces.push({ block: first + start, count });
    at = start + count;
  }
  if (!joins(plan.reads.at(-1), read)) plan.reads.push(read);
}

/** Lengthens `last` by `next` when that goes on where `last` ends, in the file and in the buffer. */
function joins(last: SlotRead | undefined, next: SlotRead): boolean {
  const piece = last?.pieces.at(-1);
  const [first, ...others] = next.pieces;
  if (last === undefined || first === undefined || first.block === null) return false;
  if (piece === undefined || piece.block === null || piece.block + piece.count !== first.block) return false;
  const blockCount = last.pieces.reduce((sum, { count }) => sum + count, 0);
  const end = last.slot * CHUNK_BLOCKS + last.slotBlock + blockCount;
  // The first slot of a segment lies in a file of its own.
  if (next.slot * CHUNK_BLOCKS + next.slotBlock !== end || slotOffset(next.slot) === 0) return false;
  piece.count += first.count;
  last.pieces.push(...others);
  return true;
}

/** The runs of ones in a mask, rising. */
function rangesOf(mask: number): { start: number; count: number }[] {
  if (mask === ALL_BLOCKS) return [{ start: 0, count: CHUNK_BLOCKS }];
  const ranges: { start: number; count: number }[] = [];
  for (let block = 0; block < CHUNK_BLOCKS; block++) {
    if ((mask & (1 << block)) === 0) continue;
    const last = ranges.at(-1);
    if (last !== undefined && last.start + last.count === block) last.count++;
    else ranges.push({ start: block, count: 1 });
  }
  return ranges;
}
