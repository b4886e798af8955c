/** Reads the slots of a frozen view from the disk's segment files, neighbours in one read. Reads only. */
import fs from 'node:fs';
import { promisify } from 'node:util';
import type { ViewChunk } from '../disk/protocol.ts';
import { slotFile, slotOffset } from '../disk/slot-address.ts';
import { CorruptionError, OperationalError, errnoOf, messageOf } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';

const RUN_CHUNKS = 16;
const OPEN_FILES = 32;

const readInPool = promisify(fs.read);

/** Chunks of one kind: zeros (`bytes` is null), or slots that follow one another, with their bytes. */
export interface SlotRun {
  chunks: readonly ViewChunk[];
  bytes: Buffer | null;
}

export class SlotReader {
  /** One is used while the other is read into. */
  readonly #buffers = [
    Buffer.allocUnsafeSlow(RUN_CHUNKS * CHUNK_BYTES),
    Buffer.allocUnsafeSlow(RUN_CHUNKS * CHUNK_BYTES),
  ];
  readonly #files = new Map<string, number>();
  #reading: Promise<SlotRun> = Promise.resolve({ chunks: [], bytes: null });
  #turn = 0;

  /**
   * The chunks with their bytes, in order, on the thread pool one run ahead. The bytes are valid until the next run is
   * asked for. Throws a retryable OperationalError when a slot cannot be read whole.
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
    const slot = chunks[0]?.slot ?? null;
    const buffer = this.#buffers[this.#turn++ % this.#buffers.length];
    if (slot === null || buffer === undefined) return { chunks, bytes: null };
    const file = slotFile(dataFolder, slot);
    const offset = slotOffset(slot);
    const length = chunks.length * CHUNK_BYTES;
    try {
      const fd = this.#open(file);
      for (let done = 0; done < length;) {
        const { bytesRead } = await readInPool(fd, buffer, done, length - done, offset + done);
        if (bytesRead === 0) throw new CorruptionError('a data file', `${file} is too short`);
        done += bytesRead;
      }
    } catch (error) {
      if (error instanceof CorruptionError) throw error;
      // The view holds its slots: a file that is not there has been lost, and waiting brings nothing back.
      if (errnoOf(error) === 'ENOENT') throw new CorruptionError('a data file', `${file} is missing`);
      const where = `bytes ${offset}–${offset + length - 1} of ${file}`;
      throw new OperationalError(`cannot read ${where}: ${messageOf(error)}`, { retryable: true, cause: error });
    }
    return { chunks, bytes: buffer.subarray(0, length) };
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

/** The longest run from `start` of one kind: zero chunks, or slots that follow one another in one file. */
function runFrom(chunks: readonly ViewChunk[], start: number): ViewChunk[] {
  const run: ViewChunk[] = [];
  for (const chunk of chunks.slice(start, start + RUN_CHUNKS)) {
    const last = run.at(-1);
    if (last !== undefined && !follows(last.slot, chunk.slot)) break;
    run.push(chunk);
  }
  return run;
}

function follows(slot: number | null, next: number | null): boolean {
  if (slot === null || next === null) return slot === next;
  return next === slot + 1 && slotOffset(next) !== 0;
}
