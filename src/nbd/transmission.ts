/**
 * The transmission phase of one client: takes requests off the stream, checks them and has them carried out. It stops in
 * the midst of what arrived when the client's turn is over, its backlog is full or its disk has no tokens left, and asks
 * to be called again when it may go on.
 */
import { Execution, type ArrivingWrite, type ExecutionOptions } from './execution.ts';
import { Command, REQUEST_HEADER_BYTES, decodeRequest, type Request } from './protocol.ts';
import { refuseRequest, type Refusal } from './request-check.ts';
import type { Throttle, ThrottleClient } from './throttle.ts';
import { Turn } from './turn.ts';

/** Replies of a batch beyond this leave before the next request is looked at, so that the backlog counts them. */
const BATCH_LIMIT_BYTES = 1024 * 1024;

export interface TransmissionOptions extends Omit<ExecutionOptions, 'onIdle'> {
  throttle: Throttle | undefined;
  /** A turn has begun, there are tokens again, or the gate has opened. */
  goOn: () => void;
  /** Called once: the client said goodbye or broke the framing, and all that it had asked for is answered. */
  onEnd: () => void;
}

export class Transmission {
  readonly #options: TransmissionOptions;
  readonly #execution: Execution;
  readonly #turn: Turn;
  readonly #tokens: ThrottleClient | undefined;
  readonly #atGate: { leave: () => void } | undefined;
  /** A request header of which only the beginning has arrived. */
  readonly #header = Buffer.alloc(REQUEST_HEADER_BYTES);
  #headerBytes = 0;
  #write: ArrivingWrite | undefined;
  /** A request that waits for tokens. */
  #held: Request | undefined;
  #turnEnds = false;
  #ending = false;
  #ended = false;

  constructor(options: TransmissionOptions) {
    this.#options = options;
    this.#turn = new Turn(options.clock);
    this.#tokens = options.throttle?.join(options.goOn);
    this.#execution = new Execution({ ...options, onIdle: () => this.#noticeEnd() });
    this.#atGate = options.gate?.join(() => {
      this.#execution.finishBatch();
      options.goOn();
    });
  }

  /** Whether nothing more is to be brought. The backlog's room, or `goOn`, says when that has changed. */
  get isHalted(): boolean {
    return this.#options.backlog.isFull || this.#held !== undefined || this.#options.gate?.isShut === true;
  }

  /**
   * Carries out what `data` holds from `position`, and returns where it stopped. With `hasMore` the socket is likely to
   * bring more at once: what was done is then answered together with that.
   */
  accept(data: Buffer, position: number, hasMore: boolean): number {
    this.#turn.open();
    const end = this.#work(data, position);
    const isStopped = this.#turn.isOver || this.#ending || this.isHalted;
    if (hasMore || this.#turn.isOver) this.#endTurnLater();
    else this.#turn.close();
    if (!hasMore || isStopped) this.#execution.finishBatch();
    return this.#ending ? data.length : end;
  }

  /** Takes no further request; `onEnd` follows when all that was taken is answered. */
  end(): void {
    this.#ending = true;
    this.#held = undefined;
    this.#tokens?.leave();
    this.#execution.finishBatch();
  }

  #work(data: Buffer, position: number): number {
    let at = position;
    if (this.#options.gate?.isShut === true) return at;
    while (!this.#ending && !this.#turn.isOver && !this.#options.backlog.isFull) {
      if (this.#held !== undefined) at = this.#begin(this.#held, data, at);
      else if (at === data.length) break;
      else at = this.#write === undefined ? this.#acceptHeader(data, at) : this.#acceptPayload(this.#write, data, at);
      if (this.#held !== undefined) break;
      if (this.#execution.replyBytes >= BATCH_LIMIT_BYTES) this.#execution.finishBatch();
    }
    return at;
  }

  /** The others' sockets are looked at before the next turn begins. */
  #endTurnLater(): void {
    if (this.#turnEnds) return;
    this.#turnEnds = true;
    setImmediate(() => {
      this.#turnEnds = false;
      const wasOver = this.#turn.isOver;
      this.#turn.close();
      this.#execution.finishBatch();
      if (wasOver) this.#options.goOn();
    });
  }

  #acceptHeader(data: Buffer, position: number): number {
    if (this.#headerBytes === 0 && data.length - position >= REQUEST_HEADER_BYTES) {
      return this.#dispatch(decodeRequest(data, position), data, position + REQUEST_HEADER_BYTES);
    }
    const count = Math.min(REQUEST_HEADER_BYTES - this.#headerBytes, data.length - position);
    data.copy(this.#header, this.#headerBytes, position, position + count);
    this.#headerBytes += count;
    if (this.#headerBytes < REQUEST_HEADER_BYTES) return position + count;
    this.#headerBytes = 0;
    return this.#dispatch(decodeRequest(this.#header, 0), data, position + count);
  }

  #acceptPayload(write: ArrivingWrite, data: Buffer, position: number): number {
    const end = write.assembly.accept(data, position);
    this.#turn.count(end - position);
    if (write.assembly.isComplete) {
      this.#write = undefined;
      write.end();
    }
    return end;
  }

  #dispatch(request: Request | undefined, data: Buffer, position: number): number {
    if (request === undefined || request.command === Command.disconnect) {
      this.#ending = true;
      return position;
    }
    request.takenAtMs = this.#turn.openedAtMs;
    return this.#begin(request, data, position);
  }

  /** Begins a request whose payload, if it has one, is in `data` from `position`. Returns where it stopped. */
  #begin(request: Request, data: Buffer, position: number): number {
    const refusal = refuseRequest(request, this.#options.device, this.#options.agreed);
    const mayBegin = refusal !== undefined || this.#tokens === undefined || takeTokens(this.#tokens, request);
    this.#held = mayBegin ? undefined : request;
    if (!mayBegin) return position;
    if (request.command === Command.write) return this.#beginWrite(request, refusal, data, position);
    if (refusal !== undefined) this.#execution.refuse(request, refusal);
    else this.#execution.carryOut(request);
    this.#turn.count(refusal === undefined ? workBytes(request) : 0);
    return position;
  }

  #beginWrite(request: Request, refusal: Refusal | undefined, data: Buffer, position: number): number {
    const end = position + request.lengthBytes;
    if (refusal === undefined && end <= data.length && end > position) {
      this.#execution.write(request, data.subarray(position, end));
      this.#turn.count(request.lengthBytes);
      return end;
    }
    const write = this.#execution.beginWrite(request, refusal);
    this.#turn.count(0);
    if (write.assembly.isComplete) write.end();
    else this.#write = write;
    return position;
  }

  #noticeEnd(): void {
    if (!this.#ending || this.#ended) return;
    this.#ended = true;
    this.#tokens?.leave();
    this.#atGate?.leave();
    this.#options.onEnd();
  }
}

/** What a request without payload may cost. Of the map, not of bytes: a range of 4 GiB is trimmed by 65,536 entries. */
function workBytes(request: Request): number {
  switch (request.command) {
    case Command.read:
    case Command.trim:
    case Command.writeZeroes:
    case Command.blockStatus:
      return request.lengthBytes;
    default:
      return 0;
  }
}

/** Only what reads or changes bytes of the disk costs tokens. */
function takeTokens(tokens: ThrottleClient, request: Request): boolean {
  switch (request.command) {
    case Command.read:
    case Command.write:
      return tokens.take(request.lengthBytes);
    case Command.trim:
    case Command.writeZeroes:
      return tokens.take(0);
    default:
      return true;
  }
}
