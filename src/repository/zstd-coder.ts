/**
 * One zstd coder for many groups, on this thread, from and into memory that is there already. `zlib.zstdCompressSync` and
 * `zstdDecompressSync` make a stream, a coder and a buffer for each group, a twelfth of a restore's processor time; what they do
 * with them is done here with one. Node has no documented way to that: a Node whose streams are made otherwise is served by
 * those functions, and a test says so.
 */
import zlib from 'node:zlib';

/** For `chunkSize`, the least that Node takes: a stream's own buffer is of no use here. */
export const UNUSED_BYTES = 64;

/** What is below a zlib stream of Node, the same for all its codecs since Node 11. */
interface Internals {
  _handle: {
    writeSync(
      ...args: [flush: number, from: Buffer, at: number, length: number, to: Buffer, toAt: number, room: number]
    ): void;
  };
  /** After a write: the room and the input that are left. */
  _writeState: Uint32Array;
}

type Stream = zlib.ZstdCompress | zlib.ZstdDecompress;

export class ZstdCoder {
  readonly #makeStream: () => Stream;
  #stream: Stream | undefined;

  constructor(makeStream: () => Stream) {
    this.#makeStream = makeStream;
  }

  /** Whether it has coded something since it was made or closed. */
  get isUsed(): boolean {
    return this.#stream !== undefined;
  }

  /** Codes all of `from` into `to`: the room that is left there, null when zstd failed, undefined when this Node cannot. */
  code(from: Buffer, to: Buffer): number | null | undefined {
    const stream = (this.#stream ??= this.#open());
    if (!hasInternals(stream)) return undefined;
    stream._handle.writeSync(zlib.constants.ZSTD_e_end, from, 0, from.length, to, 0, to.length);
    const [room = 0, input] = stream._writeState;
    return stream.destroyed || input !== 0 ? null : room;
  }

  #open(): Stream {
    const stream = this.#makeStream();
    stream.on('error', () => undefined); // `code` sees it before it is told
    return stream;
  }

  /** Frees the coder; the next group gets another. */
  close(): void {
    this.#stream?.destroy();
    this.#stream = undefined;
  }
}

/** Whether this Node is as is thought above. */
function hasInternals(stream: Stream): stream is Stream & Internals {
  const { _handle: handle, _writeState: state } = stream as Partial<Internals>;
  return typeof handle?.writeSync === 'function' && state instanceof Uint32Array;
}
