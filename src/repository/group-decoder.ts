/**
 * Expands groups into memory that is there already, on this thread. `zlib.zstdDecompressSync` makes a stream, a decoder and
 * a buffer for each group; what it does with them is done here with one decoder for all: a twelfth of a restore's
 * processor time. Node has no documented way to that, so a Node whose streams are made otherwise is served by
 * `zstdDecompressSync`, and a test says so.
 */
import zlib from 'node:zlib';
import { CODEC_STORED, assertCodec, expandGroupNow } from './compression.ts';
import type { StoredBytes } from './compression.ts';
import { freeBuffer } from './free-buffer.ts';

/** The least that Node takes: a stream's own buffer is of no use here. */
const UNUSED_BYTES = 64;

/** What is below a zlib stream of Node, the same for all its codecs since Node 11. */
interface Handle {
  writeSync(
    ...args: [flush: number, from: Buffer, at: number, length: number, to: Buffer, toAt: number, room: number]
  ): void;
}

interface Internals {
  _handle: Handle;
  /** After a write: the room and the input that are left. */
  _writeState: Uint32Array;
}

export class GroupDecoder {
  readonly #usesInternals: boolean;
  #stream: zlib.ZstdDecompress | undefined;

  /** `usesInternals` is false in tests alone: in another Node they are not there. */
  constructor(usesInternals = true) {
    this.#usesInternals = usesInternals;
  }

  /** Fills `target` with the plain bytes; false when the stored ones are damaged, or their plain ones are not as many. */
  expand(stored: StoredBytes, target: Buffer): boolean {
    if (stored.codec === CODEC_STORED) {
      stored.bytes.copy(target);
      return stored.bytes.length === target.length;
    }
    assertCodec(stored.codec);
    // Bad bytes may leave the decoder in the midst of them: what it then refuses is shown to a fresh one.
    const isFresh = this.#stream === undefined;
    return this.#tryExpand(stored, target) || (!isFresh && this.#tryExpand(stored, target));
  }

  #tryExpand(stored: StoredBytes, target: Buffer): boolean {
    const stream = (this.#stream ??= openStream());
    if (!this.#usesInternals || !hasInternals(stream)) return expandSlowly(stored, target);
    const { bytes } = stored;
    stream._handle.writeSync(zlib.constants.ZSTD_e_end, bytes, 0, bytes.length, target, 0, target.length);
    const [room, input] = stream._writeState;
    const isExpanded = !stream.destroyed && room === 0 && input === 0;
    if (!isExpanded) this.close();
    return isExpanded;
  }

  /** Frees the decoder; the next group gets another. */
  close(): void {
    this.#stream?.destroy();
    this.#stream = undefined;
  }
}

/** Whether this Node is as is thought above. */
export function hasInternals(stream: zlib.ZstdDecompress): stream is zlib.ZstdDecompress & Internals {
  const { _handle: handle, _writeState: state } = stream as Partial<Internals>;
  return typeof handle?.writeSync === 'function' && state instanceof Uint32Array;
}

export function openStream(): zlib.ZstdDecompress {
  const stream = zlib.createZstdDecompress({ chunkSize: UNUSED_BYTES });
  stream.on('error', () => undefined); // `expand` sees it before it is told
  return stream;
}

function expandSlowly(stored: StoredBytes, target: Buffer): boolean {
  const plain = expandGroupNow(stored, target.length);
  if (plain === undefined) return false;
  plain.copy(target);
  freeBuffer(plain);
  return true;
}
