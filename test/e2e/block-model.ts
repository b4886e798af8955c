/**
 * What a disk may hold: some 4 KiB blocks, a few in each of some chunks, each with everything that was done to it under
 * rising sequence numbers. A value is right when the last acknowledged act, or a later one that was issued, left it there;
 * a snapshot's when such an act lies between call and reply. Every block is in one act at a time.
 */
import assert from 'node:assert/strict';
import { BLOCK_BYTES, CHUNK_BYTES } from '../../src/lib/geometry.ts';
import type { NbdClient } from '../../src/nbd/client.ts';

/** Blocks of a chunk that are looked at; the others are written with the whole chunk only. */
const BLOCKS_IN_CHUNK = [0, 1, 7, 15];

/** Per block: the sequence numbers of the first and of the last act that may have been the newest. */
export interface Bounds {
  least: number[];
  greatest: number[];
}

interface Act {
  sequence: number;
  /** What the block holds afterwards: the number of a write, or 0 for zeros. */
  value: number;
}

export class BlockModel {
  readonly offsets: number[];
  readonly chunkCount: number;
  readonly #chunks: number[];
  readonly #acts: Act[][];
  readonly #acknowledged: number[];
  #sequence = 0;

  /** `chunks`: the disk's chunks that are used. */
  constructor(chunks: number[]) {
    this.#chunks = chunks;
    this.chunkCount = chunks.length;
    this.offsets = chunks.flatMap((chunk) => BLOCKS_IN_CHUNK.map((block) => chunk * CHUNK_BYTES + block * BLOCK_BYTES));
    this.#acts = this.offsets.map(() => [{ sequence: 0, value: 0 }]);
    this.#acknowledged = this.offsets.map(() => 0);
  }

  /** Writes one block of the `chunk`-th chunk: the one that `pick` (0 … 1) chooses. */
  async writeBlock(client: NbdClient, chunk: number, { pick, fua }: { pick: number; fua: boolean }): Promise<void> {
    const index = chunk * BLOCKS_IN_CHUNK.length + Math.floor(pick * BLOCKS_IN_CHUNK.length);
    const value = this.#sequence + 1;
    await this.#act([index], value, () => client.write(this.offsets[index] ?? 0, filled(BLOCK_BYTES, value), { fua }));
  }

  async writeChunk(client: NbdClient, chunk: number, { fua }: { fua: boolean }): Promise<void> {
    const value = this.#sequence + 1;
    await this.#act(this.#blocksOf(chunk), value, () =>
      client.write(this.#offset(chunk), filled(CHUNK_BYTES, value), { fua }),
    );
  }

  /** A whole chunk, which then reads as zeros. */
  async trimChunk(client: NbdClient, chunk: number): Promise<void> {
    await this.#act(this.#blocksOf(chunk), 0, () => client.trim(this.#offset(chunk), CHUNK_BYTES));
  }

  /** The first blocks of a chunk, or all of it. */
  async zero(client: NbdClient, chunk: number, { pick }: { pick: number }): Promise<void> {
    const count = 1 + Math.floor(pick * BLOCKS_IN_CHUNK.length);
    const isWhole = count === BLOCKS_IN_CHUNK.length;
    const lengthBytes = isWhole ? CHUNK_BYTES : ((BLOCKS_IN_CHUNK[count - 1] ?? 0) + 1) * BLOCK_BYTES;
    await this.#act(this.#blocksOf(chunk).slice(0, count), 0, () =>
      client.writeZeroes(this.#offset(chunk), lengthBytes),
    );
  }

  /** What a snapshot called now holds at least. */
  acknowledged(): number[] {
    return [...this.#acknowledged];
  }

  /** What a snapshot that was answered now holds at most. */
  issued(): number[] {
    return this.#acts.map((acts) => acts.at(-1)?.sequence ?? 0);
  }

  /** The disk holds exactly these from now on: it was rolled back, or read while nobody wrote. */
  settle(values: number[]): void {
    values.forEach((value, index) => this.#settleBlock(index, value));
  }

  /** No snapshot is left whose bounds go back before now. */
  forgetPast(): void {
    for (const acts of this.#acts) acts.splice(0, acts.length - 1);
  }

  /** Reads all blocks, while nobody writes, and checks them; what they show is settled from now on. */
  async checkAll(client: NbdClient, what: string): Promise<void> {
    const values = await readValues(client, this.offsets);
    this.check(values, { least: this.#acknowledged, greatest: this.issued() }, what);
    this.settle(values);
  }

  /** The same for one chunk, while nobody writes to it. */
  async checkChunk(client: NbdClient, chunk: number, what: string): Promise<void> {
    const blocks = this.#blocksOf(chunk);
    const values = await readValues(
      client,
      blocks.map((index) => this.offsets[index] ?? 0),
    );
    for (const [place, index] of blocks.entries()) {
      const value = values[place] ?? 0;
      this.#checkBlock(index, value, { least: this.#acknowledged[index] ?? 0, greatest: Infinity, what });
      this.#settleBlock(index, value);
    }
  }

  check(values: number[], { least, greatest }: Bounds, what: string): void {
    values.forEach((value, index) => {
      this.#checkBlock(index, value, { least: least[index] ?? 0, greatest: greatest[index] ?? 0, what });
    });
  }

  #checkBlock(index: number, value: number, allowed: { least: number; greatest: number; what: string }): void {
    const { least, greatest, what } = allowed;
    const acts = this.#acts[index] ?? [];
    const isRight = acts.some((act) => act.sequence >= least && act.sequence <= greatest && act.value === value);
    const lately = acts.slice(-6).map((act) => `${act.sequence}:${act.value}`);
    assert.ok(isRight, `${what}, block ${index}: ${value} was not left by ${least}…${greatest} (${lately.join(' ')})`);
  }

  #settleBlock(index: number, value: number): void {
    this.#sequence += 1;
    this.#acts[index]?.push({ sequence: this.#sequence, value });
    this.#acknowledged[index] = this.#sequence;
  }

  async #act(indexes: number[], value: number, perform: () => Promise<void>): Promise<void> {
    const sequence = ++this.#sequence;
    for (const index of indexes) this.#acts[index]?.push({ sequence, value });
    await perform();
    for (const index of indexes) this.#acknowledged[index] = sequence;
  }

  #blocksOf(chunk: number): number[] {
    return BLOCKS_IN_CHUNK.map((_, place) => chunk * BLOCKS_IN_CHUNK.length + place);
  }

  #offset(chunk: number): number {
    return (this.#chunks[chunk] ?? 0) * CHUNK_BYTES;
  }
}

function filled(lengthBytes: number, value: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  for (let at = 0; at < lengthBytes; at += 8) bytes.writeBigUInt64LE(BigInt(value), at);
  return bytes;
}

/** The number in a block, which must be whole. */
export function valueOf(block: Buffer): number {
  const value = block.readBigUInt64LE(0);
  for (let at = 8; at < BLOCK_BYTES; at += 8) assert.equal(block.readBigUInt64LE(at), value, 'a block is torn');
  return Number(value);
}

/** The values of the model's blocks on a disk. */
export async function readValues(client: NbdClient, offsets: number[]): Promise<number[]> {
  return Promise.all(offsets.map(async (offset) => valueOf(await client.read(offset, BLOCK_BYTES))));
}
