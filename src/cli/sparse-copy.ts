/** A raw image onto an empty disk: only what is not zero travels, several pieces at a time. Keeps nothing on its own. */
import fs from 'node:fs';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { OperationalError } from '../lib/errors.ts';
import type { NbdClient } from '../nbd/client.ts';

const PIECE_BYTES = 16 * CHUNK_BYTES;
const PIECES_AT_ONCE = 8;
const ZERO_CHUNK = Buffer.alloc(CHUNK_BYTES);

export interface SparseCopy {
  file: string;
  sizeBytes: number;
  /** A disk that reads as zeros and is at least as large. */
  target: Pick<NbdClient, 'write'>;
  onProgress: (doneBytes: number, totalBytes: number) => void;
  /** Told of every range that was not zero, in no order. */
  onData?: (offset: number, lengthBytes: number) => void;
  signal: AbortSignal;
}

/** Returns how many bytes were written. Flushing is the caller's. */
export async function copyImageToDisk(copy: SparseCopy): Promise<number> {
  const source = await fs.promises.open(copy.file, 'r');
  try {
    return await copyAll(copy, source);
  } finally {
    await source.close();
  }
}

async function copyAll(copy: SparseCopy, source: fs.promises.FileHandle): Promise<number> {
  const state = { next: 0, doneBytes: 0, writtenBytes: 0, failed: false };
  const lane = async () => {
    const buffer = Buffer.allocUnsafe(PIECE_BYTES);
    while (state.next < copy.sizeBytes && !state.failed) {
      copy.signal.throwIfAborted();
      const offset = state.next;
      const piece = buffer.subarray(0, Math.min(PIECE_BYTES, copy.sizeBytes - offset));
      state.next += piece.length;
      await readWhole(source, piece, offset, copy.file);
      const writtenBytes = await writeNonZero(copy, piece, offset);
      state.writtenBytes += writtenBytes;
      state.doneBytes += piece.length;
      copy.onProgress(state.doneBytes, copy.sizeBytes);
    }
  };
  const runLane = async () => {
    try {
      await lane();
    } catch (error) {
      state.failed = true; // the other lanes end after the piece that they are at
      throw error;
    }
  };
  const results = await Promise.allSettled(Array.from({ length: PIECES_AT_ONCE }, runLane));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return state.writtenBytes;
}

async function readWhole(source: fs.promises.FileHandle, target: Buffer, offset: number, file: string): Promise<void> {
  for (let done = 0; done < target.length;) {
    const { bytesRead } = await source.read(target, done, target.length - done, offset + done);
    if (bytesRead === 0) throw new OperationalError(`${file} became shorter while it was read`, { retryable: true });
    done += bytesRead;
  }
}

async function writeNonZero(copy: SparseCopy, piece: Buffer, offset: number): Promise<number> {
  const runs = planRuns(piece);
  await Promise.all(runs.map(({ start, end }) => copy.target.write(offset + start, piece.subarray(start, end))));
  for (const { start, end } of runs) copy.onData?.(offset + start, end - start);
  return runs.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** The parts of `piece` that hold anything, in whole chunks (the last one as long as it is). */
export function planRuns(piece: Buffer): { start: number; end: number }[] {
  const runs: { start: number; end: number }[] = [];
  for (let start = 0; start < piece.length; start += CHUNK_BYTES) {
    const end = Math.min(start + CHUNK_BYTES, piece.length);
    if (piece.compare(ZERO_CHUNK, 0, end - start, start, end) === 0) continue;
    const last = runs.at(-1);
    if (last?.end === start) last.end = end;
    else runs.push({ start, end });
  }
  return runs;
}
