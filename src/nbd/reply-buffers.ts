/**
 * The buffers that replies are put together in. One pool serves all disks of a thread, so that an idle client holds none
 * and a busy one gets memory that the kernel has given out before: a fresh MiB costs as much as reading it does.
 */
const SMALL_BYTES = 256 * 1024;
/** A read of 1 MiB with its header, and replies of requests beside it. */
const LARGE_BYTES = 1024 * 1024 + 64 * 1024;
const KEPT_SMALL_COUNT = 16;
const KEPT_LARGE_COUNT = 8;

export class ReplyBuffers {
  readonly #small: Buffer[] = [];
  readonly #large: Buffer[] = [];

  /** At least so many bytes, of any content. */
  take(byteCount: number): ReplyBuffer {
    return new ReplyBuffer(this, this.#take(byteCount));
  }

  /** Longer ones are left to the garbage collector. */
  give(bytes: Buffer): void {
    if (bytes.length === SMALL_BYTES && this.#small.length < KEPT_SMALL_COUNT) this.#small.push(bytes);
    else if (bytes.length === LARGE_BYTES && this.#large.length < KEPT_LARGE_COUNT) this.#large.push(bytes);
  }

  #take(byteCount: number): Buffer {
    if (byteCount <= SMALL_BYTES) return this.#small.pop() ?? Buffer.allocUnsafeSlow(SMALL_BYTES);
    if (byteCount <= LARGE_BYTES) return this.#large.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES);
    return Buffer.allocUnsafeSlow(byteCount);
  }
}

/** A buffer with those who still need it: the batch that fills it, replies on their way out, reads under way. */
export class ReplyBuffer {
  readonly bytes: Buffer;
  /** Reads under way that will put their data into it. */
  readCount = 0;
  readonly #pool: ReplyBuffers;
  #holderCount = 1;

  constructor(pool: ReplyBuffers, bytes: Buffer) {
    this.#pool = pool;
    this.bytes = bytes;
  }

  hold(): void {
    this.#holderCount++;
  }

  /** The last one gives it back to the pool. */
  release(): void {
    if (--this.#holderCount === 0) this.#pool.give(this.bytes);
  }
}
