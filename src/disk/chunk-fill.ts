/**
 * Bringing chunks of the base into the disk (D7): fetched once whoever asks, given to all who wait, and kept as the lowest
 * layer, unchanged since the base. A crash between the slot's bytes and the record leaves the chunk in the base.
 */
import { OperationalError } from '../lib/errors.ts';
import { CHUNK_BYTES, FULL_MASK } from '../lib/geometry.ts';
import type { BaseSource } from './base-source.ts';
import type { Fetched } from './chunk-fetches.ts';
import { ChunkFetches } from './chunk-fetches.ts';
import type { DiskMap } from './disk-map.ts';
import type { DiskStore } from './disk-store.ts';
import type { Lineage } from './lineage.ts';
import { baseEnd, isSameBase } from './lineage.ts';
import { PAGE_CHUNKS } from './map-page.ts';
import { resolveBlocks } from './settle.ts';

export class ChunkFill {
  readonly #store: DiskStore;
  readonly #source: BaseSource;
  readonly #fetches = new ChunkFetches();

  constructor(store: DiskStore, source: BaseSource) {
    this.#store = store;
    this.#source = source;
  }

  /** Runs `work` with what the live disk's base has for the chunk. */
  after(chunk: number, work: (fetched: Fetched) => void): Promise<void> {
    const { live } = this.#store.map.head;
    return this.#fetches.enqueue(
      chunk,
      work,
      () => readBase(this.#store.map, this.#source, live, chunk),
      (fetched) => {
        const now = this.#store.map.head.live;
        if (fetched.ok && now.baseGeneration === live.baseGeneration && baseEnd(now) > 0) {
          this.#keepIfRoom(chunk, fetched.bytes, live);
        }
      },
    );
  }

  /**
   * Makes every block of the chunk that a reader still has in its base the disk's own. Throws when it cannot, and when
   * nobody reads over that base any more: what it kept then, nobody would see.
   */
  async fill(chunk: number, reader: Lineage): Promise<void> {
    const { map } = this.#store;
    const bytes = await readBase(map, this.#source, reader, chunk);
    if (standsOn(map, reader) === undefined) {
      const what = `${map.head.diskId} has no frozen view any more that needs chunk ${chunk} of its base`;
      throw new OperationalError(what, { retryable: false });
    }
    if (this.#isMissing(chunk, reader)) this.#keep(chunk, bytes, reader);
    this.#store.commit();
  }

  /**
   * The same for every reader over that base, while the live disk stands on it. Whether anything had to be fetched.
   */
  async fillForAll(chunk: number, live: Lineage): Promise<boolean> {
    const { map } = this.#store;
    const isOver = ({ baseGeneration }: Lineage) => baseGeneration === live.baseGeneration;
    const findMissing = () => map.readers.filter(isOver).find((reader) => this.#isMissing(chunk, reader));
    if (findMissing() === undefined) return false;
    const bytes = await readBase(map, this.#source, live, chunk);
    const reader = findMissing();
    if (reader !== undefined) this.#keep(chunk, bytes, reader);
    this.#store.commit();
    return true;
  }

  #keepIfRoom(chunk: number, bytes: Buffer | null, lineage: Lineage): void {
    try {
      if (this.#isMissing(chunk, lineage)) this.#keep(chunk, bytes, lineage);
    } catch {
      // Who waited has been given the fetched bytes; nothing depends on keeping them.
    }
  }

  #isMissing(chunk: number, reader: Lineage): boolean {
    const page = this.#store.map.pageOf(chunk);
    return resolveBlocks(page, chunk % PAGE_CHUNKS, reader, FULL_MASK).inBase !== 0;
  }

  #keep(chunk: number, bytes: Buffer | null, { baseGeneration }: Lineage): void {
    const { slots } = this.#store;
    const generation = baseGeneration - 1;
    if (bytes === null) {
      this.#store.record({ type: 'zero', chunk, count: 1, generation, overZero: false, drops: false });
      return;
    }
    const slot = slots.allocate();
    try {
      slots.write(slot, 0, bytes, 0, CHUNK_BYTES);
    } catch (error) {
      slots.giveBack(slot);
      throw error;
    }
    this.#store.record({ type: 'data', chunk, slot, generation, mask: FULL_MASK });
  }
}

/** A chunk of a lineage's base. When another base took its place meanwhile (a view's, its tree), it is read from that. */
export async function readBase(
  map: DiskMap,
  source: BaseSource,
  lineage: Lineage,
  chunk: number,
): Promise<Buffer | null> {
  try {
    return await source.readChunk(lineage.base, chunk);
  } catch (error) {
    const now = standsOn(map, lineage);
    if (now === undefined || isSameBase(now.base, lineage.base)) throw error;
    return await source.readChunk(now.base, chunk);
  }
}

/** A reader over the same base as `lineage`, as it is now. */
function standsOn(map: DiskMap, { baseGeneration }: Lineage): Lineage | undefined {
  return map.readers.find((reader) => reader.baseGeneration === baseGeneration);
}
