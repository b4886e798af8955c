/** The sizes that the whole engine and repository agree on (`docs/format.md`). */
export const CHUNK_BYTES = 64 * 1024;
export const BLOCK_BYTES = 4096;
export const GIB = 1024 ** 3;
