/** Where the bytes of a base come from: declared by the engine, given by the repository's reader and by other disks' views. */
import type { BaseRef, TreeBase } from './protocol.ts';

export interface BaseSource {
  /**
   * The 65 536 bytes of a chunk of a base, verified, or null for zeros (also beyond the base's end). Throws a
   * CorruptionError when the bytes are bad, an OperationalError when they cannot be had now.
   */
  readChunk(base: BaseRef, chunk: number): Promise<Buffer | null>;
  /** The first `limit` chunks of a tree from `fromChunk` on that are not zeros, rising; fewer only at its end. Throws as above. */
  listChunks(base: TreeBase, fromChunk: number, limit: number): Promise<number[]>;
}
