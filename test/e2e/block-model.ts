/**
 * What a disk may hold: some 4 KiB blocks, each with the sequence numbers written to it. A value is right when it is the
 * last acknowledged one or a later one that was issued; a snapshot's when it lies between call and reply.
 */
import assert from 'node:assert/strict';
import type { NbdClient } from '../../src/nbd/client.ts';

export const BLOCK_BYTES = 4096;

/** Per block: the least and the greatest sequence number that may stand there. */
export interface Bounds {
  least: number[];
  greatest: number[];
}

export class BlockModel {
  readonly offsets: number[];
  readonly #issued: number[][];
  readonly #acknowledged: number[];
  #sequence = 0;

  constructor(offsets: number[]) {
    this.offsets = offsets;
    this.#issued = offsets.map(() => [0]);
    this.#acknowledged = offsets.map(() => 0);
  }

  /** Writes the next sequence number to block `index`; notes when it was issued and when it was acknowledged. */
  async write(client: NbdClient, index: number): Promise<void> {
    const sequence = ++this.#sequence;
    const block = Buffer.alloc(BLOCK_BYTES);
    for (let at = 0; at < BLOCK_BYTES; at += 8) block.writeBigUInt64LE(BigInt(sequence), at);
    this.#issued[index]?.push(sequence);
    await client.write(this.offsets[index] ?? 0, block);
    this.#acknowledged[index] = sequence;
  }

  /** What a snapshot called now holds at least; complete it with `upTo` when the reply is there. */
  acknowledged(): number[] {
    return [...this.#acknowledged];
  }

  issued(): number[] {
    return this.#issued.map((sequences) => sequences.at(-1) ?? 0);
  }

  /** The disk was rolled back: it holds exactly these. */
  reset(values: number[]): void {
    values.forEach((value, index) => {
      this.#acknowledged[index] = value;
      this.#issued[index] = [value];
    });
  }

  /** Checks values read from the live disk while nobody writes; what they show is settled from now on. */
  checkLive(values: number[]): void {
    values.forEach((value, index) => {
      const least = this.#acknowledged[index] ?? 0;
      const issued = this.#issued[index] ?? [];
      assert.ok(
        value === least || (value > least && issued.includes(value)),
        `block ${index}: ${value} stands where ${least} was acknowledged (issued: ${issued.slice(-4).join(', ')})`,
      );
    });
    this.reset(values);
  }
}

export function checkBounds(values: number[], bounds: Bounds, what: string): void {
  values.forEach((value, index) => {
    const least = bounds.least[index] ?? 0;
    const greatest = bounds.greatest[index] ?? 0;
    assert.ok(value >= least && value <= greatest, `${what}, block ${index}: ${value} is not in ${least}…${greatest}`);
  });
}

/** The sequence number in a block, which must be whole. */
export function sequenceOf(block: Buffer): number {
  const value = block.readBigUInt64LE(0);
  for (let at = 8; at < BLOCK_BYTES; at += 8) assert.equal(block.readBigUInt64LE(at), value, 'a block is torn');
  return Number(value);
}
