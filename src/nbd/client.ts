/**
 * Hupo's own NBD client, for the command line and the tests: many requests in flight on one connection, replies in any
 * order. When the connection ends every request under way fails; nothing is tried again here.
 */
import net from 'node:net';
import { assert } from '../lib/assert.ts';
import { OperationalError } from '../lib/errors.ts';
import { negotiate, type ExportInfo } from './client-handshake.ts';
import {
  Command,
  CommandFlag,
  SIMPLE_REPLY_BYTES,
  SIMPLE_REPLY_MAGIC,
  encodeRequest,
  formatNbdError,
} from './protocol.ts';
import { parseNbdUri, type NbdTarget } from './uri.ts';

interface Waiting {
  what: string;
  /** Where a read's data goes; null for every other command. */
  target: Buffer | null;
  resolve: () => void;
  reject: (error: Error) => void;
}

export interface WriteOptions {
  /** Answered only when it would survive a power cut. */
  fua?: boolean;
}

export class NbdClient {
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  /** Resolves when the connection has ended, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #socket: net.Socket;
  readonly #waiting = new Map<number, Waiting>();
  #nextCookie = 1;
  readonly #replyHeader = Buffer.alloc(SIMPLE_REPLY_BYTES);
  #replyHeaderBytes = 0;
  /** The read whose data is arriving. */
  #arriving: { waiting: Waiting; target: Buffer; bytes: number } | undefined;
  #isIdle = Promise.withResolvers<void>();
  #failure: OperationalError | undefined;

  private constructor(socket: net.Socket, info: ExportInfo) {
    this.#socket = socket;
    this.sizeBytes = info.sizeBytes;
    this.readOnly = info.readOnly;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('close', () => this.#abandon('the NBD server closed the connection'));
    socket.on('data', (data: Buffer) => this.#receive(data));
  }

  /** Takes an `nbd+unix` URI or its parts. Throws a retryable OperationalError when nobody serves it there. */
  static async connect(where: string | NbdTarget): Promise<NbdClient> {
    const target = typeof where === 'string' ? parseNbdUri(where) : where;
    const socket = net.connect(target.socketPath);
    socket.on('error', () => socket.destroy());
    try {
      return new NbdClient(socket, await negotiate(socket, target.exportName));
    } catch (error) {
      socket.destroy();
      throw new OperationalError(`no NBD connection to ${target.exportName} at ${target.socketPath}`, {
        retryable: true,
        cause: error,
      });
    }
  }

  /** At most 32 MiB at once, as every request. */
  async read(offset: number, lengthBytes: number): Promise<Buffer> {
    const target = Buffer.allocUnsafe(lengthBytes);
    await this.#request({ command: Command.read, flags: 0, offset, lengthBytes }, { target });
    return target;
  }

  /** `data` must stay as it is until the promise is settled. */
  async write(offset: number, data: Buffer, options: WriteOptions = {}): Promise<void> {
    const flags = options.fua === true ? CommandFlag.fua : 0;
    await this.#request({ command: Command.write, flags, offset, lengthBytes: data.length }, { payload: data });
  }

  /** The disk may free whole chunks in the range; what is not freed keeps its bytes. */
  async trim(offset: number, lengthBytes: number): Promise<void> {
    await this.#request({ command: Command.trim, flags: 0, offset, lengthBytes }, {});
  }

  async writeZeroes(offset: number, lengthBytes: number): Promise<void> {
    await this.#request({ command: Command.writeZeroes, flags: 0, offset, lengthBytes }, {});
  }

  /** Every write answered before survives a power cut once this resolves. */
  async flush(): Promise<void> {
    await this.#request({ command: Command.flush, flags: 0, offset: 0, lengthBytes: 0 }, {});
  }

  /** Waits for the requests under way, says goodbye and closes. */
  async close(): Promise<void> {
    if (!this.#nothingUnderWay()) await this.#isIdle.promise;
    if (!this.#socket.destroyed && this.#failure === undefined) {
      this.#failure = new OperationalError('the NBD connection was closed', { retryable: false });
      this.#socket.end(encode(Command.disconnect, 0, 0, { offset: 0, lengthBytes: 0 }));
    }
    await this.closed;
  }

  /** Drops the connection and everything under way at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  async #request(
    request: { command: number; flags: number; offset: number; lengthBytes: number },
    data: { target?: Buffer; payload?: Buffer },
  ): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#nothingUnderWay()) this.#isIdle = Promise.withResolvers();
    const cookie = this.#nextCookie++;
    const answered = new Promise<void>((resolve, reject) => {
      const what = `NBD command ${request.command} at ${request.offset} + ${request.lengthBytes}`;
      this.#waiting.set(cookie, { what, target: data.target ?? null, resolve, reject });
    });
    this.#sendTogether(encode(request.command, request.flags, cookie, request), data.payload);
    await answered;
  }

  /** What is asked for in one turn leaves in one write. */
  #sendTogether(header: Buffer, payload: Buffer | undefined): void {
    this.#socket.cork();
    this.#socket.write(header);
    if (payload !== undefined) this.#socket.write(payload);
    process.nextTick(() => this.#socket.uncork());
  }

  #receive(data: Buffer): void {
    let position = 0;
    while (position < data.length && this.#failure === undefined) {
      position = this.#arriving === undefined ? this.#receiveHeader(data, position) : this.#receiveData(data, position);
    }
  }

  #receiveHeader(data: Buffer, position: number): number {
    const count = Math.min(SIMPLE_REPLY_BYTES - this.#replyHeaderBytes, data.length - position);
    data.copy(this.#replyHeader, this.#replyHeaderBytes, position, position + count);
    this.#replyHeaderBytes += count;
    if (this.#replyHeaderBytes === SIMPLE_REPLY_BYTES) {
      this.#replyHeaderBytes = 0;
      this.#takeReply(this.#replyHeader);
    }
    return position + count;
  }

  #takeReply(header: Buffer): void {
    const error = header.readUInt32BE(4);
    const cookie = header.readUInt32BE(8) * 2 ** 32 + header.readUInt32BE(12);
    const waiting = this.#waiting.get(cookie);
    if (header.readUInt32BE(0) !== SIMPLE_REPLY_MAGIC || waiting === undefined) {
      this.#abandon('the NBD server sent something that is no reply');
      this.#socket.destroy();
      return;
    }
    this.#waiting.delete(cookie);
    if (error !== 0) {
      const message = `${waiting.what} failed: ${formatNbdError(error)}`;
      waiting.reject(new OperationalError(message, { retryable: false }));
    } else if (waiting.target !== null && waiting.target.length > 0) {
      this.#arriving = { waiting, target: waiting.target, bytes: 0 };
      return;
    } else waiting.resolve();
    this.#noticeIdle();
  }

  #receiveData(data: Buffer, position: number): number {
    const arriving = this.#arriving;
    assert(arriving !== undefined, 'a read is arriving');
    const count = data.copy(arriving.target, arriving.bytes, position);
    arriving.bytes += count;
    if (arriving.bytes === arriving.target.length) {
      this.#arriving = undefined;
      arriving.waiting.resolve();
      this.#noticeIdle();
    }
    return position + count;
  }

  #noticeIdle(): void {
    if (this.#nothingUnderWay()) this.#isIdle.resolve();
  }

  #nothingUnderWay(): boolean {
    return this.#waiting.size === 0 && this.#arriving === undefined;
  }

  #abandon(reason: string): void {
    this.#failure ??= new OperationalError(reason, { retryable: true });
    this.#arriving?.waiting.reject(this.#failure);
    this.#arriving = undefined;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#failure);
    this.#waiting.clear();
    this.#isIdle.resolve();
  }
}

function encode(
  command: number,
  flags: number,
  cookie: number,
  range: { offset: number; lengthBytes: number },
): Buffer {
  return encodeRequest({
    flags,
    command,
    cookieHigh: Math.floor(cookie / 2 ** 32),
    cookieLow: cookie % 2 ** 32,
    offset: range.offset,
    lengthBytes: range.lengthBytes,
  });
}
