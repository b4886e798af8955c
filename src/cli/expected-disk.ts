/**
 * What a disk must hold: an image, zeros after it, and the blocks written over it since. Written blocks are kept as the
 * seed of their bytes, so that the memory is small; a disk is compared piece by piece while it is read.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import { OperationalError } from '../lib/errors.ts';
import { BLOCK_BYTES } from '../lib/geometry.ts';

const PIECE_BYTES = 1024 * 1024;
const PIECES_AHEAD = 8;
const ZERO_PIECE = Buffer.alloc(PIECE_BYTES);
/** The seed of a block of zeros. */
export const ZERO_SEED = 0;

export interface Image {
  file: string;
  sizeBytes: number;
}

/** Reads a range of the disk, or of a file that holds it. */
export type ReadRange = (offset: number, lengthBytes: number) => Promise<Buffer>;

export class ExpectedDisk {
  readonly image: Image;
  readonly sizeBytes: number;
  readonly #seeds = new Map<number, number>();
  /** Blocks that may also be as this seed says: written while the moment was taken. */
  readonly #alternatives = new Map<number, number>();

  constructor(image: Image, sizeBytes: number) {
    this.image = image;
    this.sizeBytes = sizeBytes;
  }

  setBlock(block: number, seed: number): void {
    this.#seeds.set(block, seed);
  }

  /** The block may be as it is, or as `seed` says. */
  allowBlock(block: number, seed: number): void {
    this.#alternatives.set(block, seed);
  }

  /** What the disk holds from `offset` on; the image's part of it is read from `source`. */
  async readPiece(source: fs.promises.FileHandle, offset: number, lengthBytes: number): Promise<Buffer> {
    const isPlainZeros = offset >= this.image.sizeBytes && !this.#isWrittenTo(offset, lengthBytes);
    if (isPlainZeros) return ZERO_PIECE.subarray(0, lengthBytes);
    const piece = await readImagePiece(source, offset, lengthBytes);
    for (let at = 0; at < lengthBytes; at += BLOCK_BYTES) {
      const seed = this.#seeds.get((offset + at) / BLOCK_BYTES);
      if (seed !== undefined) makeBlock(seed).copy(piece, at);
    }
    return piece;
  }

  #isWrittenTo(offset: number, lengthBytes: number): boolean {
    for (let at = 0; at < lengthBytes; at += BLOCK_BYTES) {
      if (this.#seeds.has((offset + at) / BLOCK_BYTES)) return true;
    }
    return false;
  }

  /** Throws an OperationalError naming the first block of `actual` that is not as it must be. */
  checkPiece(actual: Buffer, expected: Buffer, offset: number): void {
    if (actual.equals(expected)) return;
    for (let at = 0; at < actual.length; at += BLOCK_BYTES) {
      const block = actual.subarray(at, at + BLOCK_BYTES);
      if (block.equals(expected.subarray(at, at + BLOCK_BYTES))) continue;
      const seed = this.#alternatives.get((offset + at) / BLOCK_BYTES);
      if (seed !== undefined && block.equals(makeBlock(seed))) continue;
      throw new OperationalError(`the 4 KiB at ${offset + at} are not what they must be`, { retryable: false });
    }
  }
}

/** 4 KiB of noise that follow from the seed; zeros for `ZERO_SEED`. */
export function makeBlock(seed: number): Buffer {
  const words = new Uint32Array(BLOCK_BYTES / 4);
  if (seed !== ZERO_SEED) {
    let state = Math.imul(seed, 0x9e3779b1) | 1;
    for (let index = 0; index < words.length; index++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[index] = state;
    }
  }
  return Buffer.from(words.buffer);
}

export interface Comparison {
  read: ReadRange;
  onProgress: (doneBytes: number, totalBytes: number) => void;
  signal: AbortSignal;
}

/**
 * Reads the whole disk and throws an OperationalError at the first block that is not as expected. Returns the SHA-256 of
 * the range that the image takes.
 */
export async function compareDisk(expected: ExpectedDisk, comparison: Comparison): Promise<string> {
  const { image, sizeBytes } = expected;
  const source = await fs.promises.open(image.file, 'r');
  const digest = crypto.createHash('sha256');
  try {
    for await (const { offset, piece } of readPieces(sizeBytes, comparison)) {
      expected.checkPiece(piece, await expected.readPiece(source, offset, piece.length), offset);
      if (offset < image.sizeBytes) digest.update(piece.subarray(0, image.sizeBytes - offset));
      comparison.onProgress(offset + piece.length, sizeBytes);
    }
  } finally {
    await source.close();
  }
  return digest.digest('hex');
}

/** The pieces in order, the next ones already asked for. */
async function* readPieces(
  sizeBytes: number,
  { read, signal }: Comparison,
): AsyncGenerator<{ offset: number; piece: Buffer }> {
  const ahead: { offset: number; piece: Promise<Buffer> }[] = [];
  for (let next = 0; next < sizeBytes || ahead.length > 0;) {
    signal.throwIfAborted();
    while (ahead.length < PIECES_AHEAD && next < sizeBytes) {
      const piece = read(next, Math.min(PIECE_BYTES, sizeBytes - next));
      piece.catch(() => undefined); // it is awaited in its turn
      ahead.push({ offset: next, piece });
      next += PIECE_BYTES;
    }
    const first = ahead.shift();
    if (first !== undefined) yield { offset: first.offset, piece: await first.piece };
  }
}

async function readImagePiece(source: fs.promises.FileHandle, offset: number, lengthBytes: number): Promise<Buffer> {
  const piece = Buffer.alloc(lengthBytes);
  for (let done = 0; done < lengthBytes;) {
    const { bytesRead } = await source.read(piece, done, lengthBytes - done, offset + done);
    if (bytesRead === 0) break; // the image ends; zeros follow
    done += bytesRead;
  }
  return piece;
}

/** Hex SHA-256 of a file, streamed. */
export async function hashFile(file: string, signal: AbortSignal): Promise<string> {
  const digest = crypto.createHash('sha256');
  for await (const piece of fs.createReadStream(file, { highWaterMark: PIECE_BYTES, signal })) {
    digest.update(piece as Buffer);
  }
  return digest.digest('hex');
}
