/**
 * Reads the chunks of a frozen view from the disk's segment files, neighbours in one read. Reads only. What is read is
 * planned in `read-plan.ts`.
 */
import fs from 'node:fs';
import { promisify } from 'node:util';
import type { ViewChunk } from '../disk/protocol.ts';
import { slotFile, slotOffset } from '../disk/slot-address.ts';
import { assert } from '../lib/assert.ts';
import { CorruptionError, OperationalError, errnoOf, messageOf } from '../lib/errors.ts';
import { BLOCK_BYTES, CHUNK_BYTES } from '../lib/geometry.ts';
import { isZeroChunk, planRun } from './read-plan.ts';
import type { RunPlan, SlotRead } from './read-plan.ts';

const RUN_CHUNKS = 16;
const OPEN_FILES = 32;

const readInPool = promisify(fs.readv);

/** Chunks of one kind: zeros (no buffers), or data, in order. */
export interface SlotRun {
  chunks: readonly ViewChunk[];
  buffers: readonly FilledBuffer[];
}

/** A buffer that begins with the bytes of so many chunks, one after the other. */
export interface FilledBuffer {
  buffer: Buffer;
  chunkCount: number;
}

export class SlotReader {
  readonly #takeBuffer: () => Buffer;
  /** Takes what lies between the blocks that are wanted of a slot. */
  readonly #unwanted = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  readonly #files = new Map<string, number>();
  #reading: Promise<SlotRun> = Promise.resolve({ chunks: [], buffers: [] });

  /** `takeBuffer` gives buffers for so many whole chunks, always the same. Each goes with the run that is read into it. */
  constructor(takeBuffer: () => Buffer) {
    this.#takeBuffer = takeBuffer;
  }

  /**
   * The chunks with their bytes, in order, on the thread pool one run ahead. Throws a retryable OperationalError when a
   * slot cannot be read, CorruptionError when it is not there whole.
   */
  async *read(dataFolder: string, chunks: readonly ViewChunk[]): AsyncGenerator<SlotRun> {
    this.#start(dataFolder, runFrom(chunks, 0));
    for (let start = 0; start < chunks.length;) {
      const run = await this.#reading;
      start += run.chunks.length;
      this.#start(dataFolder, runFrom(chunks, start));
      yield run;
    }
  }

  /** Resolves when nothing is being read any more. */
  async close(): Promise<void> {
    await this.#reading.catch(() => undefined);
    for (const fd of this.#files.values()) fs.closeSync(fd);
    this.#files.clear();
  }

  #start(dataFolder: string, chunks: readonly ViewChunk[]): void {
    this.#reading = this.#read(dataFolder, chunks);
    this.#reading.catch(() => undefined);
  }

  async #read(dataFolder: string, chunks: readonly ViewChunk[]): Promise<SlotRun> {
    const [first] = chunks;
    if (first === undefined || isZeroChunk(first)) return { chunks, buffers: [] };
    const target = new BlockTarget(this.#takeBuffer, chunks.length);
    const plan: RunPlan = planRun(chunks);
    for (const { block, count } of plan.zeros) for (const part of target.parts(block, count)) part.fill(0);
    // One after the other: an upload never has more than one read waiting at the device, guests come first.
    for (const read of plan.reads) await this.#readOne(dataFolder, read, target);
    return { chunks, buffers: target.filled() };
  }

  async #readOne(dataFolder: string, { slot, slotBlock, pieces }: SlotRead, target: BlockTarget): Promise<void> {
    const file = slotFile(dataFolder, slot);
    const offset = slotOffset(slot) + slotBlock * BLOCK_BYTES;
    const targets = pieces.flatMap(({ block, count }) =>
      block === null ? [this.#unwanted.subarray(0, count * BLOCK_BYTES)] : target.parts(block, count),
    );
    try {
      if (!(await readWhole(this.#open(file), targets, offset))) {
        throw new CorruptionError('a data file', `${file} is too short`);
      }
    } catch (error) {
      if (error instanceof CorruptionError) throw error;
      // The view holds its slots: a file that is not there has been lost, and waiting brings nothing back.
      if (errnoOf(error) === 'ENOENT') throw new CorruptionError('a data file', `${file} is missing`);
      const where = `bytes from ${offset} of ${file}`;
      throw new OperationalError(`cannot read ${where}: ${messageOf(error)}`, { retryable: true, cause: error });
    }
  }

  /** No read is under way when this is called, so files may be closed to make room. */
  #open(file: string): number {
    const known = this.#files.get(file);
    if (known !== undefined) return known;
    for (const [name, fd] of this.#files) {
      if (this.#files.size < OPEN_FILES) break;
      fs.closeSync(fd);
      this.#files.delete(name);
    }
    const fd = fs.openSync(file, 'r');
    this.#files.set(file, fd);
    return fd;
  }
}

/** Buffers that together are one row of blocks. */
class BlockTarget {
  readonly #buffers: readonly Buffer[];
  readonly #bufferBytes: number;
  readonly #chunkCount: number;

  constructor(takeBuffer: () => Buffer, chunkCount: number) {
    const first = takeBuffer();
    const count = Math.ceil((chunkCount * CHUNK_BYTES) / first.length);
    this.#buffers = [first, ...Array.from({ length: count - 1 }, takeBuffer)];
    this.#bufferBytes = first.length;
    this.#chunkCount = chunkCount;
  }

  /** Where `count` blocks from `block` on lie. */
  parts(block: number, count: number): Buffer[] {
    const parts: Buffer[] = [];
    const end = (block + count) * BLOCK_BYTES;
    for (let at = block * BLOCK_BYTES; at < end;) {
      const start = at % this.#bufferBytes;
      const part = this.#buffers[(at - start) / this.#bufferBytes]?.subarray(start, start + end - at);
      assert(part !== undefined && part.length > 0, 'the blocks are in the buffers');
      parts.push(part);
      at += part.length;
    }
    return parts;
  }

  filled(): FilledBuffer[] {
    const mostChunks = this.#bufferBytes / CHUNK_BYTES;
    return this.#buffers.map((buffer, position) => ({
      buffer,
      chunkCount: Math.min(mostChunks, this.#chunkCount - position * mostChunks),
    }));
  }
}

/** Fills all of `targets`, in order, from `offset`; false when the file ends before. */
async function readWhole(fd: number, targets: readonly Buffer[], offset: number): Promise<boolean> {
  let rest = targets;
  for (let at = offset; rest.length > 0;) {
    const { bytesRead } = await readInPool(fd, rest, at);
    if (bytesRead === 0) return false;
    at += bytesRead;
    rest = afterBytes(rest, bytesRead);
  }
  return true;
}

/** What is left of `targets` to fill when the first `byteCount` bytes are there. */
function afterBytes(targets: readonly Buffer[], byteCount: number): Buffer[] {
  let rest = byteCount;
  return targets.flatMap((target) => {
    const done = Math.min(rest, target.length);
    rest -= done;
    return done === target.length ? [] : [target.subarray(done)];
  });
}

/** The longest run from `start` of one kind: zero chunks, or chunks that are to be read. */
function runFrom(chunks: readonly ViewChunk[], start: number): ViewChunk[] {
  const run: ViewChunk[] = [];
  for (const chunk of chunks.slice(start, start + RUN_CHUNKS)) {
    const [first] = run;
    if (first !== undefined && isZeroChunk(first) !== isZeroChunk(chunk)) break;
    run.push(chunk);
  }
  return run;
}
