/** Where the bytes of a base come from: declared by the engine, given by the repository's reader (`diskd.ts`). */
import type { TreeRef } from '../repository/tree-ref.ts';

export interface BaseSource {
  /**
   * The 65 536 bytes of a chunk of a tree, verified, or null for zeros (also beyond the tree's end). Throws a
   * CorruptionError when the repository's bytes are bad, an OperationalError when they cannot be had now.
   */
  readChunk(tree: TreeRef, chunk: number): Promise<Buffer | null>;
}
