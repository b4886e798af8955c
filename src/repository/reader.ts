/**
 * Reads chunks of snapshots, one by one: what the data plane's lazy reads use, so latency counts. Nothing is written
 * but index rows that are missing.
 */
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { CorruptionError } from '../lib/errors.ts';
import type { Digest } from './digest.ts';
import { EntryReader } from './entry-reader.ts';
import { PageReader } from './page-reader.ts';
import { openStores } from './stores.ts';
import type { RepositoryPlace } from './stores.ts';
import { findChunkDigest, walkTree } from './tree.ts';
import type { TreeRef } from './tree-ref.ts';

export interface RepositoryReader {
  /**
   * The 64 KiB of a chunk (a copy), or null for zeros, verified (R5). Throws CorruptionError when no good copy is in
   * the repository, OperationalError when the store cannot be read.
   */
  readChunk(tree: TreeRef, chunk: number): Promise<Buffer | null>;
  /** The first `limit` chunks of the tree from `fromChunk` on that are not zeros, rising. Throws as `readChunk`. */
  listChunks(tree: TreeRef, fromChunk: number, limit: number): Promise<number[]>;
  /** Of a chunk, null for zeros. Throws CorruptionError at a bad page. */
  findDigest(tree: TreeRef, chunk: number): Promise<Digest | null>;
  close(): void;
}

/** Opens a repository that is there. */
export async function openRepositoryReader(place: RepositoryPlace): Promise<RepositoryReader> {
  const { store, index } = await openStores(place);
  const entries = new EntryReader(store, index);
  const pages = new PageReader(entries);
  return {
    readChunk: async (tree, chunk) => {
      const digest = await findChunkDigest(tree, pages, chunk);
      if (digest === null) return null;
      const bytes = await entries.read(digest, 'chunk');
      if (bytes.length !== CHUNK_BYTES) {
        throw new CorruptionError(`chunk ${digest.toString('hex')}`, `it has ${bytes.length} bytes`);
      }
      return Buffer.from(bytes);
    },
    listChunks: async (tree, fromChunk, limit) => {
      const chunks: number[] = [];
      for await (const { chunk } of walkTree(tree, pages, fromChunk)) {
        if (chunks.push(chunk) === limit) break;
      }
      return chunks;
    },
    findDigest: (tree, chunk) => findChunkDigest(tree, pages, chunk),
    close: () => index.close(),
  };
}
