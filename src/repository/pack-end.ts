/** Reads the end of a pack from the store: what it holds and where. */
import { CorruptionError } from '../lib/errors.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import {
  PACK_HEADER_BYTES,
  PACK_TRAILER_BYTES,
  PACK_VERSION,
  decodeFooterLength,
  decodePackEnd,
  packName,
  versionOfEnd,
  versionOfHeader,
} from './pack.ts';
import type { PackContents } from './pack.ts';

/** Enough for the footer of a usual pack in one read. */
const FIRST_READ_BYTES = 64 * 1024;

/**
 * Throws CorruptionError when the pack is missing or its end is not as it was written, a lasting OperationalError when a newer
 * version has written it.
 */
export async function readPackContents(store: ObjectStore, packId: string, sizeBytes: number): Promise<PackContents> {
  const first = await readEnd(store, packId, sizeBytes, FIRST_READ_BYTES);
  const trailer = first.subarray(Math.max(0, first.length - PACK_TRAILER_BYTES));
  if (trailer.length === PACK_TRAILER_BYTES && versionOfEnd(trailer) !== PACK_VERSION) {
    await assertSaidTwice(store, packId, versionOfEnd(trailer));
  }
  const endLength = decodeFooterLength(trailer, packId) + PACK_TRAILER_BYTES;
  if (endLength > sizeBytes) throw new CorruptionError(`pack ${packId}`, 'its footer is longer than it');
  const end =
    endLength <= first.length ? first.subarray(-endLength) : await readEnd(store, packId, sizeBytes, endLength);
  return decodePackEnd(packId, sizeBytes, end);
}

/** A pack of another version says so at both ends. */
async function assertSaidTwice(store: ObjectStore, packId: string, version: number): Promise<void> {
  const header = await store.find(packName(packId), { offset: 0, length: PACK_HEADER_BYTES });
  if (header?.length === PACK_HEADER_BYTES && versionOfHeader(header) === version) return;
  throw new CorruptionError(`pack ${packId}`, 'its two ends are of different versions');
}

async function readEnd(store: ObjectStore, packId: string, sizeBytes: number, lengthBytes: number): Promise<Buffer> {
  const length = Math.min(sizeBytes, lengthBytes);
  const bytes = await store.find(packName(packId), { offset: sizeBytes - length, length });
  if (bytes === undefined) throw new CorruptionError(`pack ${packId}`, 'it is missing');
  return bytes;
}
