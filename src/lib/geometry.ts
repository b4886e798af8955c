/** The sizes that the whole engine and repository agree on (`docs/format.md`). */
export const CHUNK_BYTES = 64 * 1024;
export const BLOCK_BYTES = 4096;
export const GIB = 1024 ** 3;
/** 4 KiB blocks of a chunk, and the mask of all of them. */
export const CHUNK_BLOCKS = CHUNK_BYTES / BLOCK_BYTES;
export const FULL_MASK = 2 ** CHUNK_BLOCKS - 1;
