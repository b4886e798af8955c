/**
 * Carries out one client's requests on the disk and answers them in batches: all that one read of the socket brought is
 * done first, then the disk's changes are committed once, then all replies leave in one write, in the order they got
 * ready. A change is answered only after `commit`; with FUA, and for FLUSH, after a flush besides. Requests that the
 * disk needs time for are answered later, together with whatever else is ready then.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Backlog } from './backlog.ts';
import type { BlockDevice } from './device.ts';
import type { FlushGroup } from './flush-group.ts';
import { Command, CommandFlag, formatNbdError, type Request } from './protocol.ts';
import { ReplyBatch, type TakenReplies } from './reply-batch.ts';
import { refusalOf, type Refusal } from './request-check.ts';
import { WriteAssembly } from './write-assembly.ts';

/** What a request under way is taken to weigh besides its data. */
const REQUEST_WEIGHT_BYTES = 1024;
/** A longer read is done in pieces with other clients' turns between them. */
const LONG_READ_BYTES = 1024 * 1024;

export interface ExecutionOptions {
  device: BlockDevice;
  structuredReplies: boolean;
  flushes: FlushGroup;
  backlog: Backlog;
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
  /** Done, and to be answered after the batch's commit; `#durable` after a flush as well. */
  #changed: Request[] = [];
  #durable: Request[] = [];
  #needsCommit = false;
  #batchScheduled = false;
  #underWayCount = 0;
  #lastError = '';

  constructor(options: ExecutionOptions) {
    this.#options = options;
    this.#replies = new ReplyBatch(options.structuredReplies);
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
        return this.#change(request, () => device.trim(request.offset, request.lengthBytes));
      case Command.writeZeroes:
        return this.#change(request, () => device.writeZeroes(request.offset, request.lengthBytes));
      default:
        return this.#replies.addSuccess(request); // CACHE: the page cache decides
    }
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

  /** Commits what was changed and sends every reply that is ready. */
  finishBatch(): void {
    this.#batchScheduled = false;
    const refusal = this.#commit();
    const changed = this.#changed;
    this.#changed = [];
    this.#answer(changed, refusal);
    if (this.#durable.length > 0) this.#answerDurable(refusal);
    const taken = this.#replies.take();
    if (taken !== undefined) this.#options.send(taken);
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
    if (pending === undefined) return this.#replies.addRead(request);
    const reply = this.#replies.detachRead(request);
    return void this.#await(request, pending, reply.length, (refusal) => {
      if (refusal === undefined) this.#replies.addDetachedRead(request, reply);
      else this.refuse(request, refusal);
    });
  }

  async #readInTurns(offset: number, target: Buffer): Promise<void> {
    for (let done = 0; done < target.length; done += LONG_READ_BYTES) {
      await nextTurn();
      await this.#options.device.read(offset + done, target.subarray(done, done + LONG_READ_BYTES));
    }
  }

  #change(request: Request, apply: () => Promise<void> | undefined): void {
    let pending: Promise<void> | undefined;
    try {
      this.#needsCommit = true;
      pending = request.lengthBytes === 0 ? undefined : apply();
    } catch (error) {
      return this.refuse(request, this.#refusalOf(request, error));
    }
    if (pending === undefined) return this.#succeed(request);
    return void this.#await(request, pending, 0, (refusal) => {
      this.#needsCommit = true;
      if (refusal === undefined) this.#succeed(request);
      else this.refuse(request, refusal);
    });
  }

  /** Returns whether the disk keeps the piece for a while. Once a piece has failed the rest of the payload is dropped. */
  #writePiece(write: Write, offset: number, piece: Buffer): boolean {
    if (write.refusal !== undefined) return false;
    let pending: Promise<void> | undefined;
    try {
      this.#needsCommit = true;
      pending = this.#options.device.write(offset, piece);
    } catch (error) {
      write.refusal = this.#refusalOf(write.request, error);
    }
    if (pending === undefined) return false;
    write.pendingPieceCount++;
    void this.#await(write.request, pending, piece.length, (refusal) => {
      this.#needsCommit = true;
      write.pendingPieceCount--;
      write.refusal ??= refusal;
      this.#finishWrite(write);
    });
    return true;
  }

  #finishWrite(write: Write): void {
    if (!write.received || write.pendingPieceCount > 0) return;
    if (write.refusal === undefined) this.#succeed(write.request);
    else this.refuse(write.request, write.refusal);
  }

  #succeed(request: Request): void {
    if ((request.flags & CommandFlag.fua) === 0) this.#changed.push(request);
    else this.#durable.push(request);
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
    this.#scheduleBatch();
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
      if (refusal === undefined) this.#replies.addSuccess(request);
      else this.refuse(request, refusal);
    }
  }

  #refusalOf(request: Request, error: unknown): Refusal {
    return this.#report(`command ${request.command} at ${request.offset} + ${request.lengthBytes}`, error);
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
