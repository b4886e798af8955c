/**
 * Gives a large buffer's memory back at once. Garbage collection does so too, but late, and is called for by such
 * buffers: for what moves gigabytes through them that is a tenth of the processor time, and twice the memory.
 */

/** What small buffers share: somewhat more than `Buffer.poolSize`. */
const POOL_BYTES = Buffer.allocUnsafe(1).buffer.byteLength;

/** `bytes`, and whatever else shares its memory, must not be used again. Small buffers share a pool and stay. */
export function freeBuffer({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength > POOL_BYTES) buffer.transfer(0);
}

/**
 * Makes malloc keep twice `byteCount` of what is freed, for who takes buffers again and again. glibc hands the end of its heap
 * back as soon as 128 KiB of it are free, and each new buffer is then fresh pages; once something larger was mapped on its
 * own and freed, that is its measure. Nothing is touched here, and where malloc is another, nothing changes.
 */
export function keepFreedMemory(byteCount: number): void {
  freeBuffer(Buffer.allocUnsafeSlow(byteCount));
}
