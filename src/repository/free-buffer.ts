/**
 * Gives a large buffer's memory back at once. Garbage collection does so too, but late, and is called for by such
 * buffers: for what moves gigabytes through them that is a tenth of the processor time, and twice the memory.
 */

/** `bytes`, and whatever else shares its memory, must not be used again. Small buffers share a pool and stay. */
export function freeBuffer({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0);
}
