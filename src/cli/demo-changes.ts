/** What the demo does to its disk between the two snapshots. Pure: the same image gets the same changes. */
import { BLOCK_BYTES, CHUNK_BYTES } from '../lib/geometry.ts';
import { ZERO_SEED, type ExpectedDisk } from './expected-disk.ts';

const BLOCKS_PER_CHUNK = CHUNK_BYTES / BLOCK_BYTES;
const MOST_REWRITTEN_CHUNKS = 512;
const MOST_TRIMMED_CHUNKS = 128;
const MOST_SCATTERED_BLOCKS = 256;

export interface Changes {
  /** Blocks to write, each with the seed of its bytes. */
  written: { block: number; seed: number }[];
  /** Chunks to trim. */
  trimmed: number[];
}

/**
 * Rewrites a quarter of the chunks that hold data in one run, trims an eighth, and overwrites single blocks scattered
 * over the rest. `dataChunks` is in disk order.
 */
export function planChanges(dataChunks: number[]): Changes {
  const rewritten = dataChunks.slice(0, Math.min(Math.ceil(dataChunks.length / 4), MOST_REWRITTEN_CHUNKS));
  const rest = dataChunks.slice(rewritten.length);
  const trimmed = rest.slice(0, Math.min(Math.floor(dataChunks.length / 8), MOST_TRIMMED_CHUNKS));
  const kept = rest.slice(trimmed.length);
  const stride = Math.max(1, Math.ceil(kept.length / MOST_SCATTERED_BLOCKS));
  const scattered = kept
    .filter((_, index) => index % stride === 0)
    .map((chunk, index) => chunk * BLOCKS_PER_CHUNK + (index % BLOCKS_PER_CHUNK));
  const whole = rewritten.flatMap((chunk) =>
    Array.from({ length: BLOCKS_PER_CHUNK }, (_, block) => chunk * BLOCKS_PER_CHUNK + block),
  );
  const blocks = [...whole, ...scattered];
  return { written: blocks.map((block, index) => ({ block, seed: 1_000_000 + index })), trimmed };
}

/** Notes the changes in what the disk must hold. */
export function noteChanges(expected: ExpectedDisk, changes: Changes): void {
  for (const { block, seed } of changes.written) expected.setBlock(block, seed);
  for (const chunk of changes.trimmed) {
    for (let block = 0; block < BLOCKS_PER_CHUNK; block++) {
      expected.setBlock(chunk * BLOCKS_PER_CHUNK + block, ZERO_SEED);
    }
  }
}
