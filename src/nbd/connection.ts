/** One client's socket: handshake, then transmission, with reading stopped while the client's backlog is full. */
import type net from 'node:net';
import { Backlog } from './backlog.ts';
import type { BlockDevice } from './device.ts';
import type { FlushGroup } from './flush-group.ts';
import { Handshake } from './handshake.ts';
import type { TakenReplies } from './reply-batch.ts';
import { Transmission } from './transmission.ts';

/** How long a client that is being ended may take to fetch its last replies. */
const FAREWELL_MS = 2000;

export interface ConnectionOptions {
  exportName: string;
  device: BlockDevice;
  flushes: FlushGroup;
  onError: (message: string) => void;
}

export class Connection {
  /** Resolves when the socket is closed, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #socket: net.Socket;
  readonly #options: ConnectionOptions;
  readonly #backlog: Backlog;
  readonly #handshake: Handshake;
  readonly #finished = Promise.withResolvers<void>();
  #transmission: Transmission | undefined;
  /** Bytes that arrived and wait for room in the backlog. */
  #waiting: Buffer | undefined;
  #finishing = false;

  constructor(socket: net.Socket, options: ConnectionOptions) {
    const { device, exportName } = options;
    this.#socket = socket;
    this.#options = options;
    this.#backlog = new Backlog(() => setImmediate(() => this.#goOn()));
    this.#handshake = new Handshake({ name: exportName, sizeBytes: device.sizeBytes, readOnly: device.readOnly });
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => socket.destroy()); // the client went away; 'close' follows
    socket.on('close', () => this.#leave());
    socket.on('data', (data: Buffer) => this.#receive(data));
    this.#send([this.#handshake.greet()]);
  }

  /** Takes no further request; resolves when all that was taken has been answered (not necessarily fetched). */
  async finish(): Promise<void> {
    this.#finishing = true;
    this.#waiting = undefined;
    this.#socket.pause();
    if (this.#transmission === undefined) this.#finished.resolve();
    else this.#transmission.end();
    await this.#finished.promise;
  }

  /** Closes the socket once the client has fetched its replies, or has taken too long to. */
  async end(): Promise<void> {
    this.#finishing = true;
    this.#socket.pause();
    const timer = setTimeout(() => this.#socket.destroy(), FAREWELL_MS);
    this.#socket.end(() => this.#socket.destroy());
    await this.closed;
    clearTimeout(timer);
  }

  /** The client is gone: what it had asked for goes on in the disk, and nobody waits for the answers. */
  #leave(): void {
    this.#waiting = undefined;
    if (this.#transmission === undefined) this.#finished.resolve();
    else this.#transmission.end();
  }

  #receive(data: Buffer): void {
    if (this.#finishing || this.#socket.destroyed) return;
    if (this.#waiting !== undefined) {
      this.#waiting = Buffer.concat([this.#waiting, data]); // what the socket had read before it was paused
      return;
    }
    const rest = this.#transmission === undefined ? this.#negotiate(data) : data;
    const end = this.#transmission === undefined ? rest.length : this.#transmission.accept(rest, 0);
    if (end < rest.length) this.#waiting = rest.subarray(end);
    if (this.#backlog.isFull) this.#socket.pause();
  }

  /** Returns what is left for the transmission phase. */
  #negotiate(data: Buffer): Buffer {
    const { replies, rest } = this.#handshake.accept(data);
    if (replies.length > 0) this.#send(replies);
    if (this.#handshake.state === 'ended') void this.end();
    if (this.#handshake.state === 'transmission') this.#transmission = this.#startTransmission();
    return rest;
  }

  #startTransmission(): Transmission {
    const { device, flushes, onError, exportName } = this.#options;
    return new Transmission({
      device,
      flushes,
      structuredReplies: this.#handshake.structuredReplies,
      backlog: this.#backlog,
      send: (replies) => this.#send(replies.runs, replies),
      onEnd: () => {
        this.#finished.resolve();
        if (!this.#finishing) void this.end();
      },
      onError: (message) => onError(`disk ${exportName}: ${message}`),
    });
  }

  /** The backlog has room again. */
  #goOn(): void {
    if (this.#finishing || this.#socket.destroyed) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) this.#receive(waiting);
    if (!this.#backlog.isFull) this.#socket.resume();
  }

  #send(runs: Buffer[], taken?: TakenReplies): void {
    if (!this.#socket.writable) return;
    const byteCount = taken?.byteCount ?? runs.reduce((sum, run) => sum + run.length, 0);
    this.#backlog.add(byteCount);
    const sent = () => {
      taken?.recycle();
      this.#backlog.remove(byteCount);
    };
    const last = runs.length - 1;
    if (last > 0) this.#socket.cork();
    for (const [index, run] of runs.entries()) this.#socket.write(run, index === last ? sent : undefined);
    if (last > 0) this.#socket.uncork();
  }
}
