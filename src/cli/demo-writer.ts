/**
 * Writes that go on while a snapshot is taken. Each takes the next block of an area at the end of the disk, so that the
 * snapshot shows which of them it holds: all that were answered before it was asked for, none that was begun after.
 */
import { BLOCK_BYTES } from '../lib/geometry.ts';
import type { NbdClient } from '../nbd/client.ts';
import { makeBlock, type ExpectedDisk } from './expected-disk.ts';

const AREA_BLOCKS = 16_384;
const WRITES_AT_ONCE = 4;
const FIRST_SEED = 50_000_000;

export class DemoWriter {
  readonly #disk: Pick<NbdClient, 'write' | 'sizeBytes'>;
  readonly #answered = new Set<number>();
  #begunCount = 0;
  #stopping = false;
  #lanes: Promise<void>[] = [];
  #waiting: { count: number; resolve: () => void } | undefined;

  constructor(disk: Pick<NbdClient, 'write' | 'sizeBytes'>) {
    this.#disk = disk;
  }

  get begunCount(): number {
    return this.#begunCount;
  }

  start(): void {
    this.#lanes = Array.from({ length: WRITES_AT_ONCE }, () => this.#run());
    for (const lane of this.#lanes) lane.catch(() => undefined); // told by whoever waits next
  }

  /** The writes answered so far. */
  listAnswered(): number[] {
    return [...this.#answered];
  }

  /** Resolves when `count` writes are answered, or the area is full; throws what a failed write threw. */
  async awaitAnswered(count: number): Promise<void> {
    const enough = new Promise<void>((resolve) => {
      this.#waiting = { count: Math.min(count, AREA_BLOCKS), resolve };
    });
    this.#notify();
    await Promise.race([enough, Promise.all(this.#lanes)]);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#lanes);
  }

  /** Notes in `expected` what a snapshot between these two moments must and may hold. */
  noteMoment(expected: ExpectedDisk, answeredBefore: number[], begunByReply: number): void {
    for (let index = 0; index < begunByReply; index++) expected.allowBlock(this.#block(index), FIRST_SEED + index);
    for (const index of answeredBefore) expected.setBlock(this.#block(index), FIRST_SEED + index);
  }

  async #run(): Promise<void> {
    while (!this.#stopping && this.#begunCount < AREA_BLOCKS) {
      const index = this.#begunCount++;
      await this.#disk.write(this.#block(index) * BLOCK_BYTES, makeBlock(FIRST_SEED + index));
      this.#answered.add(index);
      this.#notify();
    }
  }

  #notify(): void {
    if (this.#waiting !== undefined && this.#answered.size >= this.#waiting.count) this.#waiting.resolve();
  }

  #block(index: number): number {
    return this.#disk.sizeBytes / BLOCK_BYTES - AREA_BLOCKS + index;
  }
}
