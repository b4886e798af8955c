/**
 * What a disk may hold after a crash, told by the marks of what was asked of it and acknowledged. Only some chunks of a disk
 * are ever written, its *spots*; sectors are counted through the spots.
 */
import assert from 'node:assert/strict';
import { CHUNK_BYTES, ZERO_BASE, baseByte, baseRef } from '../model/disk-harness.ts';
import type { BaseRef, TreeBase } from '../../src/disk/protocol.ts';

export const SECTOR = 512;
export const SECTORS_A_CHUNK = CHUNK_BYTES / SECTOR;
export const FIRST_STAMP = 1000;

/** What was asked and acknowledged, in order: the machine's marks. Sector values are written in whole sectors. */
export type Mark =
  | { type: 'put'; first: number; count: number; value: number }
  | { type: 'wipe' }
  | { type: 'flush'; number: number }
  | { type: 'flushed'; number: number }
  | { type: 'freeze'; snapshotId: string }
  | { type: 'frozen'; snapshotId: string; generation: number }
  | { type: 'durable'; snapshotId: string }
  | { type: 'release'; snapshotId: string }
  | { type: 'rollback'; base: number | null; snapshotId: string | null }
  | { type: 'rolled-back' }
  | { type: 'rebased' }
  /** The base, for zeros. */
  | { type: 'left' }
  | { type: 'resize'; chunkCount: number }
  | { type: 'resized'; chunkCount: number };

/** Of these the work does one after the other; the other marks may come while a put waits for the base. */
const BEGINNINGS = new Set<Mark['type']>(['flush', 'freeze', 'release', 'rollback', 'resize']);

export interface Layout {
  /** At the beginning. */
  chunkCount: number;
  /** Rising; those beyond the disk's end count as zeros until it grows. */
  spots: number[];
  base: number | null;
  /** The base is a view of another disk's until `rebased`. */
  hasViewBase: boolean;
  /** Chunks that have a slot each, from the beginning, and are never touched. */
  filled: { first: number; count: number };
}

/** What a sector of a base holds. */
export function baseValue(base: number | null, chunk: number): number {
  return base === null ? 0 : baseByte(base, chunk);
}

export function treeRef(base: number | null): TreeBase {
  return base === null ? ZERO_BASE : baseRef(base);
}

export function firstBase({ base, hasViewBase }: Layout): BaseRef {
  return hasViewBase ? { snapshotId: `s-${base}`, viewOf: 'd-other' } : treeRef(base);
}

export function stamped(count: number, value: number): Buffer {
  const data = Buffer.alloc(count * SECTOR);
  for (let at = 0; at < data.length; at += 4) data.writeUInt32LE(value, at);
  return data;
}

/** One value a sector of the spots' bytes: a stamp, or a base's byte, or zero; −1 for bytes that are none of them. */
export function sectorValues(image: Buffer): number[] {
  const words = new Uint32Array(image.buffer, image.byteOffset, image.length / 4);
  const wordsASector = SECTOR / 4;
  return Array.from({ length: image.length / SECTOR }, (_, sector) => {
    const first = words[sector * wordsASector]!;
    for (let i = sector * wordsASector; i < (sector + 1) * wordsASector; i++) if (words[i] !== first) return -1;
    if (first >= FIRST_STAMP && first < 1_000_000) return first;
    const byte = first & 0xff;
    return first === byte * 0x0101_0101 ? byte : -1;
  });
}

export interface Snapshot {
  snapshotId: string;
  generation: number;
  values: number[];
  isDurable: boolean;
  isReleased: boolean;
}

interface Flush {
  values: number[];
  rollbackCount: number;
  laterPuts: Map<number, Set<number>>;
}

/** What the marks say the disk may hold. */
export class Expectation {
  /** By sector: what may be read, oldest first; the first is sure to have been flushed. */
  allowed: Set<number>[];
  values: number[];
  /** Sectors that the last put changes, with what they held before: it may not have ended. */
  underWay = new Map<number, number>();
  readonly snapshots = new Map<string, Snapshot>();
  rollbackCount = 0;
  isRebased = false;
  /** The disk left its base, and was asked for no rollback since. */
  hasLeft = false;
  /** Acknowledged, and asked for. */
  chunkCount: number;
  askedChunkCount: number;
  /** A rollback was asked and not acknowledged: what it makes of the disk. */
  pendingRollback: number[] | null = null;
  lastMark: Mark | undefined;
  readonly #spots: readonly number[];
  readonly #flushes = new Map<number, Flush>();

  constructor({ base, chunkCount, spots }: Layout, marks: readonly Mark[]) {
    this.#spots = spots;
    this.chunkCount = chunkCount;
    this.askedChunkCount = chunkCount;
    this.values = this.#baseValues(base);
    this.allowed = this.values.map((value) => new Set([value]));
    for (const mark of marks) {
      if (BEGINNINGS.has(mark.type)) this.underWay.clear();
      this.#apply(mark);
      this.lastMark = mark;
    }
  }

  #baseValues(base: number | null): number[] {
    return this.#spots.flatMap((chunk) => Array.from({ length: SECTORS_A_CHUNK }, () => baseValue(base, chunk)));
  }

  #apply(mark: Mark): void {
    switch (mark.type) {
      case 'put':
        return this.#put(mark.first, mark.count, mark.value);
      case 'wipe':
        return this.#put(0, this.values.length, 0);
      case 'flush': {
        const { values, rollbackCount } = this;
        this.#flushes.set(mark.number, { values: [...values], rollbackCount, laterPuts: new Map() });
        return undefined;
      }
      case 'flushed':
        return this.#flushed(mark.number);
      case 'freeze': {
        const state = { generation: -1, isDurable: false, isReleased: false };
        const { snapshotId } = mark;
        this.snapshots.set(snapshotId, { snapshotId, ...state, values: [...this.values] });
        return undefined;
      }
      case 'frozen':
        this.snapshots.get(mark.snapshotId)!.generation = mark.generation;
        return undefined;
      case 'durable':
        this.snapshots.get(mark.snapshotId)!.isDurable = true;
        return undefined;
      case 'release':
        this.snapshots.get(mark.snapshotId)!.isReleased = true;
        return undefined;
      case 'rollback': {
        const view = mark.snapshotId === null ? undefined : this.snapshots.get(mark.snapshotId);
        this.hasLeft = false;
        this.pendingRollback = view === undefined ? this.#baseValues(mark.base) : [...view.values];
        return undefined;
      }
      case 'rolled-back':
        assert.ok(this.pendingRollback !== null);
        this.values = this.pendingRollback;
        this.allowed = this.values.map((value) => new Set([value]));
        this.pendingRollback = null;
        this.rollbackCount++;
        return undefined;
      case 'rebased':
        this.isRebased = true;
        return undefined;
      case 'left':
        this.hasLeft = true;
        return undefined;
      case 'resize':
        this.askedChunkCount = mark.chunkCount;
        return undefined;
      case 'resized':
        this.chunkCount = mark.chunkCount;
        this.askedChunkCount = mark.chunkCount;
        return undefined;
    }
  }

  #put(first: number, count: number, value: number): void {
    this.underWay = new Map();
    for (let sector = first; sector < first + count; sector++) {
      this.underWay.set(sector, this.values[sector]!);
      this.values[sector] = value;
      this.allowed[sector]!.add(value);
      for (const { laterPuts } of this.#flushes.values()) {
        const puts = laterPuts.get(sector);
        if (puts === undefined) laterPuts.set(sector, new Set([value]));
        else puts.add(value);
      }
    }
  }

  #flushed(number: number): void {
    const flush = this.#flushes.get(number)!;
    this.#flushes.delete(number);
    if (flush.rollbackCount !== this.rollbackCount) return;
    this.allowed = this.allowed.map((set, sector) => {
      const sure = flush.values[sector]!;
      const later = flush.laterPuts.get(sector);
      return new Set([...set].filter((value) => value === sure || later?.has(value)));
    });
  }
}
