/**
 * Writes and reads large data past the page cache (O_DIRECT): nobody reads it soon, the copy into fresh pages costs more than
 * all else that the kernel does for it, and the pages that it would take are those of guests. Where the file system refuses,
 * that is done in the ordinary way. Nothing that is written is durable before the caller syncs the file.
 */
import fs from 'node:fs';
import { promisify } from 'node:util';
import { assert } from '../lib/assert.ts';
import { OperationalError, errnoOf } from '../lib/errors.ts';

/** Every alignment that file systems ask for divides this. */
const BLOCK_BYTES = 4096;
/** What one write takes at most, and two buffers of it are what a `DirectWriter` holds. */
export const DIRECT_BUFFER_BYTES = 2 * 1024 * 1024;

const writeInPool = promisify(fs.write);
const readSomeInPool = promisify(fs.read);

/** Memory that begins on a page, as O_DIRECT wants it: that of a resizable ArrayBuffer is mapped, not carved out. */
export function directBuffer(byteCount = DIRECT_BUFFER_BYTES): Buffer {
  return Buffer.from(new ArrayBuffer(byteCount, { maxByteLength: byteCount }));
}

/** What a `directBuffer` must have for a range of so many bytes, wherever it begins. */
export function directReadBytes(length: number): number {
  return Math.ceil(length / BLOCK_BYTES + 1) * BLOCK_BYTES;
}

/**
 * What the file has of the range, read into `room`, a `directBuffer`, on the thread pool. Undefined where that is too small or the
 * file system refuses. Rejects with the system's error.
 */
export async function readDirect(
  file: string,
  { offset, length }: { offset: number; length: number },
  room: Buffer,
): Promise<Buffer | undefined> {
  const before = offset % BLOCK_BYTES;
  const wholeBytes = Math.ceil((before + length) / BLOCK_BYTES) * BLOCK_BYTES;
  const fd = wholeBytes > room.length ? undefined : openDirect(file, fs.constants.O_RDONLY);
  if (fd === undefined) return undefined;
  try {
    const count = await readInPool(fd, room.subarray(0, wholeBytes), offset - before, BLOCK_BYTES);
    return room.subarray(before, Math.max(before, Math.min(count, before + length)));
  } catch (error) {
    if (errnoOf(error) === 'EINVAL') return undefined;
    throw error;
  } finally {
    fs.closeSync(fd);
  }
}

/** Fills `target` from `position` on; resolves to how many bytes there were. No read begins within a `unit`. */
export async function readInPool(fd: number, target: Buffer, position: number, unit = 1): Promise<number> {
  let done = 0;
  while (done < target.length) {
    const { bytesRead } = await readSomeInPool(fd, target, done, target.length - done, position + done);
    done += bytesRead;
    if (bytesRead === 0 || done % unit !== 0) break;
  }
  return done;
}

/** Gathers what is added into large writes on the thread pool; the next buffer is filled while one is written. */
export class DirectWriter {
  readonly #file: string;
  readonly #directFd: number | undefined;
  #plainFd: number | undefined;
  /** The one being filled, and the one that is free when `#writing` has resolved. */
  #buffers: [Buffer, Buffer];
  #start = 0;
  #length = 0;
  #writing: Promise<void> = Promise.resolve();

  /** `file` must exist. The buffers are `directBuffer`s and nobody else's until `close`. */
  constructor(file: string, buffers: [Buffer, Buffer]) {
    this.#file = file;
    this.#buffers = buffers;
    this.#directFd = openDirect(file, fs.constants.O_WRONLY);
  }

  /**
   * Copies `bytes`, to be written at `position`; resolves when there is room for more. What does not follow on what was
   * added before begins on a block, and what comes before such a gap ends on one. Rejects with the system's error.
   */
  async add(bytes: Uint8Array, position: number): Promise<void> {
    if (this.#start + this.#length !== position) await this.#begin(position);
    for (let done = 0; done < bytes.length;) {
      const piece = bytes.subarray(done, done + DIRECT_BUFFER_BYTES - this.#length);
      this.#buffers[0].set(piece, this.#length);
      this.#length += piece.length;
      done += piece.length;
      if (this.#length === DIRECT_BUFFER_BYTES) await this.#flush();
    }
  }

  /**
   * For what is made where it is written from: room for `length` bytes that go to `position`, a block's. They are added by
   * `commit`, if that is the next call, else they are not.
   */
  async reserve(length: number, position: number): Promise<Buffer> {
    assert(length <= DIRECT_BUFFER_BYTES, `${length} bytes do not fit in a buffer`);
    const isNext = this.#start + this.#length === position && this.#length + length <= DIRECT_BUFFER_BYTES;
    if (!isNext) await this.#begin(position);
    return this.#buffers[0].subarray(this.#length, this.#length + length);
  }

  /** Adds the first `length` bytes of the room. */
  commit(length: number): void {
    this.#length += length;
    assert(this.#length <= DIRECT_BUFFER_BYTES, 'no more is added than there was room for');
  }

  async #begin(position: number): Promise<void> {
    await this.#flush();
    assert(position % BLOCK_BYTES === 0, `a stretch begins on a block, not at ${position}`);
    this.#start = position;
  }

  /** Resolves when all is written; the last block is filled up with zeros. Ends the stretch: nothing follows on it. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#writing;
  }

  /** After `finish` or a rejection: resolves when the buffers are no longer in use. */
  async close(): Promise<void> {
    await this.#writing.catch(() => undefined);
    for (const fd of [this.#directFd, this.#plainFd]) if (fd !== undefined) fs.closeSync(fd);
  }

  async #flush(): Promise<void> {
    await this.#writing;
    if (this.#length === 0) return;
    const [full, free] = this.#buffers;
    const wholeBytes = Math.ceil(this.#length / BLOCK_BYTES) * BLOCK_BYTES;
    full.fill(0, this.#length, wholeBytes);
    this.#writing = this.#write(full.subarray(0, wholeBytes), this.#start);
    this.#writing.catch(() => undefined);
    this.#start += this.#length;
    this.#length = 0;
    this.#buffers = [free, full];
  }

  async #write(bytes: Buffer, position: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const fd = this.#directFd ?? this.#openPlain();
      const count = await this.#writeSome(fd, bytes.subarray(done), position + done);
      if (count === 0) throw new OperationalError('the file system wrote nothing', { retryable: true });
      done += count;
    }
  }

  /** EINVAL is what file systems say that take O_DIRECT at open and not at write, or want larger blocks. */
  async #writeSome(fd: number, bytes: Buffer, position: number): Promise<number> {
    try {
      return (await writeInPool(fd, bytes, 0, bytes.length, position)).bytesWritten;
    } catch (error) {
      if (errnoOf(error) !== 'EINVAL' || fd === this.#plainFd) throw error;
      return (await writeInPool(this.#openPlain(), bytes, 0, bytes.length, position)).bytesWritten;
    }
  }

  #openPlain(): number {
    return (this.#plainFd ??= fs.openSync(this.#file, fs.constants.O_WRONLY));
  }
}

function openDirect(file: string, access: number): number | undefined {
  try {
    return fs.openSync(file, access | fs.constants.O_DIRECT);
  } catch (error) {
    if (errnoOf(error) === 'EINVAL') return undefined;
    throw error;
  }
}
