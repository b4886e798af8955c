/**
 * The payload of one WRITE on its way to the disk: handed over piece by piece as it arrives, never collected. Pieces
 * are cut where a 4 KiB block of the disk ends, so that a block is written whole or, if the client goes away, not at all.
 */
import { BLOCK_BYTES, CHUNK_BYTES } from '../lib/geometry.ts';

/** Takes a piece for `offset`, which is not touched after the call. */
export type TakePiece = (offset: number, piece: Buffer) => void;

export class WriteAssembly {
  readonly #takePiece: TakePiece;
  readonly #end: number;
  /** Where the next piece goes. */
  #offset: number;
  /** The beginning of a block whose rest has not arrived. */
  #carry: Buffer | undefined;
  #carryBytes = 0;

  constructor(offset: number, lengthBytes: number, takePiece: TakePiece) {
    this.#offset = offset;
    this.#end = offset + lengthBytes;
    this.#takePiece = takePiece;
  }

  get isComplete(): boolean {
    return this.#offset === this.#end;
  }

  /** Takes payload from `data` at `position`; returns where it stopped: at the payload's end or the data's. */
  accept(data: Buffer, position: number): number {
    let at = position;
    while (at < data.length && !this.isComplete) {
      at = this.#carryBytes > 0 ? this.#fillCarry(data, at) : this.#takeDirect(data, at);
    }
    return at;
  }

  #takeDirect(data: Buffer, position: number): number {
    const reach = Math.min(this.#end, this.#offset + data.length - position);
    const limit = Math.min(reach, floorToBlock(this.#offset) + CHUNK_BYTES);
    const cut = limit === this.#end ? limit : floorToBlock(limit);
    if (cut <= this.#offset) return this.#fillCarry(data, position);
    const piece = data.subarray(position, position + cut - this.#offset);
    this.#takePiece(this.#offset, piece);
    this.#offset = cut;
    return position + piece.length;
  }

  #fillCarry(data: Buffer, position: number): number {
    this.#carry ??= Buffer.allocUnsafe(BLOCK_BYTES);
    const pieceEnd = Math.min(this.#end, floorToBlock(this.#offset) + BLOCK_BYTES);
    const wanted = pieceEnd - this.#offset;
    const count = Math.min(wanted - this.#carryBytes, data.length - position);
    data.copy(this.#carry, this.#carryBytes, position, position + count);
    this.#carryBytes += count;
    if (this.#carryBytes === wanted) {
      this.#takePiece(this.#offset, this.#carry.subarray(0, wanted));
      this.#offset = pieceEnd;
      this.#carryBytes = 0;
    }
    return position + count;
  }
}

function floorToBlock(offset: number): number {
  return offset - (offset % BLOCK_BYTES);
}
