/**
 * The replies of one batch, encoded side by side in one buffer, so that many small reads cost one write to the socket
 * and no copy: the disk fills the place in the buffer that the socket then sends.
 *
 * Without structured replies every reply is a simple one. With them, reads and errors are structured; plain success stays
 * simple, which the protocol allows.
 */
import { assert } from '../lib/assert.ts';
import {
  NbdError,
  ReplyFlag,
  ReplyType,
  SIMPLE_REPLY_BYTES,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_BYTES,
  STRUCTURED_REPLY_MAGIC,
  type Request,
} from './protocol.ts';
import type { Refusal } from './request-check.ts';

const BUFFER_BYTES = 256 * 1024;
const MESSAGE_LIMIT_BYTES = 1024;

type Cookie = Pick<Request, 'cookieHigh' | 'cookieLow'>;

/** What to send: `recycle` may be called once the bytes have left. */
export interface TakenReplies {
  runs: Buffer[];
  byteCount: number;
  recycle: () => void;
}

export class ReplyBatch {
  readonly #structured: boolean;
  #buffer: Buffer = Buffer.alloc(0);
  /** Of the buffer, what the next run begins with and where the next reply goes. */
  #runStart = 0;
  #end = 0;
  /** A reply that is still being filled lies in the buffer, so it cannot be used again. */
  #detached = false;
  #runs: Buffer[] = [];
  #runsBytes = 0;
  #spare: Buffer | undefined;

  constructor(structuredReplies: boolean) {
    this.#structured = structuredReplies;
  }

  /** What has been added since the last `take`. */
  get byteCount(): number {
    return this.#runsBytes + this.#end - this.#runStart;
  }

  addSuccess(cookie: Cookie): void {
    this.#makeRoom(SIMPLE_REPLY_BYTES);
    this.#end = encodeSimple(this.#buffer, this.#end, cookie, NbdError.none);
  }

  addError(cookie: Cookie, refusal: Refusal): void {
    if (!this.#structured) {
      this.#makeRoom(SIMPLE_REPLY_BYTES);
      this.#end = encodeSimple(this.#buffer, this.#end, cookie, refusal.error);
      return;
    }
    const message = Buffer.from(refusal.message).subarray(0, MESSAGE_LIMIT_BYTES);
    this.#makeRoom(STRUCTURED_REPLY_BYTES + 6 + message.length);
    let end = encodeStructured(this.#buffer, this.#end, cookie, ReplyType.error, 6 + message.length);
    end = this.#buffer.writeUInt32BE(refusal.error, end);
    end = this.#buffer.writeUInt16BE(message.length, end);
    this.#end = end + message.copy(this.#buffer, end);
  }

  /** A read of no bytes. */
  addEmptyRead(request: Request): void {
    if (!this.#structured) return this.addSuccess(request);
    this.#makeRoom(STRUCTURED_REPLY_BYTES);
    this.#end = encodeStructured(this.#buffer, this.#end, request, ReplyType.none, 0);
    return undefined;
  }

  /** The place for a read's data. It counts once `addRead` or `detachRead` has been called right after. */
  beginRead(request: Request): Buffer {
    this.#makeRoom(this.#readBytes(request));
    return this.#buffer.subarray(this.#end + this.#readHeaderBytes(), this.#end + this.#readBytes(request));
  }

  /** The data is in its place. */
  addRead(request: Request): void {
    this.#encodeReadHeader(this.#buffer, this.#end, request);
    this.#end += this.#readBytes(request);
  }

  /** The data will be in its place later: takes header and place out of the batch, for `addDetachedRead`. */
  detachRead(request: Request): Buffer {
    this.#closeRun();
    const reply = this.#buffer.subarray(this.#end, this.#end + this.#readBytes(request));
    this.#end += reply.length;
    this.#runStart = this.#end;
    this.#detached = true;
    return reply;
  }

  addDetachedRead(request: Request, reply: Buffer): void {
    this.#encodeReadHeader(reply, 0, request);
    this.#closeRun();
    this.#pushRun(reply);
  }

  /** Takes everything added so far, in order; undefined when there is nothing. */
  take(): TakenReplies | undefined {
    this.#closeRun();
    if (this.#runs.length === 0) return undefined;
    const taken = { runs: this.#runs, byteCount: this.#runsBytes, recycle: this.#releaseBuffer() };
    this.#runs = [];
    this.#runsBytes = 0;
    return taken;
  }

  #readHeaderBytes(): number {
    return this.#structured ? STRUCTURED_REPLY_BYTES + 8 : SIMPLE_REPLY_BYTES;
  }

  #readBytes(request: Request): number {
    return this.#readHeaderBytes() + request.lengthBytes;
  }

  #encodeReadHeader(bytes: Buffer, position: number, request: Request): void {
    if (!this.#structured) {
      encodeSimple(bytes, position, request, NbdError.none);
      return;
    }
    const end = encodeStructured(bytes, position, request, ReplyType.offsetData, 8 + request.lengthBytes);
    bytes.writeBigUInt64BE(BigInt(request.offset), end);
  }

  #makeRoom(byteCount: number): void {
    if (this.#end + byteCount <= this.#buffer.length) return;
    this.#closeRun();
    const spare = byteCount <= BUFFER_BYTES ? this.#spare : undefined;
    if (spare !== undefined) this.#spare = undefined;
    this.#buffer = spare ?? Buffer.allocUnsafeSlow(Math.max(BUFFER_BYTES, byteCount));
    this.#runStart = 0;
    this.#end = 0;
    this.#detached = false;
  }

  #closeRun(): void {
    if (this.#end > this.#runStart) this.#pushRun(this.#buffer.subarray(this.#runStart, this.#end));
    this.#runStart = this.#end;
  }

  #pushRun(run: Buffer): void {
    this.#runs.push(run);
    this.#runsBytes += run.length;
  }

  /** The current buffer goes out with the batch; it comes back, unless a detached reply still lies in it. */
  #releaseBuffer(): () => void {
    const buffer = this.#buffer;
    const reusable = !this.#detached && buffer.length === BUFFER_BYTES;
    assert(this.#runStart === this.#end, 'the last run must be closed');
    this.#buffer = Buffer.alloc(0);
    this.#runStart = 0;
    this.#end = 0;
    return () => {
      if (reusable) this.#spare = buffer;
    };
  }
}

function encodeSimple(bytes: Buffer, position: number, cookie: Cookie, error: number): number {
  bytes.writeUInt32BE(SIMPLE_REPLY_MAGIC, position);
  bytes.writeUInt32BE(error, position + 4);
  bytes.writeUInt32BE(cookie.cookieHigh, position + 8);
  return bytes.writeUInt32BE(cookie.cookieLow, position + 12);
}

/** The header of a reply that is one chunk. */
function encodeStructured(bytes: Buffer, position: number, cookie: Cookie, type: number, lengthBytes: number): number {
  bytes.writeUInt32BE(STRUCTURED_REPLY_MAGIC, position);
  bytes.writeUInt16BE(ReplyFlag.done, position + 4);
  bytes.writeUInt16BE(type, position + 6);
  bytes.writeUInt32BE(cookie.cookieHigh, position + 8);
  bytes.writeUInt32BE(cookie.cookieLow, position + 12);
  return bytes.writeUInt32BE(lengthBytes, position + 16);
}
