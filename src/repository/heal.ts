/**
 * Stores again what was found damaged or lost, from whoever still has the bytes (R5): the disks that the hurt snapshots were taken
 * of. Only what has the right digest is taken. The damaged copies stay where they are until their packs go.
 */
import { CorruptionError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { RepositoryFinding } from './check.ts';
import { digestOf } from './digest.ts';
import { EntryReader } from './entry-reader.ts';
import { findManifest } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import type { PackWriter } from './pack-writer.ts';
import { PageReader } from './page-reader.ts';
import type { Stores } from './stores.ts';
import { findChunkDigest } from './tree.ts';

/** Chunks that are asked for at once: 1 MiB. */
const BATCH_CHUNKS = 16;

export interface WantedChunk {
  chunk: number;
  /** Hex. */
  digest: string;
}

/** Of a disk: the bytes of those chunks that hold what is wanted, by digest. */
export type AskDisk = (diskId: string, wanted: readonly WantedChunk[]) => Promise<ReadonlyMap<string, Buffer>>;

/** How many chunks were stored again, durably when the writer is finished. */
export async function healChunks(
  stores: Stores,
  findings: readonly RepositoryFinding[],
  writer: PackWriter,
  askDisk: AskDisk,
): Promise<number> {
  const done = new Set<string>();
  for (const [snapshotId, chunks] of hurtChunks(findings)) {
    const manifest = await findManifest(stores.store, snapshotId).catch(() => undefined);
    if (manifest === undefined) continue;
    let batch: WantedChunk[] = [];
    for await (const wanted of listWanted(stores, manifest, chunks)) {
      if (done.has(wanted.digest) || stores.index.has(Buffer.from(wanted.digest, 'hex'))) continue;
      batch.push(wanted);
      if (batch.length < BATCH_CHUNKS) continue;
      await storeFound(await askDisk(manifest.diskId, batch), writer, done);
      batch = [];
    }
    if (batch.length > 0) await storeFound(await askDisk(manifest.diskId, batch), writer, done);
  }
  return done.size;
}

async function storeFound(found: ReadonlyMap<string, Buffer>, writer: PackWriter, done: Set<string>): Promise<void> {
  for (const [name, bytes] of found) {
    const digest = digestOf(bytes);
    if (bytes.length !== CHUNK_BYTES || digest.toString('hex') !== name) continue;
    await writer.put('chunk', digest, bytes);
    done.add(name);
  }
}

function hurtChunks(findings: readonly RepositoryFinding[]): Map<string, Set<number>> {
  const hurt = new Map<string, Set<number>>();
  for (const { name, ranges } of findings.flatMap(({ hurts }) => hurts)) {
    const chunks = hurt.get(name) ?? new Set();
    hurt.set(name, chunks);
    for (const { offset, length } of ranges) {
      for (let at = offset; at < offset + length; at += CHUNK_BYTES) chunks.add(Math.floor(at / CHUNK_BYTES));
    }
  }
  return hurt;
}

/** Where the tree can be read. */
async function* listWanted(
  { store, index }: Stores,
  { tree }: Manifest,
  chunks: ReadonlySet<number>,
): AsyncGenerator<WantedChunk> {
  const pages = new PageReader(new EntryReader(store, index));
  for (const chunk of chunks) {
    try {
      const digest = await findChunkDigest(tree, pages, chunk);
      if (digest !== null) yield { chunk, digest: digest.toString('hex') };
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
    }
  }
}
