/**
 * A disk's map between openings: the file `map` with the two tables that find its blocks, which are map pages and bitmaps
 * of taken slots. `store` writes what a checkpoint captured to new units; the checkpoint then names the new groups, and
 * `commit` lets the units of the old blocks go.
 */
import { setImmediate } from 'node:timers/promises';
import zlib from 'node:zlib';
import { CorruptionError } from '../lib/errors.ts';
import type { Files } from '../lib/files.ts';
import type { BlockEntry, GroupPlace } from './block-table.ts';
import { BlockTable, GROUP_BYTES, groupBytes, isEmptyGroup } from './block-table.ts';
import type { BlockPlace } from './map-file.ts';
import { MapFile, UNIT_BYTES, wholeUnits } from './map-file.ts';
import { OPEN_END } from './lineage.ts';
import type { MapPage, PageCapture } from './map-page.ts';
import { decodePage, encodePage } from './map-page.ts';
import type { PageFacts, PageSource } from './page-cache.ts';
import type { BitmapSource, SegmentCapture } from './slot-allocator.ts';
import { BITMAP_WORDS } from './slot-allocator.ts';

/** Of a page in a damaged group: it may hold anything, and to load it tells that it cannot be. */
const UNKNOWN: PageFacts = { olderCount: 0, maxGeneration: OPEN_END };

/** Bytes written in one go, between which other work gets its turn. */
const TURN_BYTES = 128 * 1024;

/** Where the groups of both tables lie: what a checkpoint says of the map file. */
export interface MapGroups {
  pages: GroupPlace[];
  bitmaps: GroupPlace[];
}

/** Blocks that are written and that no checkpoint names yet. */
export interface StoredMap {
  groups: MapGroups;
  planned: { table: 'pages' | 'bitmaps'; index: number; words: Uint32Array; place: GroupPlace | null }[];
  /** Units to let go when the checkpoint is durable, and those to let go if it never will be. */
  old: BlockPlace[];
  fresh: BlockPlace[];
}

export class MapStore implements PageSource {
  readonly #file: MapFile;
  readonly #tables = { pages: new BlockTable(), bitmaps: new BlockTable() };

  private constructor(file: MapFile) {
    this.#file = file;
  }

  static create(files: Files, folder: string): MapStore {
    return new MapStore(MapFile.create(files, folder));
  }

  /**
   * Reads the groups that a checkpoint names. A group of pages that is not as it was written makes its pages unreadable; a
   * CorruptionError when one of bitmaps is not.
   */
  static open(files: Files, folder: string, groups: MapGroups, mode: 'read' | 'read-write' = 'read-write'): MapStore {
    const store = new MapStore(MapFile.open(files, folder, mode));
    try {
      for (const table of ['pages', 'bitmaps'] as const) {
        for (const place of groups[table]) store.#adopt(table, place);
      }
      return store;
    } catch (error) {
      store.close();
      throw error;
    }
  }

  load(index: number): MapPage | undefined {
    const entry = this.#tables.pages.find(index);
    if (entry === undefined) return undefined;
    const page = decodePage(this.#file.read(entry, entry.crc, `page ${index}`), index);
    if (page === undefined) throw new CorruptionError('the map', `page ${index} is another's`);
    if (page.olderCount !== entry.count || page.maxGeneration > entry.maxGeneration) {
      throw new CorruptionError('the map', `page ${index} is not the one that its table speaks of`);
    }
    return page;
  }

  facts(index: number): PageFacts | undefined {
    if (this.#tables.pages.isDamaged(index)) return UNKNOWN;
    const entry = this.#tables.pages.find(index);
    return entry && { olderCount: entry.count, maxGeneration: entry.maxGeneration };
  }

  get groupCount(): number {
    return this.#tables.pages.groupCount;
  }

  hasGroup(number: number): boolean {
    return this.#tables.pages.hasGroup(number);
  }

  readonly bitmaps: BitmapSource = {
    list: () => this.#listBitmaps(),
    load: (segment) => this.#loadBitmap(segment),
  };

  /** Writes what was captured to free units, syncs it, and says what a checkpoint must name. I/O goes on meanwhile. */
  async store(pages: readonly PageCapture[], segments: readonly SegmentCapture[]): Promise<StoredMap> {
    const stored: StoredMap = { groups: { pages: [], bitmaps: [] }, planned: [], old: [], fresh: [] };
    try {
      const writer = new BlockWriter(this.#file, stored.fresh);
      const pageChanges = new Map<number, BlockEntry | null>();
      for (const page of pages) {
        const facts = { count: page.olderCount, maxGeneration: page.maxGeneration };
        pageChanges.set(page.index, page.entryCount === 0 ? null : await writer.add(encodePage(page), facts));
      }
      const bitmapChanges = new Map<number, BlockEntry | null>();
      for (const { segment, takenCount, taken } of segments) {
        const facts = { count: takenCount, maxGeneration: 0 };
        bitmapChanges.set(segment, takenCount === 0 ? null : await writer.add(bytesOf(taken), facts));
      }
      await this.#storeGroups('pages', pageChanges, stored, writer);
      await this.#storeGroups('bitmaps', bitmapChanges, stored, writer);
      writer.end();
      await this.#file.sync();
      return stored;
    } catch (error) {
      this.abandon(stored);
      throw error;
    }
  }

  /** The checkpoint that names the stored blocks is durable. */
  commit(stored: StoredMap): void {
    for (const { table, index, words, place } of stored.planned) this.#tables[table].install(index, words, place);
    for (const place of stored.old) this.#file.free(place);
    this.#file.cut();
  }

  /** No checkpoint will name the stored blocks. */
  abandon(stored: StoredMap): void {
    for (const place of stored.fresh) this.#file.free(place);
  }

  async sync(): Promise<void> {
    await this.#file.sync();
  }

  /** Every block that the checkpoint uses. */
  *listBlocks(): Generator<BlockPlace & { what: string }> {
    for (const table of ['pages', 'bitmaps'] as const) {
      for (const { index, unit } of this.#tables[table].listGroups()) {
        yield { what: `group ${index} of the ${table}`, unit, unitCount: 1 };
      }
    }
    for (const [index, entry] of this.#tables.pages.list()) yield { what: `page ${index}`, ...entry };
    for (const [segment, entry] of this.#tables.bitmaps.list()) {
      yield { what: `the bitmap of segment ${segment}`, ...entry };
    }
  }

  close(): void {
    this.#file.close();
  }

  #adopt(table: 'pages' | 'bitmaps', place: GroupPlace): void {
    const at = { unit: place.unit, unitCount: 1 };
    this.#file.take(at);
    try {
      const bytes = this.#file.read(at, place.crc, `group ${place.index} of the ${table}`);
      this.#tables[table].adopt(place, bytes.subarray(0, GROUP_BYTES));
    } catch (error) {
      if (table === 'bitmaps' || !(error instanceof CorruptionError)) throw error;
      this.#tables.pages.adoptDamaged(place, error);
      return;
    }
    const first = place.index * 256;
    for (let index = first; index < first + 256; index++) {
      const entry = this.#tables[table].find(index);
      if (entry !== undefined) this.#file.take(entry);
    }
  }

  async #storeGroups(
    table: 'pages' | 'bitmaps',
    changes: ReadonlyMap<number, BlockEntry | null>,
    stored: StoredMap,
    writer: BlockWriter,
  ): Promise<void> {
    const blocks = this.#tables[table];
    for (const index of changes.keys()) stored.old.push(...[blocks.find(index) ?? []].flat());
    const places = new Map(blocks.listGroups().map((place) => [place.index, place]));
    for (const { index, words } of blocks.plan(changes)) {
      const before = places.get(index);
      if (before !== undefined) stored.old.push({ unit: before.unit, unitCount: 1 });
      places.delete(index);
      if (isEmptyGroup(words)) {
        stored.planned.push({ table, index, words, place: null });
        continue;
      }
      const { unit, crc } = await writer.add(groupBytes(words), { count: 0, maxGeneration: 0 });
      const place = { index, unit, crc };
      stored.planned.push({ table, index, words, place });
      places.set(index, place);
    }
    stored.groups[table] = [...places.values()].sort((a, b) => a.index - b.index);
  }

  *#listBitmaps(): Generator<[number, number]> {
    for (const [segment, entry] of this.#tables.bitmaps.list()) yield [segment, entry.count];
  }

  #loadBitmap(segment: number): Uint32Array {
    const words = new Uint32Array(BITMAP_WORDS);
    const entry = this.#tables.bitmaps.find(segment);
    if (entry === undefined) return words;
    const bytes = this.#file.read(entry, entry.crc, `the bitmap of segment ${segment}`);
    new Uint8Array(words.buffer).set(bytes.subarray(0, words.byteLength));
    return words;
  }
}

/** Blocks one after another into free units, neighbours in one write. */
class BlockWriter {
  readonly #file: MapFile;
  readonly #fresh: BlockPlace[];
  #unit = 0;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;

  constructor(file: MapFile, fresh: BlockPlace[]) {
    this.#file = file;
    this.#fresh = fresh;
  }

  async add(content: Buffer, facts: { count: number; maxGeneration: number }): Promise<BlockEntry> {
    const bytes = wholeUnits(content);
    const place = this.#file.allocate(bytes.length / UNIT_BYTES);
    this.#fresh.push(place);
    if (place.unit !== this.#unit + this.#waitingBytes / UNIT_BYTES) this.end();
    if (this.#waitingBytes === 0) this.#unit = place.unit;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= TURN_BYTES) {
      this.end();
      await setImmediate();
    }
    return { ...place, crc: zlib.crc32(bytes), ...facts };
  }

  /** Writes what waits. */
  end(): void {
    if (this.#waitingBytes > 0) this.#file.write(this.#unit, Buffer.concat(this.#waiting));
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}

function bytesOf(words: Uint32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength);
}
