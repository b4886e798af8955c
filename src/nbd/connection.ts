/**
 * One client's socket: handshake, then transmission. The socket is not read from while the transmission is halted, so
 * what a client costs is bounded whatever it sends or leaves unread.
 */
import type net from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { Backlog } from './backlog.ts';
import type { BlockDevice } from './device.ts';
import type { FlushGroup } from './flush-group.ts';
import type { Gate } from './gate.ts';
import { Handshake } from './handshake.ts';
import type { RareReport } from './rare-report.ts';
import type { TakenReplies } from './reply-batch.ts';
import type { ReplyBuffers } from './reply-buffers.ts';
import { readShared } from './shared-reads.ts';
import type { Throttle } from './throttle.ts';
import { Transmission } from './transmission.ts';

/** How long a client that is being ended may take to fetch its last replies. */
const FAREWELL_MS = 2000;
const HANDSHAKE_MS = 10_000;
/** If so much came at once, there is likely more. */
const WHOLE_READ_BYTES = 64 * 1024;
/** Replies up to this are given to the kernel and forgotten, if it takes them at once. */
const QUICK_SEND_BYTES = 64 * 1024;
/** What a reply that waits for its client costs besides its bytes. */
const SEND_WEIGHT_BYTES = 1024;

export interface ConnectionOptions {
  exportName: string;
  device: BlockDevice;
  flushes: FlushGroup;
  buffers: ReplyBuffers;
  throttle: Throttle | undefined;
  gate: Gate | undefined;
  clock: Clock;
  onError: (message: string) => void;
  /** Of what clients do wrong. */
  misuse: RareReport;
}

export class Connection {
  /** Resolves when the socket is closed, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #socket: net.Socket;
  readonly #options: ConnectionOptions;
  readonly #backlog: Backlog;
  readonly #handshake: Handshake;
  /** Fires when the handshake is over. */
  readonly #negotiated = new AbortController();
  readonly #finished = Promise.withResolvers<void>();
  #transmission: Transmission | undefined;
  /** Bytes that arrived and wait until the transmission may go on. */
  #waiting: Buffer | undefined;
  #finishing = false;

  constructor(accepted: net.Socket, options: ConnectionOptions) {
    const { device, exportName } = options;
    const socket = readShared(accepted, (data) => this.#receive(data));
    this.#socket = socket;
    this.#options = options;
    this.#backlog = new Backlog(() => setImmediate(() => this.#goOn()));
    this.#handshake = new Handshake({ name: exportName, sizeBytes: device.sizeBytes, readOnly: device.readOnly });
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => socket.destroy()); // the client went away; 'close' follows
    socket.on('close', () => this.#leave());
    this.#say([this.#handshake.greet()]);
    void this.#limitHandshake();
  }

  /** Takes no further request; resolves when all that was taken has been answered (not necessarily fetched). */
  async finish(): Promise<void> {
    this.#finishing = true;
    this.#negotiated.abort();
    this.#waiting = undefined;
    this.#socket.pause();
    if (this.#transmission === undefined) this.#finished.resolve();
    else this.#transmission.end();
    await this.#finished.promise;
  }

  /** Closes the socket once the client has fetched its replies, or has taken too long to. */
  async end(): Promise<void> {
    this.#finishing = true;
    this.#negotiated.abort();
    this.#socket.pause();
    const timer = setTimeout(() => this.#socket.destroy(), FAREWELL_MS);
    this.#socket.end(() => this.#socket.destroy());
    await this.closed;
    clearTimeout(timer);
  }

  /** The client is gone: what it had asked for goes on in the disk, and nobody waits for the answers. */
  #leave(): void {
    this.#waiting = undefined;
    this.#negotiated.abort();
    if (this.#transmission === undefined) this.#finished.resolve();
    else this.#transmission.end();
  }

  async #limitHandshake(): Promise<void> {
    try {
      await this.#options.clock.sleep(HANDSHAKE_MS, this.#negotiated.signal);
    } catch {
      return; // it was over in time
    }
    this.#options.misuse.note(`a client was disconnected: no handshake within ${HANDSHAKE_MS / 1000} s`);
    this.#socket.destroy();
  }

  /** `data` holds what arrived during this call only. */
  #receive(data: Buffer): void {
    if (this.#finishing || this.#socket.destroyed) return;
    if (this.#waiting !== undefined) {
      this.#waiting = Buffer.concat([this.#waiting, data]); // what the socket had read before it was paused
      return;
    }
    const rest = this.#transmission === undefined ? this.#negotiate(Buffer.from(data)) : data;
    if (this.#transmission === undefined) return;
    const left = this.#work(this.#transmission, rest, data.length >= WHOLE_READ_BYTES);
    if (left !== undefined) this.#waiting = Buffer.from(left);
  }

  /** Returns what it did not come to. */
  #work(transmission: Transmission, data: Buffer, hasMore: boolean): Buffer | undefined {
    const end = transmission.accept(data, 0, hasMore);
    const left = end < data.length ? data.subarray(end) : undefined;
    if (left !== undefined || transmission.isHalted) this.#socket.pause();
    return left;
  }

  /** Returns what is left for the transmission phase. */
  #negotiate(data: Buffer): Buffer {
    const { replies, rest } = this.#handshake.accept(data);
    if (replies.length > 0) this.#say(replies);
    if (this.#handshake.state === 'ended') void this.end();
    if (this.#handshake.state === 'transmission') this.#transmission = this.#startTransmission();
    return rest;
  }

  #startTransmission(): Transmission {
    const { device, flushes, buffers, throttle, gate, clock, onError, exportName } = this.#options;
    const { structuredReplies, contexts } = this.#handshake;
    this.#negotiated.abort();
    return new Transmission({
      device,
      flushes,
      buffers,
      throttle,
      gate,
      clock,
      agreed: { structuredReplies, contexts },
      backlog: this.#backlog,
      send: (replies) => this.#send(replies),
      goOn: () => this.#goOn(),
      onEnd: () => {
        this.#finished.resolve();
        if (!this.#finishing) void this.end();
      },
      onError: (message) => onError(`disk ${exportName}: ${message}`),
    });
  }

  /** The backlog has room, a turn has begun, or there are tokens. */
  #goOn(): void {
    const transmission = this.#transmission;
    if (this.#finishing || this.#socket.destroyed || transmission === undefined) return;
    const waiting = this.#waiting ?? NOTHING;
    this.#waiting = undefined;
    this.#waiting = this.#work(transmission, waiting, false);
    if (this.#waiting === undefined && !transmission.isHalted) this.#socket.resume();
  }

  /** Answers of the handshake: few and small. */
  #say(replies: Buffer[]): void {
    if (this.#socket.writable) this.#socket.write(Buffer.concat(replies));
  }

  #send(replies: TakenReplies): void {
    if (!this.#socket.writable) return replies.release();
    if (this.#socket.writableLength > 0) return this.#sendLater(compact(replies));
    if (replies.byteCount > QUICK_SEND_BYTES) return this.#sendLater(replies);
    this.#write(replies.runs);
    if (this.#socket.writableLength === 0) replies.release(); // else the next reply is counted, and waits behind it
    return undefined;
  }

  #sendLater(replies: TakenReplies): void {
    const weight = replies.byteCount + SEND_WEIGHT_BYTES;
    this.#backlog.add(weight);
    this.#write(replies.runs, () => {
      replies.release();
      this.#backlog.remove(weight);
    });
  }

  #write(runs: Buffer[], onSent?: () => void): void {
    const last = runs.length - 1;
    if (last > 0) this.#socket.cork();
    for (const [index, run] of runs.entries()) this.#socket.write(run, index === last ? onSent : undefined);
    if (last > 0) this.#socket.uncork();
  }
}

const NOTHING = Buffer.alloc(0);
/** Replies that fill less than half of the smallest buffer that they may lie in. */
const COMPACT_BYTES = 128 * 1024;

/** A client that does not fetch its replies must not keep a whole buffer for each little one. */
function compact(replies: TakenReplies): TakenReplies {
  if (replies.byteCount >= COMPACT_BYTES) return replies;
  const copy = Buffer.concat(replies.runs);
  replies.release();
  return { runs: [copy], byteCount: copy.length, release: () => undefined };
}
