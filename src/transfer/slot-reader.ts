/** Reads the slots of a frozen view from the disk's segment files, neighbours in one read. Reads only. */
import fs from 'node:fs';
import type { ViewChunk } from '../disk/protocol.ts';
import { slotFile, slotOffset } from '../disk/slot-address.ts';
import { OperationalError, messageOf } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';

const RUN_CHUNKS = 16;
const OPEN_FILES = 32;

export class SlotReader {
  readonly #buffer = Buffer.allocUnsafeSlow(RUN_CHUNKS * CHUNK_BYTES);
  readonly #files = new Map<string, number>();

  /**
   * The chunks with their bytes (null for a zero chunk), in order. The bytes are valid until the next is asked for.
   * Throws a retryable OperationalError when a slot cannot be read whole.
   */
  *read(dataFolder: string, chunks: readonly ViewChunk[]): Generator<{ chunk: number; bytes: Buffer | null }> {
    for (let start = 0; start < chunks.length;) {
      const run = runFrom(chunks, start);
      const first = run[0];
      if (first === undefined) return;
      if (first.slot !== null) this.#readRun(slotFile(dataFolder, first.slot), slotOffset(first.slot), run.length);
      for (const [position, { chunk, slot }] of run.entries()) {
        const at = position * CHUNK_BYTES;
        yield { chunk, bytes: slot === null ? null : this.#buffer.subarray(at, at + CHUNK_BYTES) };
      }
      start += run.length;
    }
  }

  close(): void {
    for (const fd of this.#files.values()) fs.closeSync(fd);
    this.#files.clear();
  }

  #readRun(file: string, offset: number, chunkCount: number): void {
    const length = chunkCount * CHUNK_BYTES;
    try {
      const fd = this.#open(file);
      for (let done = 0; done < length;) {
        const count = fs.readSync(fd, this.#buffer, done, length - done, offset + done);
        if (count === 0) throw new Error('the file is too short');
        done += count;
      }
    } catch (error) {
      const where = `bytes ${offset}–${offset + length - 1} of ${file}`;
      throw new OperationalError(`cannot read ${where}: ${messageOf(error)}`, { retryable: true, cause: error });
    }
  }

  #open(file: string): number {
    const known = this.#files.get(file);
    if (known !== undefined) return known;
    if (this.#files.size >= OPEN_FILES) this.close();
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
