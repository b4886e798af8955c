/** The name of a snapshot's Merkle tree: everything needed to read a whole disk image back. Plain JSON. */
export interface TreeRef {
  /** Hex digest of the root page, or null for a disk of zeros. */
  root: string | null;
  /** Levels of pages: 1 when the root is a leaf page; 0 when root is null. */
  levels: number;
  /** Chunks that are not zero. `dataChunkCount × 65 536` is the most a full restore writes. */
  dataChunkCount: number;
}

export const emptyTree: TreeRef = { root: null, levels: 0, dataChunkCount: 0 };
