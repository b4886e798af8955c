/** The journal's header and its records of 64 bytes, as bytes (`docs/format.md`). Pure. */
import zlib from 'node:zlib';
import { assert } from '../lib/assert.ts';

export const RECORD_BYTES = 64;
export const JOURNAL_HEADER_BYTES = 512;
/** The header's "count of records before" of a journal whose predecessor is a checkpoint. */
export const AFTER_CHECKPOINT = 0xffffffff;

const MAGIC = 'HUPOJRNL';
const VERSION = 2;
const ID_BYTES = 32;

export type JournalRecord =
  | { type: 'data'; chunk: number; slot: number; generation: number; mask: number }
  /**
   * `overZero`: what is absent reads as zeros and stays absent. `drops`: nothing could need the difference between zeros
   * and absence, so the chunks become absent.
   */
  | { type: 'zero'; chunk: number; count: number; generation: number; overZero: boolean; drops: boolean }
  | { type: 'freeze'; snapshotId: string; generation: number; frozenAtMs: number }
  | { type: 'release'; snapshotId: string; committed: boolean }
  | { type: 'marker'; covers: number }
  | { type: 'settle'; page: number }
  /** `upper` and `lower` are places. */
  | { type: 'merge'; chunk: number; upper: number; lower: number; keepsUpper: boolean };

const typeNumbers = { data: 1, zero: 2, freeze: 3, release: 4, marker: 5, settle: 6, merge: 7 } as const;

export interface JournalHeader {
  number: number;
  /** Whole records in the journal before this one, or AFTER_CHECKPOINT. */
  previousCount: number;
  bootId: string;
  diskId: string;
}

export function encodeJournalHeader(header: JournalHeader): Buffer {
  const bytes = Buffer.alloc(JOURNAL_HEADER_BYTES);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt16LE(VERSION, 8);
  bytes.writeUInt32LE(header.number, 12);
  bytes.writeUInt32LE(header.previousCount, 16);
  writeText(bytes, header.bootId, 20, 36);
  writeText(bytes, header.diskId, 56, ID_BYTES);
  bytes.writeUInt32LE(zlib.crc32(bytes.subarray(0, JOURNAL_HEADER_BYTES - 4)), JOURNAL_HEADER_BYTES - 4);
  return bytes;
}

/** Undefined when the bytes are not a whole header of this version. */
export function decodeJournalHeader(bytes: Buffer): JournalHeader | undefined {
  if (bytes.length < JOURNAL_HEADER_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC) return undefined;
  const crc = zlib.crc32(bytes.subarray(0, JOURNAL_HEADER_BYTES - 4));
  if (crc !== bytes.readUInt32LE(JOURNAL_HEADER_BYTES - 4) || bytes.readUInt32LE(8) !== VERSION) return undefined;
  return {
    number: bytes.readUInt32LE(12),
    previousCount: bytes.readUInt32LE(16),
    bootId: readText(bytes, 20, 36),
    diskId: readText(bytes, 56, ID_BYTES),
  };
}

/** What every checksum of one journal begins with, so that a record counts in its own journal only. */
export function journalSeed(diskId: string, journal: number): number {
  return zlib.crc32(`${diskId}/${journal}`);
}

/** Writes record number `index` (from 1) at `offset` of `target`. */
export function encodeRecord(record: JournalRecord, index: number, seed: number, target: Buffer, offset: number): void {
  target.fill(0, offset, offset + RECORD_BYTES);
  target.writeUInt32LE(index, offset + 4);
  target[offset + 8] = typeNumbers[record.type];
  encodeFields(record, target, offset);
  target.writeUInt32LE(zlib.crc32(target.subarray(offset + 4, offset + RECORD_BYTES), seed), offset);
}

function encodeFields(record: JournalRecord, target: Buffer, offset: number): void {
  switch (record.type) {
    case 'data':
      target.writeUInt16LE(record.mask, offset + 10);
      target.writeUInt32LE(record.chunk, offset + 12);
      target.writeUInt32LE(record.slot, offset + 16);
      target.writeUInt32LE(record.generation, offset + 20);
      return;
    case 'zero':
      target.writeUInt16LE(Number(record.overZero) + 2 * Number(record.drops), offset + 10);
      target.writeUInt32LE(record.chunk, offset + 12);
      target.writeUInt32LE(record.count, offset + 16);
      target.writeUInt32LE(record.generation, offset + 20);
      return;
    case 'freeze':
      target.writeUInt32LE(record.generation, offset + 20);
      target.writeBigUInt64LE(BigInt(Math.trunc(record.frozenAtMs)), offset + 24);
      writeText(target, record.snapshotId, offset + 32, ID_BYTES);
      return;
    case 'release':
      target.writeUInt32LE(record.committed ? 1 : 0, offset + 16);
      writeText(target, record.snapshotId, offset + 32, ID_BYTES);
      return;
    case 'marker':
      target.writeUInt32LE(record.covers, offset + 16);
      return;
    case 'settle':
      target.writeUInt32LE(record.page, offset + 16);
      return;
    case 'merge':
      target.writeUInt16LE(record.keepsUpper ? 1 : 0, offset + 10);
      target.writeUInt32LE(record.chunk, offset + 12);
      target.writeUInt32LE(record.upper, offset + 16);
      target.writeUInt32LE(record.lower, offset + 20);
      return;
  }
}

/** The record at `offset`, or undefined when it is not whole, or not record `index` of this journal. */
export function decodeRecord(bytes: Buffer, offset: number, index: number, seed: number): JournalRecord | undefined {
  if (offset + RECORD_BYTES > bytes.length || bytes.readUInt32LE(offset + 4) !== index) return undefined;
  if (zlib.crc32(bytes.subarray(offset + 4, offset + RECORD_BYTES), seed) !== bytes.readUInt32LE(offset)) {
    return undefined;
  }
  const chunk = bytes.readUInt32LE(offset + 12);
  const value = bytes.readUInt32LE(offset + 16);
  const generation = bytes.readUInt32LE(offset + 20);
  const mask = bytes.readUInt16LE(offset + 10);
  const snapshotId = readText(bytes, offset + 32, ID_BYTES);
  switch (bytes.readUInt8(offset + 8)) {
    case typeNumbers.data:
      return { type: 'data', chunk, slot: value, generation, mask };
    case typeNumbers.zero:
      return { type: 'zero', chunk, count: value, generation, overZero: (mask & 1) !== 0, drops: (mask & 2) !== 0 };
    case typeNumbers.freeze: {
      return { type: 'freeze', snapshotId, generation, frozenAtMs: Number(bytes.readBigUInt64LE(offset + 24)) };
    }
    case typeNumbers.release:
      return { type: 'release', snapshotId, committed: value === 1 };
    case typeNumbers.marker:
      return { type: 'marker', covers: value };
    case typeNumbers.settle:
      return { type: 'settle', page: value };
    case typeNumbers.merge:
      return { type: 'merge', chunk, upper: value, lower: generation, keepsUpper: mask === 1 };
    default:
      return undefined;
  }
}

function writeText(target: Buffer, text: string, offset: number, limit: number): void {
  assert(Buffer.byteLength(text) <= limit, `"${text}" is longer than ${limit} bytes`);
  target.write(text, offset, 'utf8');
}

function readText(bytes: Buffer, offset: number, limit: number): string {
  const end = bytes.indexOf(0, offset);
  return bytes.toString('utf8', offset, end === -1 || end > offset + limit ? offset + limit : end);
}
