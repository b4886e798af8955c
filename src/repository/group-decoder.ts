/** Expands groups into memory that is there already, on this thread. */
import zlib from 'node:zlib';
import { CODEC_STORED, assertCodec, expandGroupNow } from './compression.ts';
import type { StoredBytes } from './compression.ts';
import { freeBuffer } from './free-buffer.ts';
import { UNUSED_BYTES, ZstdCoder } from './zstd-coder.ts';

export class GroupDecoder {
  readonly #usesCoder: boolean;
  readonly #coder = new ZstdCoder(() => zlib.createZstdDecompress({ chunkSize: UNUSED_BYTES }));

  /** `usesCoder` is false in tests alone: as in a Node that has none. */
  constructor(usesCoder = true) {
    this.#usesCoder = usesCoder;
  }

  /** Fills `target` with the plain bytes; false when the stored ones are damaged, or their plain ones are not as many. */
  expand(stored: StoredBytes, target: Buffer): boolean {
    if (stored.codec === CODEC_STORED) {
      stored.bytes.copy(target);
      return stored.bytes.length === target.length;
    }
    assertCodec(stored.codec);
    // Bad bytes may leave the decoder in the midst of them: what it then refuses is shown to a fresh one.
    const { isUsed } = this.#coder;
    return this.#tryExpand(stored, target) || (isUsed && this.#tryExpand(stored, target));
  }

  #tryExpand(stored: StoredBytes, target: Buffer): boolean {
    const room = this.#usesCoder ? this.#coder.code(stored.bytes, target) : undefined;
    if (room === undefined) return expandSlowly(stored, target);
    if (room !== 0) this.close();
    return room === 0;
  }

  /** Frees the decoder; the next group gets another. */
  close(): void {
    this.#coder.close();
  }
}

function expandSlowly(stored: StoredBytes, target: Buffer): boolean {
  const plain = expandGroupNow(stored, target.length);
  if (plain === undefined) return false;
  plain.copy(target);
  freeBuffer(plain);
  return true;
}
