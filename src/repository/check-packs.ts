/**
 * Checks the packs of a repository, each by its end, with `readData` each by every byte, and notes which copies of
 * which digests are not good. Repairs rows of the index that disagree with a good pack: the index is a cache.
 */
import zlib from 'node:zlib';
import type { StatementSync } from 'node:sqlite';
import { CorruptionError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { expandGroup } from './compression.ts';
import { digestOf } from './digest.ts';
import { EntryReader, findBytes } from './entry-reader.ts';
import type { Digest } from './digest.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { PACK_HEADER_BYTES, PACK_PREFIX, encodePackHeader, findPackId, locationsOf, packName } from './pack.ts';
import type { Location, PackContents, PackGroup } from './pack.ts';
import { readPackContents } from './pack-end.ts';
import type { PackIndex } from './pack-index.ts';
import type { Stores } from './stores.ts';

export interface PackFinding {
  object: string;
  what: string;
}

/** Copies known to be bad, in a temporary table of the index's connection. */
export class BadCopies {
  readonly #add: StatementSync;
  readonly #addPack: StatementSync;
  readonly #has: StatementSync;

  constructor(index: PackIndex) {
    index.database.exec(`
      DROP TABLE IF EXISTS temp.badCopies;
      CREATE TEMP TABLE badCopies (digest BLOB, packId TEXT, PRIMARY KEY (digest, packId)) WITHOUT ROWID;
    `);
    this.#add = index.database.prepare('INSERT OR IGNORE INTO temp.badCopies VALUES (?, ?)');
    this.#addPack = index.database.prepare(
      `INSERT OR IGNORE INTO temp.badCopies SELECT digest, lower(hex(packs.id))
       FROM entries JOIN packs ON packs.number = entries.pack WHERE packs.id = ?`,
    );
    this.#has = index.database.prepare('SELECT 1 FROM temp.badCopies WHERE digest = ? AND packId = ?');
  }

  add(digest: Digest, packId: string): void {
    this.#add.run(digest, packId);
  }

  /** All that the index knows to be in the pack. */
  addPack(packId: string): void {
    this.#addPack.run(Buffer.from(packId, 'hex'));
  }

  /** What earlier looks found. */
  addKnown(index: PackIndex): void {
    for (const { digest, packId } of index.listBad()) this.add(digest, packId);
  }

  has(digest: Digest, { packId }: Location): boolean {
    return this.#has.get(digest, packId) !== undefined;
  }
}

/** What is wrong with the packs, in the order of their names; missing ones last. Fills `bad`. */
export async function checkPacks(stores: Stores, readData: boolean, bad: BadCopies): Promise<PackFinding[]> {
  const findings: PackFinding[] = [];
  const missing = new Set(stores.index.listPacks().map(({ packId }) => packId));
  const counts = stores.index.countEntries();
  for await (const { name, sizeBytes } of stores.store.list(PACK_PREFIX)) {
    const packId = findPackId(name);
    if (packId === undefined) {
      findings.push({ object: name, what: 'this is no name of a pack; nothing uses it' });
      continue;
    }
    missing.delete(packId);
    for (const what of await checkPack(stores, { packId, sizeBytes, count: counts.get(packId) ?? 0 }, readData, bad)) {
      findings.push({ object: name, what });
    }
  }
  for (const packId of missing) {
    bad.addPack(packId);
    findings.push({ object: packName(packId), what: 'the pack is missing' });
  }
  return findings;
}

async function checkPack(
  { store, index }: Stores,
  { packId, sizeBytes, count }: { packId: string; sizeBytes: number; count: number | null },
  readData: boolean,
  bad: BadCopies,
): Promise<string[]> {
  const findings: string[] = [];
  const { lapses } = index;
  let contents: PackContents;
  try {
    contents = await readPackContents(store, packId, sizeBytes);
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    return [error.message, ...(await checkEndless({ store, index }, { packId, sizeBytes }, readData, bad))];
  }
  index.setEndWhole(packId, sizeBytes);
  if (count !== null && !isIndexedRight(index, contents, count)) await index.add(contents, lapses, store);
  const header = await findBytes(store, packName(packId), { offset: 0, length: PACK_HEADER_BYTES });
  if (!Buffer.isBuffer(header) || !header.equals(encodePackHeader(packId))) findings.push('its header is damaged');
  const odd = contents.groups.filter(
    ({ kind, entries }) => kind === 'chunk' && entries.some(({ length }) => length !== CHUNK_BYTES),
  );
  for (const { offset } of odd)
    findings.push(`the group at ${offset} has chunks of another length than ${CHUNK_BYTES}`);
  if (readData) findings.push(...(await verifyGroups({ store, index }, contents, bad)));
  return findings;
}

/** A pack whose end is damaged: what the index knows of it can still be read, and the next collection writes it anew. */
async function checkEndless(
  { store, index }: Stores,
  { packId, sizeBytes }: { packId: string; sizeBytes: number },
  readData: boolean,
  bad: BadCopies,
): Promise<string[]> {
  if ((await store.stat(packName(packId))) === undefined) {
    bad.addPack(packId);
    return [];
  }
  const entries = index.listEntries(packId);
  if (entries.length === 0) return ['nobody knows what it holds'];
  index.setEndDamaged(packId, sizeBytes);
  const reader = new EntryReader(store, index);
  const known = knownBadOf(index, packId);
  let badCount = 0;
  for (const { digest, location } of entries) {
    const wasBad = known.has(digest.toString('hex'));
    const isLost = location.groupOffset + location.storedLength > sizeBytes;
    const isBad = readData ? !Buffer.isBuffer(await reader.readAt(location, digest, 'chunk')) : isLost || wasBad;
    if (isBad) bad.add(digest, packId);
    if (isBad && !wasBad && !isLost) index.markBad(digest, packId);
    if (wasBad && !isBad) index.markGood(digest, packId);
    if (isBad) badCount++;
  }
  if (badCount === entries.length) return ['nothing of what the index knows of it can be read'];
  const damaged = badCount === 0 ? '' : `, but ${badCount} of ${entries.length} chunks and pages, which are damaged`;
  return [`what the index knows of it can be read${damaged}; the next collection writes that anew`];
}

function knownBadOf(index: PackIndex, packId: string): Set<string> {
  return new Set(index.listBad().flatMap((copy) => (copy.packId === packId ? copy.digest.toString('hex') : [])));
}

/** Reads a whole pack and remembers in the index which of its copies are good; what is wrong with it, empty when nothing is. */
export async function verifyPack(stores: Stores, pack: { packId: string; sizeBytes: number }): Promise<string[]> {
  const bad = new BadCopies(stores.index);
  const sizeBytes = (await stores.store.stat(packName(pack.packId)))?.sizeBytes ?? pack.sizeBytes;
  return checkPack(stores, { packId: pack.packId, sizeBytes, count: null }, true, bad);
}

async function verifyGroups({ store, index }: Stores, contents: PackContents, bad: BadCopies): Promise<string[]> {
  const { packId, groups } = contents;
  const findings: string[] = [];
  const known = knownBadOf(index, packId);
  for (const group of groups) findings.push(...(await checkGroup(store, packId, group, bad)));
  for (const { digest, location } of locationsOf(contents)) {
    if (bad.has(digest, location)) index.markBad(digest, packId);
    else if (known.has(digest.toString('hex'))) index.markGood(digest, packId);
  }
  return findings;
}

function isIndexedRight(index: PackIndex, contents: PackContents, count: number): boolean {
  const entries = [...locationsOf(contents)];
  return (
    new Set(entries.map(({ digest }) => digest.toString('hex'))).size === count &&
    entries.every(({ digest, location }) => {
      const { groupOffset, storedLength, plainLength, codec, position, length } = location;
      const place = [groupOffset, storedLength, plainLength, codec, position, length].join();
      return index.findEntry(digest, contents.packId) === place;
    })
  );
}

async function checkGroup(store: ObjectStore, packId: string, group: PackGroup, bad: BadCopies): Promise<string[]> {
  const { offset, storedLength, codec, plainLength, crc32 } = group;
  const where = `bytes ${offset}–${offset + storedLength - 1}`;
  const bytes = await findBytes(store, packName(packId), { offset, length: storedLength });
  if (!Buffer.isBuffer(bytes) || bytes.length !== storedLength) {
    for (const { digest } of group.entries) bad.add(digest, packId);
    return [`${where} cannot be read`];
  }
  const plain = await expandGroup({ codec, bytes }, plainLength);
  let position = 0;
  let badCount = 0;
  for (const { digest, length } of group.entries) {
    const isGood = plain !== undefined && digestOf(plain.subarray(position, position + length)).equals(digest);
    position += length;
    if (isGood) continue;
    bad.add(digest, packId);
    badCount++;
  }
  const isWritten = zlib.crc32(bytes) === crc32;
  if (badCount === 0) return isWritten ? [] : [`${where} are not what was written, but what is in them reads well`];
  const cause = plain === undefined ? 'cannot be decompressed' : 'are not what was written';
  return [`${where} ${cause}: ${badCount} of the ${group.entries.length} ${group.kind}s in them are damaged`];
}
