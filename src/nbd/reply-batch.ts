/**
 * The replies of one batch, encoded side by side in one buffer, so that many small reads cost one write to the socket
 * and no copy: the disk fills the place in the buffer that the socket then sends.
 *
 * Without structured replies every reply is a simple one. With them, reads, block status and errors are structured; plain
 * success stays simple, which the protocol allows.
 */
import { assert } from '../lib/assert.ts';
import type { Descriptor } from './block-status.ts';
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
import type { ReplyBuffer, ReplyBuffers } from './reply-buffers.ts';
import type { Refusal } from './request-check.ts';

const MESSAGE_LIMIT_BYTES = 1024;

type Cookie = Pick<Request, 'cookieHigh' | 'cookieLow'>;

/** What to send. The bytes stay as they are until `release`. */
export interface TakenReplies {
  runs: Buffer[];
  byteCount: number;
  release: () => void;
}

/** The place of a read's reply, out of the batch until its data is there. */
export interface DetachedRead {
  reply: Buffer;
  buffer: ReplyBuffer;
}

export interface ReplyBatchOptions {
  structuredReplies: boolean;
  buffers: ReplyBuffers;
  /** Told of the buffers that reads under way keep from being used again, and when they no longer do. */
  onKept: (byteCount: number) => void;
  onFreed: (byteCount: number) => void;
}

export class ReplyBatch {
  readonly #options: ReplyBatchOptions;
  #buffer: ReplyBuffer | undefined;
  /** Of the buffer, what the next run begins with and where the next reply goes. */
  #runStart = 0;
  #end = 0;
  #runs: Buffer[] = [];
  #runsBytes = 0;
  /** The buffers that the runs lie in; one may be there several times. */
  #held: ReplyBuffer[] = [];
  /** Success that depends on the batch's commit: buffers and positions of the replies. */
  #pendingBuffers: Buffer[] = [];
  #pendingPositions: number[] = [];

  constructor(options: ReplyBatchOptions) {
    this.#options = options;
  }

  /** What has been added since the last `take`. */
  get byteCount(): number {
    return this.#runsBytes + this.#end - this.#runStart;
  }

  addSuccess(cookie: Cookie): void {
    this.#addSimple(cookie, NbdError.none);
  }

  /** The success of a change that is still to be committed: `settlePending` must come before `take`. */
  addPendingSuccess(cookie: Cookie): void {
    const bytes = this.#makeRoom(SIMPLE_REPLY_BYTES);
    this.#pendingBuffers.push(bytes);
    this.#pendingPositions.push(this.#end);
    this.#end = encodeSimple(bytes, this.#end, cookie, NbdError.none);
  }

  /** Makes errors of what was to be success, if there is one. */
  settlePending(refusal: Refusal | undefined): void {
    if (refusal !== undefined) {
      for (const [index, bytes] of this.#pendingBuffers.entries()) {
        bytes.writeUInt32BE(refusal.error, (this.#pendingPositions[index] ?? 0) + 4);
      }
    }
    this.#pendingBuffers.length = 0;
    this.#pendingPositions.length = 0;
  }

  addError(cookie: Cookie, refusal: Refusal): void {
    if (!this.#options.structuredReplies) return this.#addSimple(cookie, refusal.error);
    const message = Buffer.from(refusal.message).subarray(0, MESSAGE_LIMIT_BYTES);
    const { offset } = refusal;
    const type = offset === undefined ? ReplyType.error : ReplyType.errorOffset;
    const lengthBytes = 6 + message.length + (offset === undefined ? 0 : 8);
    const bytes = this.#makeRoom(STRUCTURED_REPLY_BYTES + lengthBytes);
    let end = encodeStructured(bytes, this.#end, cookie, { type, lengthBytes, isLast: true });
    end = bytes.writeUInt32BE(refusal.error, end);
    end = bytes.writeUInt16BE(message.length, end);
    end += message.copy(bytes, end);
    this.#end = offset === undefined ? end : writeOffset(bytes, end, offset);
    return undefined;
  }

  /** One context's part of a block status reply. */
  addBlockStatus(cookie: Cookie, contextId: number, descriptors: readonly Descriptor[], isLast: boolean): void {
    const lengthBytes = 4 + 8 * descriptors.length;
    const bytes = this.#makeRoom(STRUCTURED_REPLY_BYTES + lengthBytes);
    let end = encodeStructured(bytes, this.#end, cookie, { type: ReplyType.blockStatus, lengthBytes, isLast });
    end = bytes.writeUInt32BE(contextId, end);
    for (const descriptor of descriptors) {
      end = bytes.writeUInt32BE(descriptor.lengthBytes, end);
      end = bytes.writeUInt32BE(descriptor.flags, end);
    }
    this.#end = end;
  }

  /** A read of no bytes. */
  addEmptyRead(cookie: Cookie): void {
    if (!this.#options.structuredReplies) return this.addSuccess(cookie);
    const bytes = this.#makeRoom(STRUCTURED_REPLY_BYTES);
    this.#end = encodeStructured(bytes, this.#end, cookie, { type: ReplyType.none, lengthBytes: 0, isLast: true });
    return undefined;
  }

  /** The place for a read's data. It counts once `addRead` or `detachRead` has been called right after. */
  beginRead(request: Request): Buffer {
    const bytes = this.#makeRoom(this.#readBytes(request));
    return bytes.subarray(this.#end + this.#readHeaderBytes(), this.#end + this.#readBytes(request));
  }

  /** The data is in its place. */
  addRead(request: Request): void {
    this.#encodeReadHeader(this.#current().bytes, this.#end, request);
    this.#end += this.#readBytes(request);
  }

  /** The data will be in its place later: `addDetachedRead` or `dropDetachedRead` must follow. */
  detachRead(request: Request): DetachedRead {
    this.#closeRun();
    const buffer = this.#current();
    const reply = buffer.bytes.subarray(this.#end, this.#end + this.#readBytes(request));
    this.#end += reply.length;
    this.#runStart = this.#end;
    buffer.hold();
    if (buffer.readCount++ === 0) this.#options.onKept(buffer.bytes.length);
    return { reply, buffer };
  }

  addDetachedRead(request: Request, { reply, buffer }: DetachedRead): void {
    this.#encodeReadHeader(reply, 0, request);
    this.#closeRun();
    this.#runs.push(reply);
    this.#runsBytes += reply.length;
    this.#held.push(buffer);
    this.#endRead(buffer);
  }

  dropDetachedRead({ buffer }: DetachedRead): void {
    this.#endRead(buffer);
    buffer.release();
  }

  /** Takes everything added so far, in order; undefined when there is nothing. */
  take(): TakenReplies | undefined {
    assert(this.#pendingPositions.length === 0, 'replies may leave only after the commit');
    this.#closeRun();
    this.#letGoOfBuffer();
    if (this.#runs.length === 0) return undefined;
    const held = this.#held;
    const release = () => {
      for (const buffer of held) buffer.release();
    };
    const taken = { runs: this.#runs, byteCount: this.#runsBytes, release };
    this.#runs = [];
    this.#runsBytes = 0;
    this.#held = [];
    return taken;
  }

  #addSimple(cookie: Cookie, error: number): void {
    const bytes = this.#makeRoom(SIMPLE_REPLY_BYTES);
    this.#end = encodeSimple(bytes, this.#end, cookie, error);
  }

  #readHeaderBytes(): number {
    return this.#options.structuredReplies ? STRUCTURED_REPLY_BYTES + 8 : SIMPLE_REPLY_BYTES;
  }

  #readBytes(request: Request): number {
    return this.#readHeaderBytes() + request.lengthBytes;
  }

  #encodeReadHeader(bytes: Buffer, position: number, request: Request): void {
    if (!this.#options.structuredReplies) {
      encodeSimple(bytes, position, request, NbdError.none);
      return;
    }
    const chunk = { type: ReplyType.offsetData, lengthBytes: 8 + request.lengthBytes, isLast: true };
    writeOffset(bytes, encodeStructured(bytes, position, request, chunk), request.offset);
  }

  #current(): ReplyBuffer {
    assert(this.#buffer !== undefined, 'there is a buffer once something was begun');
    return this.#buffer;
  }

  /** The bytes in which the next `byteCount` from `#end` on are free. */
  #makeRoom(byteCount: number): Buffer {
    let buffer = this.#buffer;
    if (buffer === undefined || this.#end + byteCount > buffer.bytes.length) {
      this.#closeRun();
      buffer?.release();
      buffer = this.#options.buffers.take(byteCount);
      this.#buffer = buffer;
      this.#runStart = 0;
      this.#end = 0;
    }
    return buffer.bytes;
  }

  #closeRun(): void {
    const buffer = this.#buffer;
    if (buffer === undefined || this.#end === this.#runStart) return;
    this.#runs.push(buffer.bytes.subarray(this.#runStart, this.#end));
    this.#runsBytes += this.#end - this.#runStart;
    this.#runStart = this.#end;
    buffer.hold();
    this.#held.push(buffer);
  }

  /** Unless reads under way lie in it: then what is left of it is used first. */
  #letGoOfBuffer(): void {
    if (this.#buffer === undefined || this.#buffer.readCount > 0) return;
    this.#buffer.release();
    this.#buffer = undefined;
    this.#runStart = 0;
    this.#end = 0;
  }

  #endRead(buffer: ReplyBuffer): void {
    if (--buffer.readCount === 0) this.#options.onFreed(buffer.bytes.length);
  }
}

function encodeSimple(bytes: Buffer, position: number, cookie: Cookie, error: number): number {
  bytes.writeUInt32BE(SIMPLE_REPLY_MAGIC, position);
  bytes.writeUInt32BE(error, position + 4);
  bytes.writeUInt32BE(cookie.cookieHigh, position + 8);
  return bytes.writeUInt32BE(cookie.cookieLow, position + 12);
}

/** The header of a chunk of a reply; `lengthBytes` is that of what follows. */
function encodeStructured(
  bytes: Buffer,
  position: number,
  cookie: Cookie,
  chunk: { type: number; lengthBytes: number; isLast: boolean },
): number {
  bytes.writeUInt32BE(STRUCTURED_REPLY_MAGIC, position);
  bytes.writeUInt16BE(chunk.isLast ? ReplyFlag.done : 0, position + 4);
  bytes.writeUInt16BE(chunk.type, position + 6);
  bytes.writeUInt32BE(cookie.cookieHigh, position + 8);
  bytes.writeUInt32BE(cookie.cookieLow, position + 12);
  return bytes.writeUInt32BE(chunk.lengthBytes, position + 16);
}

/** Without a bigint: this is on the path of every read. */
function writeOffset(bytes: Buffer, position: number, offset: number): number {
  bytes.writeUInt32BE(Math.floor(offset / 2 ** 32), position);
  return bytes.writeUInt32BE(offset % 2 ** 32, position + 4);
}
