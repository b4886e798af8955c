/**
 * Carries out one client's requests on the disk and answers them in batches: what one turn of the event loop brought is
 * done first, then the disk's changes are committed once, then all replies leave in one write, in the order they got
 * ready. A change is answered only after `commit`; with FUA, and for FLUSH, after a flush besides. Requests that the
 * disk needs time for are answered later, together with whatever else is ready then.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../lib/clock.ts';
import { AnswerTimes } from './answer-times.ts';
import type { Backlog } from './backlog.ts';
import { describeAllocation } from './block-status.ts';
import type { BlockDevice } from './device.ts';
import type { FlushGroup } from './flush-group.ts';
import type { Gate } from './gate.ts';
import { Command, CommandFlag, formatNbdError, type Request } from './protocol.ts';
import { ReplyBatch, type TakenReplies } from './reply-batch.ts';
import type { ReplyBuffers } from './reply-buffers.ts';
import { refusalOf, type Agreed, type Refusal } from './request-check.ts';
import { WriteAssembly } from './write-assembly.ts';

/** What a request under way is taken to weigh besides its data. */
const REQUEST_WEIGHT_BYTES = 1024;
/** A longer read is done in pieces with other clients' turns between them. */
const LONG_READ_BYTES = 1024 * 1024;

export interface ExecutionOptions {
  device: BlockDevice;
  agreed: Agreed;
  flushes: FlushGroup;
  backlog: Backlog;
  buffers: ReplyBuffers;
  gate: Gate | undefined;
  clock: Clock;
  send: (replies: TakenReplies) => void;
  /** Called when a batch has ended and nothing is under way. */
  onIdle: () => void;
  onError: (message: string) => void;
}

/** A WRITE whose payload is arriving or whose pieces the disk is still taking. */
interface Write {
  request: Request;
  refusal: Refusal | undefined;
  pendingPieceCount: number;
  received: boolean;
}

/** The payload goes into `assembly`; call `end` when that is complete. */
export interface ArrivingWrite {
  assembly: WriteAssembly;
  end: () => void;
}

export class Execution {
  readonly #options: ExecutionOptions;
  readonly #replies: ReplyBatch;
  readonly #times = new AnswerTimes();
  /** Done, and to be answered after a flush. */
  #durable: Request[] = [];
  #needsCommit = false;
  #batchScheduled = false;
  #underWayCount = 0;
  /** Of what ended since the last batch: it counts until the replies do, which are as heavy. */
  #endedWeight = 0;
  #lastError = '';

  constructor(options: ExecutionOptions) {
    const { buffers, backlog, agreed } = options;
    this.#options = options;
    this.#replies = new ReplyBatch({
      structuredReplies: agreed.structuredReplies,
      buffers,
      onKept: (byteCount) => backlog.add(byteCount),
      onFreed: (byteCount) => (this.#endedWeight += byteCount),
    });
  }

  /** Of the batch so far. */
  get replyBytes(): number {
    return this.#replies.byteCount;
  }

  refuse(request: Request, refusal: Refusal): void {
    this.#replies.addError(request, refusal);
  }

  /** Any request but WRITE, already checked. */
  carryOut(request: Request): void {
    const { device } = this.#options;
    switch (request.command) {
      case Command.read:
        return this.#read(request);
      case Command.flush:
        this.#durable.push(request);
        return undefined;
      case Command.trim:
        return this.#change(request, 0, () => device.trim(request.offset, request.lengthBytes));
      case Command.writeZeroes:
        return this.#change(request, 0, () => device.writeZeroes(request.offset, request.lengthBytes));
      case Command.blockStatus:
        return this.#describe(request);
      default:
        return this.#replies.addSuccess(request); // CACHE: the page cache decides
    }
  }

  /** A WRITE, already checked, whose payload has arrived whole. */
  write(request: Request, payload: Buffer): void {
    let pending: Promise<void> | undefined;
    try {
      this.#needsCommit = true;
      pending = this.#options.device.write(request.offset, payload);
    } catch (error) {
      return this.refuse(request, this.#refusalOf(request, error));
    }
    if (pending === undefined) return this.#succeed(request);
    return this.#awaitChange(request, pending, payload.length);
  }

  /** The payload of a refused WRITE is taken all the same, and dropped. */
  beginWrite(request: Request, refusal: Refusal | undefined): ArrivingWrite {
    const write: Write = { request, refusal, pendingPieceCount: 0, received: false };
    const takePiece = (offset: number, piece: Buffer) => this.#writePiece(write, offset, piece);
    const end = () => {
      write.received = true;
      this.#finishWrite(write);
    };
    const offset = refusal === undefined ? request.offset : 0; // one past 2^53 is not exact
    return { assembly: new WriteAssembly(offset, request.lengthBytes, takePiece), end };
  }

  /** Commits what was changed and sends every reply that is ready; at a shut gate nothing, to be called again when it opens. */
  finishBatch(): void {
    this.#batchScheduled = false;
    if (this.#options.gate?.isShut === true) return;
    const refusal = this.#commit();
    this.#replies.settlePending(refusal);
    if (this.#durable.length > 0) this.#answerDurable(refusal);
    const taken = this.#replies.take();
    if (!this.#times.isEmpty) this.#options.device.answered?.(this.#times.take(this.#options.clock.monotonicMs()));
    if (taken !== undefined) this.#options.send(taken);
    if (this.#endedWeight > 0) this.#freeEnded();
    if (this.#underWayCount === 0 && !this.#batchScheduled) this.#options.onIdle();
  }

  #read(request: Request): void {
    if (request.lengthBytes === 0) return this.#replies.addEmptyRead(request);
    const target = this.#replies.beginRead(request);
    let pending: Promise<void> | undefined;
    try {
      const isLong = request.lengthBytes > LONG_READ_BYTES;
      pending = isLong ? this.#readInTurns(request.offset, target) : this.#options.device.read(request.offset, target);
    } catch (error) {
      return this.refuse(request, this.#refusalOf(request, error));
    }
    if (pending === undefined) {
      this.#times.add(request);
      return this.#replies.addRead(request);
    }
    const detached = this.#replies.detachRead(request);
    return void this.#await(request, pending, 0, (refusal) => {
      if (refusal === undefined) {
        this.#times.add(request);
        return this.#replies.addDetachedRead(request, detached);
      }
      this.#replies.dropDetachedRead(detached);
      return this.refuse(request, refusal);
    });
  }

  /** An error says in which piece it was: what lies before could be read. */
  async #readInTurns(offset: number, target: Buffer): Promise<void> {
    for (let done = 0; done < target.length; done += LONG_READ_BYTES) {
      await nextTurn();
      try {
        await this.#options.device.read(offset + done, target.subarray(done, done + LONG_READ_BYTES));
      } catch (error) {
        throw new PieceError(offset + done, error);
      }
    }
  }

  #describe(request: Request): void {
    const { contexts } = this.#options.agreed;
    try {
      const descriptors = describeAllocation(this.#options.device, request);
      for (const [index, { id }] of contexts.entries()) {
        this.#replies.addBlockStatus(request, id, descriptors, index === contexts.length - 1);
      }
    } catch (error) {
      this.refuse(request, this.#refusalOf(request, error));
    }
  }

  #change(request: Request, weight: number, apply: () => Promise<void> | undefined): void {
    let pending: Promise<void> | undefined;
    try {
      this.#needsCommit = true;
      pending = request.lengthBytes === 0 ? undefined : apply();
    } catch (error) {
      return this.refuse(request, this.#refusalOf(request, error));
    }
    return pending === undefined ? this.#succeed(request) : this.#awaitChange(request, pending, weight);
  }

  #awaitChange(request: Request, pending: Promise<void>, weight: number): void {
    void this.#await(request, pending, weight, (refusal) => {
      this.#needsCommit = true;
      if (refusal === undefined) this.#succeed(request);
      else this.refuse(request, refusal);
    });
  }

  /** Once a piece has failed the rest of the payload is dropped. */
  #writePiece(write: Write, offset: number, piece: Buffer): void {
    if (write.refusal !== undefined) return;
    let pending: Promise<void> | undefined;
    try {
      this.#needsCommit = true;
      pending = this.#options.device.write(offset, piece);
    } catch (error) {
      write.refusal = { ...this.#refusalOf(write.request, error), offset };
    }
    if (pending === undefined) return;
    write.pendingPieceCount++;
    void this.#await(write.request, pending, piece.length, (refusal) => {
      this.#needsCommit = true;
      write.pendingPieceCount--;
      if (refusal !== undefined) write.refusal ??= { ...refusal, offset };
      this.#finishWrite(write);
    });
  }

  #finishWrite(write: Write): void {
    if (!write.received || write.pendingPieceCount > 0) return;
    if (write.refusal === undefined) this.#succeed(write.request);
    else this.refuse(write.request, write.refusal);
  }

  #succeed(request: Request): void {
    if ((request.flags & CommandFlag.fua) !== 0) return void this.#durable.push(request);
    this.#times.add(request);
    return this.#replies.addPendingSuccess(request);
  }

  /** Counts `pending` as under way and calls `settle` when it is done, within a batch. Never rejects. */
  async #await(
    request: Request,
    pending: Promise<void>,
    byteCount: number,
    settle: (refusal: Refusal | undefined) => void,
  ): Promise<void> {
    const weight = byteCount + REQUEST_WEIGHT_BYTES;
    this.#options.backlog.add(weight);
    this.#underWayCount++;
    let refusal: Refusal | undefined;
    try {
      await pending;
    } catch (error) {
      refusal = this.#refusalOf(request, error);
    }
    settle(refusal);
    this.#underWayCount--;
    this.#endedWeight += weight;
    this.#scheduleBatch();
  }

  #freeEnded(): void {
    const weight = this.#endedWeight;
    this.#endedWeight = 0;
    this.#options.backlog.remove(weight);
  }

  /** What gets ready in one turn of the event loop is answered together. */
  #scheduleBatch(): void {
    if (this.#batchScheduled) return;
    this.#batchScheduled = true;
    setImmediate(() => this.finishBatch());
  }

  #commit(): Refusal | undefined {
    if (!this.#needsCommit) return undefined;
    this.#needsCommit = false;
    try {
      this.#options.device.commit();
      return undefined;
    } catch (error) {
      return this.#report('commit', error);
    }
  }

  /** One flush answers all of them. */
  #answerDurable(commitRefusal: Refusal | undefined): void {
    const requests = this.#durable;
    const [first] = requests;
    this.#durable = [];
    if (commitRefusal !== undefined || first === undefined) return this.#answer(requests, commitRefusal);
    const weight = requests.length * REQUEST_WEIGHT_BYTES;
    const flushed = this.#options.flushes.run();
    return void this.#await(first, flushed, weight, (refusal) => this.#answer(requests, refusal));
  }

  #answer(requests: Request[], refusal: Refusal | undefined): void {
    for (const request of requests) {
      if (refusal !== undefined) {
        this.refuse(request, refusal);
        continue;
      }
      this.#times.add(request);
      this.#replies.addSuccess(request);
    }
  }

  #refusalOf(request: Request, error: unknown): Refusal {
    const what = `command ${request.command} at ${request.offset} + ${request.lengthBytes}`;
    if (!(error instanceof PieceError)) return this.#report(what, error);
    return { ...this.#report(what, error.cause), offset: error.offset };
  }

  /** A failing disk fails again and again: each message is told once in a row. */
  #report(what: string, error: unknown): Refusal {
    const refusal = refusalOf(error);
    if (refusal.message !== this.#lastError) {
      this.#lastError = refusal.message;
      this.#options.onError(`${what} answered with ${formatNbdError(refusal.error)}: ${refusal.message}`);
    }
    return refusal;
  }
}

/** What went wrong with a part of a request, and where that begins. */
class PieceError extends Error {
  readonly offset: number;
  constructor(offset: number, cause: unknown) {
    super('a part of the request failed', { cause });
    this.offset = offset;
  }
}
