/**
 * Writes what is needed of some packs into new ones: for the collector, where packs hold little that is needed, and in larger
 * groups (R9), where packs are old. Every entry is verified on the way. A crash leaves packs that hold second copies.
 */
import type { Random } from '../lib/random.ts';
import { CorruptionError } from '../lib/errors.ts';
import { EntryReader } from './entry-reader.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { DENSE_GROUP_BYTES, locationsOf, packName } from './pack.ts';
import type { LocatedEntry } from './pack.ts';
import { readPackContents } from './pack-end.ts';
import { PackWriter } from './pack-writer.ts';
import type { PackWriterOptions } from './pack-writer.ts';
import { DENSE_PARAMS, PoolCompressor } from './pool-compressor.ts';
import type { Stores } from './stores.ts';

/** Plain data: it goes to a worker. */
export interface RewrittenPack {
  packId: string;
  sizeBytes: number;
  /** Base64: bit i says that the pack's entry i is needed. */
  kept: string;
}

export interface RewriteJob {
  packs: readonly RewrittenPack[];
  /** In groups of up to 1 MiB, compressed as well as is worth the time. */
  isDense: boolean;
  ownerEpoch: number;
}

export interface RewriteResult {
  /** Durable and indexed. */
  packs: { packId: string; sizeBytes: number }[];
  /** Entries, hex, that could not be read, or are damaged: their packs must stay. */
  bad: { digest: string; packId: string; message: string }[];
}

export type Rewriter = (job: RewriteJob) => Promise<RewriteResult>;

/** `pace` is awaited after so many bytes. */
export async function rewritePacks(
  stores: Stores,
  { packs, isDense, ownerEpoch }: RewriteJob,
  options: {
    random: Random;
    writing?: Pick<PackWriterOptions, 'groupBytes' | 'packBytes' | 'compressor'>;
    pace?: (bytes: number) => Promise<void>;
  },
): Promise<RewriteResult> {
  const result: RewriteResult = { packs: [], bad: [] };
  const dense = isDense ? { groupBytes: DENSE_GROUP_BYTES, compressor: new PoolCompressor(DENSE_PARAMS) } : {};
  const writer = new PackWriter({
    ...{ ...stores, random: options.random, fence: { ownerEpoch, session: 0 }, isKnown: () => false },
    ...dense,
    ...options.writing,
    onIndexed: ({ packId, sizeBytes }) => void result.packs.push({ packId, sizeBytes }),
  });
  const entries = new EntryReader(stores.store, stores.index);
  for (const pack of packs) {
    const needed = await listNeeded(stores, pack);
    for (const { digest, kind, location } of needed) {
      const bytes = await entries.readAt(location, digest, kind);
      if (!Buffer.isBuffer(bytes)) {
        result.bad.push({ digest: digest.toString('hex'), packId: pack.packId, message: bytes.message });
        continue;
      }
      await writer.put(kind, digest, bytes);
      await options.pace?.(bytes.length);
    }
  }
  await writer.finish();
  return result;
}

/** None when another collector has deleted it since it was planned: the book decides what becomes of that. */
async function listNeeded(stores: Stores, { packId, sizeBytes, kept }: RewrittenPack): Promise<LocatedEntry[]> {
  const isKept = decodeKept(kept);
  const entries = await findPackEntries(stores, packId, sizeBytes);
  return (entries ?? []).filter((_entry, position) => isKept(position));
}

/**
 * What a pack holds, in order; where its end is damaged, as the index knows it. Undefined when that does not either, or when
 * the pack is not there.
 */
export async function findPackEntries(
  { store, index }: Stores,
  packId: string,
  sizeBytes: number,
): Promise<LocatedEntry[] | undefined> {
  try {
    return [...locationsOf(await readPackContents(store, packId, sizeBytes))];
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    if ((await store.stat(packName(packId))) === undefined) return undefined;
    const entries = index.listEntries(packId);
    // The index does not keep kinds. Chunks have one length, which no page has.
    const kindOf = ({ length }: { length: number }) => (length === CHUNK_BYTES ? 'chunk' : 'page');
    return entries.length === 0 ? undefined : entries.map((entry) => ({ ...entry, kind: kindOf(entry.location) }));
  }
}

export function encodeKept(kept: readonly boolean[]): string {
  const bits = Buffer.alloc(Math.ceil(kept.length / 8));
  for (const [position, isKept] of kept.entries()) {
    if (isKept) bits[position >> 3] = bits.readUInt8(position >> 3) | (1 << (position & 7));
  }
  return bits.toString('base64');
}

function decodeKept(text: string): (position: number) => boolean {
  const bits = Buffer.from(text, 'base64');
  return (position) => (((bits[position >> 3] ?? 0) >> (position & 7)) & 1) === 1;
}
