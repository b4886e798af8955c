/** The transmission phase of one client: takes requests off the stream, checks them and has them carried out. */
import { Execution, type ArrivingWrite, type ExecutionOptions } from './execution.ts';
import { Command, REQUEST_HEADER_BYTES, decodeRequest, type Request } from './protocol.ts';
import { refuseRequest } from './request-check.ts';

/** Replies of a batch beyond this leave before the next request is looked at, so that the backlog counts them. */
const BATCH_LIMIT_BYTES = 1024 * 1024;

export interface TransmissionOptions extends Omit<ExecutionOptions, 'onIdle'> {
  /** Called once: the client said goodbye or broke the framing, and all that it had asked for is answered. */
  onEnd: () => void;
}

export class Transmission {
  readonly #options: TransmissionOptions;
  readonly #execution: Execution;
  /** A request header of which only the beginning has arrived. */
  readonly #header = Buffer.alloc(REQUEST_HEADER_BYTES);
  #headerBytes = 0;
  #write: ArrivingWrite | undefined;
  #ending = false;
  #ended = false;

  constructor(options: TransmissionOptions) {
    this.#options = options;
    this.#execution = new Execution({ ...options, onIdle: () => this.#noticeEnd() });
  }

  /** Carries out what `data` holds from `position`. Returns where it stopped: early when the backlog is full. */
  accept(data: Buffer, position: number): number {
    let at = position;
    while (at < data.length && !this.#ending && !this.#options.backlog.isFull) {
      at = this.#write === undefined ? this.#acceptHeader(data, at) : this.#acceptPayload(this.#write, data, at);
      if (this.#execution.replyBytes >= BATCH_LIMIT_BYTES) this.#execution.finishBatch();
    }
    this.#execution.finishBatch();
    return this.#ending ? data.length : at;
  }

  /** Takes no further request; `onEnd` follows when all that was taken is answered. */
  end(): void {
    this.#ending = true;
    this.#execution.finishBatch();
  }

  #acceptHeader(data: Buffer, position: number): number {
    if (this.#headerBytes === 0 && data.length - position >= REQUEST_HEADER_BYTES) {
      this.#dispatch(decodeRequest(data, position));
      return position + REQUEST_HEADER_BYTES;
    }
    const count = Math.min(REQUEST_HEADER_BYTES - this.#headerBytes, data.length - position);
    data.copy(this.#header, this.#headerBytes, position, position + count);
    this.#headerBytes += count;
    if (this.#headerBytes === REQUEST_HEADER_BYTES) {
      this.#headerBytes = 0;
      this.#dispatch(decodeRequest(this.#header, 0));
    }
    return position + count;
  }

  #acceptPayload(write: ArrivingWrite, data: Buffer, position: number): number {
    const end = write.assembly.accept(data, position);
    if (write.assembly.isComplete) this.#endWrite(write);
    return end;
  }

  #endWrite(write: ArrivingWrite): void {
    this.#write = undefined;
    write.end();
  }

  #dispatch(request: Request | undefined): void {
    if (request === undefined || request.command === Command.disconnect) {
      this.#ending = true;
      return;
    }
    const refusal = refuseRequest(request, this.#options.device, this.#options.structuredReplies);
    if (request.command === Command.write) {
      this.#write = this.#execution.beginWrite(request, refusal);
      if (this.#write.assembly.isComplete) this.#endWrite(this.#write);
    } else if (refusal !== undefined) this.#execution.refuse(request, refusal);
    else this.#execution.carryOut(request);
  }

  #noticeEnd(): void {
    if (!this.#ending || this.#ended) return;
    this.#ended = true;
    this.#options.onEnd();
  }
}
