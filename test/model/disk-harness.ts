/**
 * A disk of the engine on a `RecordingFiles` machine, for tests: opening, killing and checking it, and a base whose
 * chunks are told by their index. `finish` is every test's end: the checker finds nothing, no handle is left.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import type { Clock } from '../../src/lib/clock.ts';
import { BLOCK_BYTES, CHUNK_BLOCKS, CHUNK_BYTES, FULL_MASK } from '../../src/lib/geometry.ts';
import { CorruptionError } from '../../src/lib/errors.ts';
import type { BaseSource } from '../../src/disk/base-source.ts';
import { checkDisk } from '../../src/disk/check.ts';
import { createDiskFolder, recoverDisk } from '../../src/disk/disk-folder.ts';
import type { DiskMap, FrozenView } from '../../src/disk/disk-map.ts';
import { Disk } from '../../src/disk/disk.ts';
import { ABSENT, PAGE_CHUNKS } from '../../src/disk/map-page.ts';
import { PageBudget } from '../../src/disk/page-budget.ts';
import type { BaseRef, TreeBase, ViewBase, ViewChunk } from '../../src/disk/protocol.ts';
import { isViewBase } from '../../src/disk/protocol.ts';
import { slotFile, slotOffset } from '../../src/disk/slot-address.ts';
import { RecordingFiles } from '../crash/recording-files.ts';
import type { RecordingProcess } from '../crash/recording-files.ts';

export const DISK_ID = 'd-0123456789abcdefghij';
export const DISKS = '/disks';
export const FOLDER = path.join(DISKS, DISK_ID);
export const ZERO_BASE: TreeBase = { snapshotId: null, tree: { root: null, levels: 0, dataChunkCount: 0 } };

export const testClock: Clock = { nowMs: () => 1_800_000_000_000, monotonicMs: () => 0, sleep: async () => {} };

/** Bases end here: disks that are larger, or grow beyond, read as zeros there. */
export const BASE_CHUNKS = 4;

/** A base whose chunk i is filled with `root`'s number + i, every fourth chunk zero. */
export function baseRef(number: number): TreeBase {
  return { snapshotId: `s-${number}`, tree: { root: String(number), levels: 1, dataChunkCount: 3 } };
}

export function baseByte(number: number, chunk: number): number {
  return chunk % 4 === 3 || chunk >= BASE_CHUNKS ? 0 : ((number * 16 + chunk) % 255) + 1;
}

function baseChunks(number: number): number[] {
  return Array.from({ length: BASE_CHUNKS }, (_, chunk) => chunk).filter((chunk) => baseByte(number, chunk) !== 0);
}

/** Serves `baseRef` bases; `broken` chunks are damaged, and `gate` holds every answer back. */
export class TestSource implements BaseSource {
  readonly broken = new Set<number>();
  gate: Promise<void> = Promise.resolve();
  readCount = 0;
  /** Trees that are not `baseRef`s, by root. */
  readonly trees = new Map<string, (chunk: number) => Buffer | null>();
  /** The chunks of those that are not zeros. */
  readonly listed = new Map<string, number[]>();
  /** Reads another disk's view. */
  readView: (base: ViewBase, chunk: number) => Promise<Buffer | null> = async () => null;

  async readChunk(base: BaseRef, chunk: number): Promise<Buffer | null> {
    this.readCount++;
    await this.gate;
    if (this.broken.has(chunk)) throw new CorruptionError('a chunk', `chunk ${chunk}`);
    if (isViewBase(base)) return await this.readView(base, chunk);
    if (base.tree.root === null) return null;
    const stored = this.trees.get(base.tree.root);
    if (stored !== undefined) return stored(chunk);
    const byte = baseByte(Number(base.tree.root), chunk);
    return byte === 0 ? null : Buffer.alloc(CHUNK_BYTES, byte);
  }

  /** What a base was before the disk left it: its snapshot is still compared with that. */
  comparedBase(base: BaseRef): BaseRef {
    if (isViewBase(base) || base.tree.root !== null || base.snapshotId === null) return base;
    const { snapshotId } = base;
    if (this.trees.has(snapshotId)) return { snapshotId, tree: { root: snapshotId, levels: 3, dataChunkCount: 1 } };
    return baseRef(Number(snapshotId.slice(2)));
  }

  async listChunks({ tree }: TreeBase, fromChunk: number, limit: number): Promise<number[]> {
    await this.gate;
    const chunks = this.listed.get(tree.root!) ?? baseChunks(Number(tree.root));
    return chunks.filter((chunk) => chunk >= fromChunk).slice(0, limit);
  }
}

export interface HarnessOptions {
  diskId?: string;
  chunkCount?: number;
  base?: BaseRef;
  record?: boolean;
  checkpointRecords?: number;
  /** Map pages that stay in memory. */
  pageLimit?: number;
  slackSlots?: number;
  clock?: Clock;
}

export class DiskHarness {
  readonly machine: RecordingFiles;
  readonly source = new TestSource();
  readonly folder: string;
  process: RecordingProcess;
  disk!: Disk;
  bootId = 'boot-1';
  readonly #options: HarnessOptions;
  readonly #endedFreezes = new Set<string>();

  constructor(machine: RecordingFiles, options: HarnessOptions = {}) {
    this.machine = machine;
    this.process = machine.startProcess();
    this.#options = options;
    this.folder = path.join(DISKS, options.diskId ?? DISK_ID);
  }

  /** A new machine with a new disk on it, open. */
  static async create(options: HarnessOptions = {}): Promise<DiskHarness> {
    return await DiskHarness.createOn(new RecordingFiles({ record: options.record ?? false }), options);
  }

  /** A new disk on a machine that is there. */
  static async createOn(machine: RecordingFiles, options: HarnessOptions): Promise<DiskHarness> {
    const harness = new DiskHarness(machine, options);
    harness.process.ensureFolder(DISKS);
    await harness.process.syncFolder('/');
    const disk = {
      diskId: options.diskId ?? DISK_ID,
      sizeBytes: (options.chunkCount ?? 8) * CHUNK_BYTES,
      base: options.base ?? ZERO_BASE,
    };
    await createDiskFolder(harness.process, DISKS, disk, harness.bootId);
    await harness.open();
    return harness;
  }

  async open(): Promise<void> {
    const { checkpointRecords = 65_536, pageLimit, slackSlots, clock = testClock } = this.#options;
    this.disk = await Disk.open({
      files: this.process,
      folder: this.folder,
      bootId: this.bootId,
      clock,
      source: this.source,
      endedFreezes: this.#endedFreezes,
      checkpointRecords,
      budget: new PageBudget(pageLimit),
      ...(slackSlots !== undefined && { slackSlots }),
    });
  }

  /** SIGKILL and a new process. */
  async restart(): Promise<void> {
    this.process.kill();
    this.process = this.machine.startProcess();
    await this.open();
  }

  /** Closes in peace and opens again, on another boot if asked. */
  async reopen(options: { anotherBoot?: boolean } = {}): Promise<void> {
    await this.disk.close();
    assert.equal(this.process.openCount, 0, 'files are left open');
    if (options.anotherBoot) this.bootId += '+';
    await this.open();
  }

  async write(offset: number, data: Buffer): Promise<void> {
    await this.disk.device.write(offset, data);
    this.disk.device.commit();
  }

  async fill(chunk: number, byte: number, inChunk = 0, length = CHUNK_BYTES): Promise<void> {
    await this.write(chunk * CHUNK_BYTES + inChunk, Buffer.alloc(length, byte));
  }

  async zero(offset: number, lengthBytes: number): Promise<void> {
    await this.disk.device.writeZeroes(offset, lengthBytes);
    this.disk.device.commit();
  }

  async trim(offset: number, lengthBytes: number): Promise<void> {
    await this.disk.device.trim(offset, lengthBytes);
    this.disk.device.commit();
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const target = Buffer.alloc(length, 0xee);
    await this.disk.device.read(offset, target);
    return target;
  }

  async readAll(): Promise<Buffer> {
    return this.read(0, this.disk.device.sizeBytes);
  }

  /** The bytes of some chunks one after the other, zeros for those beyond the end. */
  async readChunks(chunks: readonly number[]): Promise<Buffer> {
    const image = Buffer.alloc(chunks.length * CHUNK_BYTES);
    for (const [i, chunk] of chunks.entries()) {
      if ((chunk + 1) * CHUNK_BYTES > this.disk.device.sizeBytes) continue;
      await this.disk.device.read(chunk * CHUNK_BYTES, image.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES));
    }
    return image;
  }

  /**
   * The bytes of some chunks of the frozen view, read as a transfer worker does: chunks listed since a generation from their
   * slots, the others as `parent` has them; without one, everything over the base. Zeros beyond the view's end.
   */
  async readViewChunks(
    snapshotId: string,
    asked: readonly number[],
    parent?: { generation: number; bytes: Buffer },
  ): Promise<Buffer> {
    const { sizeBytes, lineage } = this.#view(snapshotId);
    const image = Buffer.alloc(asked.length * CHUNK_BYTES);
    if (parent !== undefined) parent.bytes.copy(image);
    const { dataFolder, chunks } = await this.listView(snapshotId, parent?.generation ?? lineage.baseGeneration - 1);
    for (const [i, chunk] of asked.entries()) {
      const listed = chunks.get(chunk);
      const at = i * CHUNK_BYTES;
      if (listed !== undefined) this.readListed(dataFolder, listed).copy(image, at);
      else if (parent === undefined && (chunk + 1) * CHUNK_BYTES <= sizeBytes) {
        const base = this.source.comparedBase(this.#view(snapshotId).lineage.base);
        (await this.source.readChunk(base, chunk))?.copy(image, at);
      }
    }
    return image;
  }

  /** The bytes of the whole view. */
  async readView(snapshotId: string, parent?: { generation: number; bytes: Buffer }): Promise<Buffer> {
    const chunkCount = this.#view(snapshotId).sizeBytes / CHUNK_BYTES;
    const all = Array.from({ length: chunkCount }, (_, chunk) => chunk);
    return await this.readViewChunks(snapshotId, all, parent);
  }

  /** What the view lists since a generation, by chunk. */
  async listView(
    snapshotId: string,
    sinceGeneration: number,
  ): Promise<{ dataFolder: string; chunks: Map<number, ViewChunk> }> {
    const chunks = new Map<number, ViewChunk>();
    const limit = this.disk.store.map.chunkCount > 1000 ? 4096 : 3;
    for (let from = 0; ;) {
      const page = await this.disk.listViewChunks({ snapshotId, sinceGeneration, fromChunk: from, limit });
      for (const listed of page.chunks) chunks.set(listed.chunk, listed);
      if (page.next === null) return { dataFolder: page.dataFolder, chunks };
      from = page.next;
    }
  }

  /** The bytes of a listed chunk, from the slots. */
  readListed(dataFolder: string, listed: ViewChunk): Buffer {
    const bytes = Buffer.alloc(CHUNK_BYTES);
    const parts = 'parts' in listed ? listed.parts : [{ slot: listed.slot, mask: FULL_MASK }];
    assert.equal(
      parts.reduce((masks, { mask }) => masks | mask, 0),
      FULL_MASK,
      `chunk ${listed.chunk} is listed in part`,
    );
    for (const { slot, mask } of parts) if (slot !== null) this.#readPart(dataFolder, { slot, mask }, bytes);
    return bytes;
  }

  #readPart(dataFolder: string, { slot, mask }: { slot: number; mask: number }, bytes: Buffer): void {
    const fd = this.process.open(slotFile(dataFolder, slot), 'read');
    for (let block = 0; block < CHUNK_BLOCKS; block++) {
      const at = block * BLOCK_BYTES;
      if ((mask & (1 << block)) !== 0) this.process.read(fd, bytes, at, BLOCK_BYTES, slotOffset(slot) + at);
    }
    this.process.close(fd);
  }

  #view(snapshotId: string): FrozenView {
    const view = this.disk.store.map.views.find((found) => found.snapshotId === snapshotId);
    assert.ok(view !== undefined, `no view of ${snapshotId}`);
    return view;
  }

  /** The checker finds nothing, and a replay of the files comes to the live map. */
  check(): void {
    this.disk.store.commit();
    assert.deepEqual(checkDisk(this.process, this.folder, this.bootId), []);
    const { map: found, store } = recoverDisk(this.process, this.folder, this.bootId, { mode: 'read' });
    const live = this.disk.store.map;
    // That a sweep found nothing undone is written down with the next checkpoint.
    assert.deepEqual({ ...found.head, hasUndone: false }, { ...live.head, hasUndone: false });
    assert.deepEqual(withoutDurability(found.views), withoutDurability(live.views));
    assert.deepEqual(found.listPages(), live.listPages());
    for (const index of live.listPages()) {
      for (let chunk = index * PAGE_CHUNKS; chunk < (index + 1) * PAGE_CHUNKS; chunk++) {
        const [foundLayers, liveLayers] = [layersOf(found, chunk), layersOf(live, chunk)];
        if (foundLayers !== liveLayers) assert.equal(foundLayers, liveLayers, `chunk ${chunk}`);
      }
    }
    store.close();
  }

  async finish(): Promise<void> {
    this.check();
    await this.disk.close();
    assert.equal(this.process.openCount, 0, 'files are left open');
    assert.deepEqual(checkDisk(this.process, this.folder, this.bootId), []);
  }
}

function layersOf(map: DiskMap, chunk: number): string {
  const page = map.pageOf(chunk);
  let row = chunk % PAGE_CHUNKS;
  if (page === undefined || page.place(row) === ABSENT) return '';
  for (let layers = ''; ; row = page.next(row)) {
    layers += `${page.place(row)} ${page.generation(row)} ${page.mask(row)}, `;
    if (page.next(row) === 0) return layers;
  }
}

function withoutDurability(views: FrozenView[]): object[] {
  return views.map((view) => ({ ...view, isDurable: null }));
}

export { CHUNK_BYTES };
