/**
 * A disk of the engine on a `RecordingFiles` machine, for tests: opening, killing and checking it, and a base whose
 * chunks are told by their index. `finish` is every test's end: the checker finds nothing, no handle is left.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import type { Clock } from '../../src/lib/clock.ts';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { CorruptionError } from '../../src/lib/errors.ts';
import type { BaseSource } from '../../src/disk/base-source.ts';
import { checkDisk } from '../../src/disk/check.ts';
import { createDiskFolder, recoverDisk } from '../../src/disk/disk-folder.ts';
import { Disk } from '../../src/disk/disk.ts';
import type { BaseRef } from '../../src/disk/protocol.ts';
import { slotFile, slotOffset } from '../../src/disk/slot-address.ts';
import { RecordingFiles } from '../crash/recording-files.ts';
import type { RecordingProcess } from '../crash/recording-files.ts';

export const DISK_ID = 'd-0123456789abcdefghij';
export const DISKS = '/disks';
export const FOLDER = path.join(DISKS, DISK_ID);
export const ZERO_BASE: BaseRef = { snapshotId: null, tree: { root: null, levels: 0, dataChunkCount: 0 } };

export const testClock: Clock = { nowMs: () => 1_800_000_000_000, monotonicMs: () => 0, sleep: async () => {} };

/** Bases end here: disks that are larger, or grow beyond, read as zeros there. */
const BASE_CHUNKS = 4;

/** A base whose chunk i is filled with `root`'s number + i, every fourth chunk zero. */
export function baseRef(number: number): BaseRef {
  return { snapshotId: `s-${number}`, tree: { root: String(number), levels: 1, dataChunkCount: 3 } };
}

export function baseByte(number: number, chunk: number): number {
  return chunk % 4 === 3 || chunk >= BASE_CHUNKS ? 0 : ((number * 16 + chunk) % 255) + 1;
}

/** Serves `baseRef` bases; `broken` chunks are damaged, and `gate` holds every answer back. */
export class TestSource implements BaseSource {
  readonly broken = new Set<number>();
  gate: Promise<void> = Promise.resolve();
  readCount = 0;

  async readChunk(tree: BaseRef['tree'], chunk: number): Promise<Buffer | null> {
    this.readCount++;
    await this.gate;
    if (this.broken.has(chunk)) throw new CorruptionError('a chunk', `chunk ${chunk}`);
    const byte = baseByte(Number(tree.root), chunk);
    return byte === 0 ? null : Buffer.alloc(CHUNK_BYTES, byte);
  }
}

export class DiskHarness {
  readonly machine: RecordingFiles;
  readonly source = new TestSource();
  process: RecordingProcess;
  disk!: Disk;
  bootId = 'boot-1';
  readonly #checkpointRecords: number;
  readonly #endedFreezes = new Set<string>();

  constructor(machine: RecordingFiles, options: { checkpointRecords?: number } = {}) {
    this.machine = machine;
    this.process = machine.startProcess();
    this.#checkpointRecords = options.checkpointRecords ?? 65_536;
  }

  /** A new machine with a new disk on it, open. */
  static async create(
    options: { chunkCount?: number; base?: BaseRef; record?: boolean; checkpointRecords?: number } = {},
  ): Promise<DiskHarness> {
    const harness = new DiskHarness(new RecordingFiles({ record: options.record ?? false }), options);
    harness.process.ensureFolder(DISKS);
    await harness.process.syncFolder('/');
    const disk = {
      diskId: DISK_ID,
      sizeBytes: (options.chunkCount ?? 8) * CHUNK_BYTES,
      base: options.base ?? ZERO_BASE,
    };
    await createDiskFolder(harness.process, DISKS, disk, harness.bootId);
    await harness.open();
    return harness;
  }

  async open(): Promise<void> {
    this.disk = await Disk.open({
      files: this.process,
      folder: FOLDER,
      bootId: this.bootId,
      clock: testClock,
      source: this.source,
      endedFreezes: this.#endedFreezes,
      checkpointRecords: this.#checkpointRecords,
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

  /** The bytes of the frozen view, read as a transfer worker does: listed chunks from their slots, others from the base. */
  async readView(snapshotId: string): Promise<Buffer> {
    const { head } = this.disk.store.map;
    const image = Buffer.alloc(head.sizeBytes);
    for (let chunk = 0; chunk < head.sizeBytes / CHUNK_BYTES; chunk++) {
      if (head.base.tree.root === null) continue;
      image.fill(baseByte(Number(head.base.tree.root), chunk), chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES);
    }
    for (let from: number | null = 0; from !== null;) {
      const page = this.disk.listViewChunks({ snapshotId, sinceGeneration: 0, fromChunk: from, limit: 3 });
      for (const { chunk, slot } of page.chunks) this.#readSlot(page.dataFolder, slot, image, chunk * CHUNK_BYTES);
      from = page.next;
    }
    return image;
  }

  #readSlot(dataFolder: string, slot: number | null, image: Buffer, at: number): void {
    if (slot === null) {
      image.fill(0, at, at + CHUNK_BYTES);
      return;
    }
    const fd = this.process.open(slotFile(dataFolder, slot), 'read');
    this.process.read(fd, image, at, CHUNK_BYTES, slotOffset(slot));
    this.process.close(fd);
  }

  /** The checker finds nothing, and a replay of the files comes to the live map. */
  check(): void {
    this.disk.store.commit();
    assert.deepEqual(checkDisk(this.process, FOLDER, this.bootId), []);
    const { state } = recoverDisk(this.process, FOLDER, this.bootId);
    const live = this.disk.store.map;
    assert.deepEqual(state.head, live.head);
    assert.equal(state.view?.snapshotId, live.view?.snapshotId);
    for (let chunk = 0; chunk < live.chunkCount; chunk++) {
      const liveEntry = `${live.place(chunk)} ${live.generationOf(chunk)}`;
      // A base chunk that is known to be zero is remembered in memory only.
      if (liveEntry === '1 0') continue;
      assert.equal(`${state.place(chunk)} ${state.generationOf(chunk)}`, liveEntry, `chunk ${chunk}`);
    }
  }

  async finish(): Promise<void> {
    this.check();
    await this.disk.close();
    assert.equal(this.process.openCount, 0, 'files are left open');
    assert.deepEqual(checkDisk(this.process, FOLDER, this.bootId), []);
  }
}

export { CHUNK_BYTES };
