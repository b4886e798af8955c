/**
 * What the model of the disk engine knows: of each disk the bytes, and copies of them for its frozen views. Only some chunks
 * of a disk are written, its *spots*; the model's bytes are those of the spots, one after the other.
 */
import assert from 'node:assert/strict';
import type { Clock } from '../../src/lib/clock.ts';
import type { BaseRef, ViewBase } from '../../src/disk/protocol.ts';
import { compareWithTree } from '../../src/disk/tree-comparison.ts';
import { digestOf } from '../../src/repository/digest.ts';
import { emptyTree } from '../../src/repository/tree-ref.ts';
import type { TreeRef } from '../../src/repository/tree-ref.ts';
import type { HarnessOptions } from './disk-harness.ts';
import { BASE_CHUNKS, CHUNK_BYTES, DISK_ID, DiskHarness, ZERO_BASE, baseByte, baseRef } from './disk-harness.ts';

const CLONE_ID = 'd-cloneofanother';

/** What absent chunks read as. */
export interface ModelBase {
  ref: BaseRef;
  bytesOf: (chunk: number) => Buffer | null;
}

export interface FrozenCopy {
  snapshotId: string;
  bytes: Buffer;
  sizeBytes: number;
  /** The base that the disk had then. */
  base: ModelBase;
  generation: number;
  history: [number, number][];
}

/** A piece of a range, whole on the disk as in the model. */
export interface Piece {
  /** On the disk, and in the model's bytes. */
  offset: number;
  at: number;
  length: number;
}

const NO_BYTES = Buffer.alloc(CHUNK_BYTES);

export class ModelDisk {
  readonly real: DiskHarness;
  readonly diskId: string;
  readonly spots: readonly number[];
  bytes: Buffer;
  base: ModelBase;
  views: FrozenCopy[] = [];
  incarnation = 1;
  /** The view that another disk stands on. */
  pinned: string | null = null;

  constructor(real: DiskHarness, diskId: string, spots: readonly number[], base: ModelBase) {
    this.real = real;
    this.diskId = diskId;
    this.spots = spots;
    this.base = base;
    this.bytes = this.baseBytes(base);
  }

  get chunkCount(): number {
    return this.real.disk.device.sizeBytes / CHUNK_BYTES;
  }

  /** Of the spots that the disk has now. */
  get lengthBytes(): number {
    return this.spots.filter((chunk) => chunk < this.chunkCount).length * CHUNK_BYTES;
  }

  baseBytes({ bytesOf }: ModelBase): Buffer {
    const bytes = Buffer.alloc(this.spots.length * CHUNK_BYTES);
    for (const [i, chunk] of this.spots.entries()) bytesOf(chunk)?.copy(bytes, i * CHUNK_BYTES);
    return bytes;
  }

  /** The part of a range that is on the disk as large as it is now, cut where the spots have gaps. */
  pieces(asked: { offset: number; length: number }): Piece[] {
    const { lengthBytes, spots } = this;
    const start = asked.offset % lengthBytes;
    const end = Math.min(start + asked.length, lengthBytes);
    const pieces: Piece[] = [];
    for (let at = start; at < end;) {
      const spot = Math.floor(at / CHUNK_BYTES);
      let last = spot;
      while (spots[last + 1] === spots[last]! + 1) last++;
      const length = Math.min(end, (last + 1) * CHUNK_BYTES) - at;
      pieces.push({ offset: spots[spot]! * CHUNK_BYTES + (at % CHUNK_BYTES), at, length });
      at += length;
    }
    return pieces;
  }

  async write(asked: { offset: number; length: number }, byte: number): Promise<void> {
    for (const { offset, at, length } of this.pieces(asked)) {
      this.bytes.fill(byte, at, at + length);
      await this.real.write(offset, Buffer.alloc(length, byte));
    }
  }

  noteFreeze(snapshotId: string, bytes = Buffer.from(this.bytes)): void {
    const { generation, history, sizeBytes } = this.real.disk.freeze(snapshotId);
    this.views.push({ snapshotId, bytes, sizeBytes, base: this.base, generation, history });
  }

  /** The disk, every view, and what the views say changed since each other. */
  async check(): Promise<void> {
    const { real, spots } = this;
    assert.ok((await real.readChunks(spots)).equals(this.bytes), `${this.diskId} differs from the model`);
    real.disk.device.commit();
    for (const view of this.views) {
      const { snapshotId, bytes } = view;
      const found = await real.readViewChunks(snapshotId, spots);
      assert.ok(found.equals(bytes), `the view of ${snapshotId} differs`);
      for (const parent of this.views) {
        const isHistory = view.history.some(([a, b]) => a <= parent.generation && parent.generation <= b);
        if (!isHistory || parent.generation >= view.generation) continue;
        const compared = await real.readViewChunks(snapshotId, spots, parent);
        assert.ok(compared.equals(bytes), `${snapshotId} compared with ${parent.snapshotId} misses a change`);
      }
    }
  }

  /** D8: what was not written since a view is as the view was. */
  async compare(): Promise<void> {
    const { store, device } = this.real.disk;
    for (const view of this.views) {
      const chunkOf = (chunk: number): Buffer | null => {
        const i = this.spots.indexOf(chunk);
        if (i < 0) return view.base.bytesOf(chunk);
        const bytes = view.bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES);
        return bytes.equals(NO_BYTES) ? null : bytes;
      };
      const trees = {
        readChunk: async (_tree: TreeRef, chunk: number) => chunkOf(chunk),
        listChunks: async () => [],
        findDigest: async (_tree: TreeRef, chunk: number) => {
          const bytes = chunkOf(chunk);
          return bytes === null ? null : digestOf(bytes);
        },
      };
      const { generation } = view;
      const request = {
        incarnation: this.incarnation,
        tree: emptyTree,
        generation,
        fromChunk: 0,
        limit: 1e6,
        heal: false,
      };
      const { differing } = await compareWithTree(store, device, trees, request);
      const known = differing.filter(({ chunk }) => this.spots.includes(chunk)); // others may be trimmed with all
      assert.deepEqual(known, [], `${this.diskId} is not ${view.snapshotId} where it was not written since`);
    }
  }

  async sweepAll(): Promise<void> {
    const { store, sweep } = this.real.disk;
    await store.maintain();
    while (sweep.isDue) sweep.slice(() => false);
    await store.flush();
  }

  /** Nothing is left but one slot for each chunk that holds data, and the slack. */
  async checkSpace(slackSlots: number): Promise<void> {
    const { real } = this;
    await this.sweepAll();
    while (await real.disk.store.slots.giveSlackBack());
    const { head } = real.disk.store.map;
    assert.equal(head.hasUndone, false, 'undone layers stay though nobody sees them');
    const { allocatedBytes, mapping } = real.disk.describe();
    assert.deepEqual([mapping.olderLayerCount, mapping.freeingSlotCount], [0, 0]);
    assert.equal(mapping.usedSlotCount, mapping.dataChunkCount, 'slots are used that hold nothing');
    const mappable = new Set([...this.spots, ...Array(BASE_CHUNKS).keys()]); // a base is fetched whole
    assert.ok(mapping.dataChunkCount <= mappable.size);
    const slots = mapping.usedSlotCount + Math.max(slackSlots, mapping.usedSlotCount / 8);
    const bound = slots * CHUNK_BYTES + EXTENT_BLOCK_BYTES;
    assert.ok(allocatedBytes <= bound, `${allocatedBytes} bytes are more than ${slots} slots`);
  }
}

export function treeBase(number: number | null): ModelBase {
  if (number === null) return { ref: ZERO_BASE, bytesOf: () => null };
  return {
    ref: baseRef(number),
    bytesOf: (chunk) => {
      const byte = baseByte(number, chunk);
      return byte === 0 ? null : Buffer.alloc(CHUNK_BYTES, byte);
    },
  };
}

/** Every look at it takes long, as reads from a device do. */
function slowClock(): Clock {
  let nowMs = 0;
  return { nowMs: () => 1_800_000_000_000, monotonicMs: () => nowMs++, sleep: async () => {} };
}

export interface WorldShape {
  chunkCount: number;
  spots: readonly number[];
  base: number | null;
  pageLimit: number;
  isSlow: boolean;
}

export const SLACK_SLOTS = 2;
/** ext4 counts a block of its own to a file of more than four extents, from when it writes them to the device. */
const EXTENT_BLOCK_BYTES = 4096;

/** A disk, and perhaps a second one that began as a view of the first. */
export class World {
  readonly first: ModelDisk;
  clone: ModelDisk | null = null;
  freezeCount = 0;
  readonly #options: HarnessOptions;

  private constructor(first: ModelDisk, options: HarnessOptions) {
    this.first = first;
    this.#options = options;
  }

  static async create({ chunkCount, spots, base, pageLimit, isSlow }: WorldShape): Promise<World> {
    const limits = { checkpointRecords: 20, pageLimit, slackSlots: SLACK_SLOTS };
    const options = { ...limits, chunkCount, ...(isSlow && { clock: slowClock() }) };
    const modelBase = treeBase(base);
    const real = await DiskHarness.create({ ...options, base: modelBase.ref });
    return new World(new ModelDisk(real, DISK_ID, spots, modelBase), options);
  }

  disk(which: number): ModelDisk {
    return which % 2 === 1 && this.clone !== null ? this.clone : this.first;
  }

  get disks(): ModelDisk[] {
    return this.clone === null ? [this.first] : [this.clone, this.first];
  }

  /** A second disk on a view of the first. */
  async makeClone(view: FrozenCopy): Promise<void> {
    const { first } = this;
    await first.real.disk.awaitDurable(view.snapshotId);
    const ref = { snapshotId: view.snapshotId, viewOf: DISK_ID };
    const bytesOf = this.#bytesOf(view);
    const chunkCount = view.sizeBytes / CHUNK_BYTES;
    const real = await DiskHarness.createOn(first.real.machine, {
      ...this.#options,
      ...{ diskId: CLONE_ID, base: ref, chunkCount },
    });
    real.source.readView = async ({ snapshotId }: ViewBase, chunk) => {
      assert.equal(snapshotId, first.pinned, 'a view is read that nobody keeps any more');
      return await first.real.disk.readViewChunk(snapshotId, chunk);
    };
    first.pinned = view.snapshotId;
    this.clone = new ModelDisk(real, CLONE_ID, first.spots, { ref, bytesOf });
  }

  /** The view is stored now: the second disk gets its tree as a base, and the first may release it. */
  async rebase(): Promise<void> {
    const { first, clone } = this;
    const view = first.views.find(({ snapshotId }) => snapshotId === first.pinned);
    if (view === undefined || clone === null) return;
    const { snapshotId } = view;
    const tree = { root: snapshotId, levels: 3, dataChunkCount: 1 };
    clone.real.source.trees.set(snapshotId, this.#bytesOf(view));
    clone.real.source.listed.set(snapshotId, [...first.spots]);
    await clone.real.disk.rebase(snapshotId, tree);
    first.pinned = null;
    this.release(first, view, true);
  }

  release(disk: ModelDisk, view: FrozenCopy, committed: boolean): void {
    if (view.snapshotId === disk.pinned) return;
    disk.real.disk.releaseView(view.snapshotId, committed);
    disk.views = disk.views.filter((other) => other !== view);
  }

  /** Chunks that are no spots were never written, and are zeros in every base. */
  #bytesOf({ bytes }: FrozenCopy): (chunk: number) => Buffer | null {
    const { spots } = this.first;
    return (chunk) => {
      const i = spots.indexOf(chunk);
      return i < 0 ? null : bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES);
    };
  }
}
