/**
 * The bytes of a pack around its groups: header, footer, trailer (`docs/format.md`). Pure. What is decoded here is
 * checked here: whoever holds a `PackContents` may trust every offset in it.
 */
import { assert } from '../lib/assert.ts';
import { CorruptionError, OperationalError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { CIPHER_NONE, CODEC_STORED, assertCipher, assertCodec, assertVersion } from './compression.ts';
import { DIGEST_BYTES, digestOfParts } from './digest.ts';
import type { Digest } from './digest.ts';

export const PACK_VERSION = 1;
export const PACK_HEADER_BYTES = 32;
export const PACK_TRAILER_BYTES = 80;
export const PACK_PREFIX = 'packs/';
export const GROUP_PLAIN_BYTES = 4 * CHUNK_BYTES;
/** Of background rewriting. */
export const DENSE_GROUP_BYTES = 16 * CHUNK_BYTES;
/** Where a pack is sealed: one sync for so many bytes. */
export const PACK_TARGET_BYTES = 16 * 1024 * 1024;

const MAGIC = Buffer.from('HUPOPACK');
const END_MAGIC = Buffer.from('HUPOKCAP');
const GROUP_RECORD_BYTES = 24;
const ENTRY_RECORD_BYTES = DIGEST_BYTES + 4;
const ID_BYTES = 16;
const SEALED_PREFIX_BYTES = 40;

export type EntryKind = 'chunk' | 'page';
const KIND_NUMBERS: Record<EntryKind, number> = { chunk: 1, page: 2 };

export interface PackEntry {
  digest: Digest;
  /** Plain bytes. */
  length: number;
}

export interface PackGroup {
  offset: number;
  storedLength: number;
  plainLength: number;
  crc32: number;
  codec: number;
  kind: EntryKind;
  entries: PackEntry[];
}

/** By whose leave something was written: the catalog that owns the repository, and the session in it. */
export interface Fence {
  ownerEpoch: number;
  /** 0: the collector, which needs none. */
  session: number;
}

export interface PackContents {
  /** 32 hex digits. */
  packId: string;
  sizeBytes: number;
  fence: Fence;
  /** Written by background rewriting, in large groups. */
  isDense: boolean;
  groups: PackGroup[];
}

/** One place of a chunk or page. */
export interface Location {
  packId: string;
  groupOffset: number;
  storedLength: number;
  plainLength: number;
  codec: number;
  /** Where in the group's plain bytes, and how long. */
  position: number;
  length: number;
}

/**
 * What of its group's stored bytes is an entry's: shares add up to exactly the group, so that a pack of which all is needed has
 * nothing dead.
 */
export function storedShareOf({ storedLength, plainLength, position, length }: Location): number {
  const upTo = (at: number) => Math.floor((storedLength * at) / plainLength);
  return upTo(position + length) - upTo(position);
}

export function packName(packId: string): string {
  return `${PACK_PREFIX}${packId.slice(0, 2)}/${packId}`;
}

/** The id in an object name below `packs/`, or undefined when it is no pack's name. */
export function findPackId(name: string): string | undefined {
  const packId = name.slice(name.lastIndexOf('/') + 1);
  return /^[0-9a-f]{32}$/.test(packId) && packName(packId) === name ? packId : undefined;
}

export function encodePackHeader(packId: string): Buffer {
  const header = Buffer.alloc(PACK_HEADER_BYTES);
  MAGIC.copy(header, 0);
  header.writeUInt16LE(PACK_VERSION, 8);
  header[10] = CODEC_STORED;
  header[11] = CIPHER_NONE;
  idBytes(packId).copy(header, 16);
  return header;
}

/** Footer and trailer: what follows the groups. */
export function encodePackEnd({ packId, fence, isDense, groups }: Omit<PackContents, 'sizeBytes'>): Buffer {
  const footer = encodeFooter(groups);
  const trailer = Buffer.alloc(PACK_TRAILER_BYTES);
  trailer.writeUInt32LE(footer.length, 0);
  trailer.writeUInt16LE(PACK_VERSION, 4);
  trailer[6] = CODEC_STORED;
  trailer[7] = CIPHER_NONE;
  idBytes(packId).copy(trailer, 8);
  trailer.writeUInt32LE(fence.ownerEpoch, 24);
  trailer[28] = isDense ? 1 : 0;
  trailer.writeBigUInt64LE(BigInt(fence.session), 32);
  sealOf(packId, footer, trailer).copy(trailer, SEALED_PREFIX_BYTES);
  END_MAGIC.copy(trailer, PACK_TRAILER_BYTES - END_MAGIC.length);
  return Buffer.concat([footer, trailer]);
}

function encodeFooter(groups: readonly PackGroup[]): Buffer {
  const entryCount = groups.reduce((sum, group) => sum + group.entries.length, 0);
  const footer = Buffer.alloc(8 + groups.length * GROUP_RECORD_BYTES + entryCount * ENTRY_RECORD_BYTES);
  footer.writeUInt32LE(groups.length, 0);
  footer.writeUInt32LE(entryCount, 4);
  let at = 8;
  for (const group of groups) {
    footer.writeUInt32LE(group.offset, at);
    footer.writeUInt32LE(group.storedLength, at + 4);
    footer.writeUInt32LE(group.plainLength, at + 8);
    footer.writeUInt32LE(group.crc32, at + 12);
    footer.writeUInt16LE(group.entries.length, at + 16);
    footer[at + 18] = group.codec;
    footer[at + 19] = KIND_NUMBERS[group.kind];
    at += GROUP_RECORD_BYTES;
  }
  for (const entry of groups.flatMap((group) => group.entries)) {
    entry.digest.copy(footer, at);
    footer.writeUInt32LE(entry.length, at + DIGEST_BYTES);
    at += ENTRY_RECORD_BYTES;
  }
  return footer;
}

function sealOf(packId: string, footer: Buffer, trailer: Buffer): Digest {
  return digestOfParts([encodePackHeader(packId), footer, trailer.subarray(0, SEALED_PREFIX_BYTES)]);
}

function idBytes(packId: string): Buffer {
  const bytes = Buffer.from(packId, 'hex');
  assert(bytes.length === ID_BYTES, `${packId} is no pack id`);
  return bytes;
}

/** Where every version has it: a pack says it twice, so that one damaged bit is not taken for a newer version. */
export function versionOfEnd(trailer: Buffer): number {
  return trailer.readUInt16LE(4);
}

export function versionOfHeader(header: Buffer): number {
  return header.readUInt16LE(8);
}

/** How long the footer of a pack is, from its last `PACK_TRAILER_BYTES`. Throws CorruptionError, or for a newer version. */
export function decodeFooterLength(trailer: Buffer, packId: string): number {
  const damaged = (where: string) => new CorruptionError(`pack ${packId}`, where);
  if (trailer.length !== PACK_TRAILER_BYTES) throw damaged('it is too short');
  if (!trailer.subarray(-END_MAGIC.length).equals(END_MAGIC)) throw damaged('its end is missing');
  assertVersion(versionOfEnd(trailer), PACK_VERSION, `pack ${packId}`);
  if (!trailer.subarray(8, 8 + ID_BYTES).equals(idBytes(packId))) throw damaged('it is another pack');
  return trailer.readUInt32LE(0);
}

/** Decodes footer ‖ trailer of a pack of `sizeBytes`. Throws CorruptionError unless every byte is as it was written. */
export function decodePackEnd(packId: string, sizeBytes: number, end: Buffer): PackContents {
  const damaged = (where: string) => new CorruptionError(`pack ${packId}`, where);
  const trailer = end.subarray(Math.max(0, end.length - PACK_TRAILER_BYTES));
  const footerLength = decodeFooterLength(trailer, packId);
  if (footerLength + PACK_TRAILER_BYTES !== end.length) throw damaged('its footer has another length');
  const footer = end.subarray(0, footerLength);
  const expected = trailer.subarray(SEALED_PREFIX_BYTES, SEALED_PREFIX_BYTES + DIGEST_BYTES);
  const actual = sealOf(packId, footer, trailer);
  if (!expected.equals(actual)) {
    const digests = { expected: expected.toString('hex'), actual: actual.toString('hex') };
    throw new CorruptionError(`pack ${packId}`, 'its footer', digests);
  }
  assertCodec(trailer.readUInt8(6));
  assertCipher(trailer.readUInt8(7));
  const fence = { ownerEpoch: trailer.readUInt32LE(24), session: Number(trailer.readBigUInt64LE(32)) };
  const isDense = trailer.readUInt8(28) === 1;
  assertReserved([trailer.readUInt8(28) & 0xfe, ...trailer.subarray(29, 32)], packId);
  const groups = decodeFooter(footer, packId, damaged);
  const last = groups.at(-1);
  const groupsEnd = last === undefined ? PACK_HEADER_BYTES : last.offset + last.storedLength;
  if (groupsEnd + end.length !== sizeBytes) throw damaged(`it has ${sizeBytes} bytes, not ${groupsEnd + end.length}`);
  return { packId, sizeBytes, fence, isDense, groups };
}

function decodeFooter(footer: Buffer, packId: string, damaged: (where: string) => Error): PackGroup[] {
  const groupCount = footer.length < 8 ? 0 : footer.readUInt32LE(0);
  const entryCount = footer.length < 8 ? 0 : footer.readUInt32LE(4);
  if (footer.length !== 8 + groupCount * GROUP_RECORD_BYTES + entryCount * ENTRY_RECORD_BYTES) {
    throw damaged('its footer counts wrongly');
  }
  const groups: PackGroup[] = [];
  let offset = PACK_HEADER_BYTES;
  let entryAt = 8 + groupCount * GROUP_RECORD_BYTES;
  for (let at = 8; groups.length < groupCount; at += GROUP_RECORD_BYTES) {
    assertReserved(footer.subarray(at + 20, at + GROUP_RECORD_BYTES), packId);
    const group = decodeGroup(footer, at, entryAt, damaged);
    if (group.offset !== offset) throw damaged(`its group at ${group.offset} should be at ${offset}`);
    groups.push(group);
    offset += group.storedLength;
    entryAt += group.entries.length * ENTRY_RECORD_BYTES;
  }
  if (entryAt !== footer.length) throw damaged('its groups and entries disagree');
  return groups;
}

/** What is not zero there was written by a newer version. */
function assertReserved(bytes: Iterable<number>, packId: string): void {
  if ([...bytes].every((byte) => byte === 0)) return;
  const message = `pack ${packId} was written by a newer version of Hupo; use that one`;
  throw new OperationalError(message, { retryable: false });
}

function decodeGroup(footer: Buffer, at: number, entryAt: number, damaged: (where: string) => Error): PackGroup {
  const entryCount = footer.readUInt16LE(at + 16);
  const entriesEnd = entryAt + entryCount * ENTRY_RECORD_BYTES;
  if (entryCount === 0 || entriesEnd > footer.length) throw damaged('a group has a wrong number of entries');
  const entries: PackEntry[] = [];
  let plainLength = 0;
  for (let record = entryAt; record < entriesEnd; record += ENTRY_RECORD_BYTES) {
    const length = footer.readUInt32LE(record + DIGEST_BYTES);
    entries.push({ digest: Buffer.from(footer.subarray(record, record + DIGEST_BYTES)), length });
    plainLength += length;
  }
  const kindNumber = footer.readUInt8(at + 19);
  const kind = kindNumber === KIND_NUMBERS.chunk ? 'chunk' : kindNumber === KIND_NUMBERS.page ? 'page' : undefined;
  if (kind === undefined) throw damaged(`a group is of the unknown kind ${kindNumber}`);
  if (footer.readUInt32LE(at + 8) !== plainLength) throw damaged('a group and its entries differ in length');
  const codec = footer.readUInt8(at + 18);
  assertCodec(codec);
  return {
    offset: footer.readUInt32LE(at),
    storedLength: footer.readUInt32LE(at + 4),
    plainLength,
    crc32: footer.readUInt32LE(at + 12),
    codec,
    kind,
    entries,
  };
}

export interface LocatedEntry {
  digest: Digest;
  kind: EntryKind;
  location: Location;
}

/** Where each entry of a pack lies, in order. */
export function* locationsOf({ packId, groups }: PackContents): Generator<LocatedEntry> {
  for (const { offset: groupOffset, storedLength, plainLength, codec, kind, entries } of groups) {
    let position = 0;
    for (const { digest, length } of entries) {
      yield { digest, kind, location: { packId, groupOffset, storedLength, plainLength, codec, position, length } };
      position += length;
    }
  }
}
