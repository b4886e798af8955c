/**
 * Runs operations: does the step that the catalog names, then records the next one with what the step changed in the
 * catalog, in one transaction. After a crash the step that was under way is done again (C4). A retryable failure is tried
 * again, later each time; another one, or a cancellation, turns the operation round: each step is undone, last first, and
 * the operation ends with its kind's `abandon`.
 */
import {
  advanceOperation,
  endOperation,
  findOperation,
  insertOperation,
  listOperations,
  markUndoing,
  takeOperations,
} from '../catalog/operations.ts';
import type { StoredOperation } from '../catalog/operations.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Queries } from '../catalog/schema.ts';
import { assert } from '../lib/assert.ts';
import type { Clock } from '../lib/clock.ts';
import { AssertionError, OperationalError, isRetryable, messageOf } from '../lib/errors.ts';
import type { Log, LogFields } from '../lib/log.ts';
import type { Random } from '../lib/random.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import type { OperationKind, Step } from './operation-kind.ts';
import { Run } from './run.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 15_000;
/** Why a step that ends with its server is undone. */
export const SERVER_ENDED = 'the server ended before it was done';
/** For so long a failure is told after its undoing, so that the caller may try again at once. */
const UNDO_PATIENCE_MS = 250;

export class OperationRunner {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #kinds = new Map<string, OperationKind<object>>();
  readonly #runs = new Map<string, Run>();
  readonly #stopping = new AbortController();
  /** Of each kind, how many failed for good since the start. */
  readonly failureCounts = new Map<string, number>();

  constructor(parts: { catalog: Catalog; clock: Clock; random: Random; log: Log }, kinds: OperationKind<object>[]) {
    this.#catalog = parts.catalog;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#log = parts.log;
    for (const kind of kinds) this.#kinds.set(kind.kind, kind);
  }

  /** Takes over and goes on with everything that earlier servers left. */
  async resume(): Promise<void> {
    await takeOperations(this.#catalog.queries, this.#catalog.epoch);
    const operations = await listOperations(this.#catalog.queries);
    for (const operation of operations) {
      const step = this.#kindOf(operation).steps.find(({ name }) => name === operation.step);
      if (step?.endsWithServer !== true || operation.undoing) continue;
      operation.undoing = true;
      operation.reason = SERVER_ENDED;
      await markUndoing(this.#catalog.queries, operation.operationId, operation.reason);
    }
    // All at once: one that runs may start those that it recorded, which are among these.
    for (const operation of operations) {
      const what = `${operation.kind} of ${operation.subjectId}`;
      this.#log.info(`${operation.undoing ? 'undoing' : 'resuming'} ${what}`, aboutOf(operation));
      this.start(operation);
    }
  }

  /** Writes a new operation, at its first step or at `step`; `start` it when `transaction` has committed. */
  async record(
    transaction: Queries,
    kind: string,
    subjectId: string,
    state: object,
    step?: string,
  ): Promise<StoredOperation> {
    const operation: StoredOperation = {
      operationId: `op-${this.#random.bytes(12).toString('hex')}`,
      kind,
      subjectId,
      step: '',
      state,
      undoing: false,
      reason: null,
    };
    operation.step = step ?? stepAt(this.#kindOf(operation), 0).name;
    const stamp = { epoch: this.#catalog.epoch, createdAtMs: this.#clock.nowMs() };
    await insertOperation(transaction, operation, stamp);
    return operation;
  }

  start(operation: StoredOperation): Run {
    assert(!this.#runs.has(operation.operationId), `${operation.operationId} runs already`);
    const kind = this.#kindOf(operation);
    const run = new Run(
      operation,
      kind.steps.map(({ name }) => name),
      this.#stopping.signal,
    );
    this.#runs.set(operation.operationId, run);
    this.#log.debug?.(`${operation.kind} of ${operation.subjectId} begins at ${operation.step}`, aboutOf(operation));
    void this.#drive(run, kind).finally(() => {
      const end = this.#stopping.signal.aborted
        ? 'waits for the next start'
        : run.failure === undefined
          ? 'is over'
          : 'is undone';
      this.#log.debug?.(`${operation.kind} of ${operation.subjectId} ${end}`, aboutOf(operation));
      this.#runs.delete(operation.operationId);
      run.finish();
      kind.ended?.();
    });
    return run;
  }

  /** Starts what another operation has recorded, unless it runs already or is over. */
  async startRecorded(kind: string, subjectId: string): Promise<void> {
    const operation = await findOperation(this.#catalog.queries, kind, subjectId);
    if (operation !== undefined && !this.#runs.has(operation.operationId)) this.start(operation);
  }

  /** The operation of that kind which runs on the subject now. */
  find(kind: string, subjectId: string): Run | undefined {
    return [...this.#runs.values()].find(
      ({ operation }) => operation.kind === kind && operation.subjectId === subjectId,
    );
  }

  /** Those that run now and are wanted. */
  findAll(isWanted: (operation: StoredOperation) => boolean): Run[] {
    return [...this.#runs.values()].filter(({ operation }) => isWanted(operation));
  }

  /** Interrupts an operation that a transaction has marked as `undoing`; resolves when it is undone. */
  async interrupt(operationId: string): Promise<void> {
    const run = this.#runs.get(operationId);
    run?.interrupt();
    await run?.ended;
  }

  /** The trees that an operation has written down. */
  treesOf(operation: StoredOperation): TreeRef[] {
    return this.#kindOf(operation).treesOf?.(operation.state as object) ?? [];
  }

  /** Leaves every operation at the step where it is, for the next start, and waits until none runs any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#runs.values()].map((run) => run.ended));
  }

  async #drive(run: Run, kind: OperationKind<object>): Promise<void> {
    for (let failures = 0; !this.#stopping.signal.aborted;) {
      try {
        if (await (run.operation.undoing ? this.#undo(run, kind) : this.#doStep(run, kind))) return;
        failures = 0;
      } catch (error) {
        const way = await this.#meet(run, kind, error);
        if (way === 'over') return;
        if (way === 'again') await this.#pause(run, error, failures++);
      }
    }
  }

  /** Where a failure leads: nowhere more from here, back over the steps that were done, or to another try. */
  async #meet(run: Run, kind: OperationKind<object>, error: unknown): Promise<'over' | 'back' | 'again'> {
    if (this.#stopping.signal.aborted) return 'over';
    if (run.operation.undoing) return 'again';
    try {
      if (run.interrupted) return (await this.#reload(run)) ? 'back' : 'over';
      if (kind.abandon === undefined || isRetryable(error)) return 'again';
      return (await this.#turnRound(run, kind, error)) ? 'back' : 'again';
    } catch (failure) {
      this.#log.warn(`the catalog cannot be written: ${messageOf(failure)}`, aboutOf(run.operation));
      return 'again';
    }
  }

  /** Does one step and records it; true when it was the last. */
  async #doStep(run: Run, kind: OperationKind<object>): Promise<boolean> {
    const { operation } = run;
    const index = kind.steps.findIndex(({ name }) => name === operation.step);
    const step = stepAt(kind, index);
    const next = kind.steps[index + 1];
    const save = async (addition: object, write?: (transaction: Queries) => Promise<void>) => {
      await this.#record(run, step, async (transaction) => {
        await write?.(transaction);
        return addition;
      });
    };
    const result = await step.run?.(operation.state as object, { signal: run.signal, save });
    await this.#record(run, next, async (transaction) => {
      const state = { ...(operation.state as object), ...result };
      return { ...result, ...(await step.record?.(transaction, state)) };
    });
    if (next !== undefined) operation.step = next.name;
    run.passed(step.name);
    return next === undefined;
  }

  /** In one transaction: what `write` writes, what it adds to the state, and that `next` is to be done (or nothing). */
  async #record(
    run: Run,
    next: Step<object> | undefined,
    write: (transaction: Queries) => Promise<object>,
  ): Promise<void> {
    const { operation } = run;
    const state = await this.#catalog.transaction(async (transaction) => {
      const after = { ...(operation.state as object), ...(await write(transaction)) };
      const done =
        next === undefined ? await this.#end(transaction, run) : await this.#advance(transaction, run, next, after);
      return done ? after : rollBack(run);
    });
    operation.state = state;
  }

  #end(transaction: Queries, run: Run): Promise<boolean> {
    return endOperation(transaction, run.operation.operationId, { epoch: this.#catalog.epoch, undoing: false });
  }

  #advance(transaction: Queries, run: Run, next: Step<object>, state: object): Promise<boolean> {
    const { operationId } = run.operation;
    return advanceOperation(transaction, { operationId, step: next.name, state }, this.#catalog.epoch);
  }

  /** Undoes every step up to the one that was not done; true, for it ends the operation. */
  async #undo(run: Run, kind: OperationKind<object>): Promise<true> {
    const { operation } = run;
    const index = kind.steps.findIndex(({ name }) => name === operation.step);
    let state = operation.state as object;
    for (const step of kind.steps.slice(0, index + 1).reverse()) {
      state = { ...state, ...(await step.undo?.(state)) };
    }
    const reason = operation.reason ?? 'cancelled';
    await this.#catalog.transaction(async (transaction) => {
      const owner = { epoch: this.#catalog.epoch, undoing: true };
      const ended = await endOperation(transaction, operation.operationId, owner);
      if (ended) await kind.abandon?.(transaction, { state, step: operation.step, reason });
    });
    run.fail(new OperationalError(reason, { retryable: true }));
    return true;
  }

  /** False when its kind keeps it. */
  async #turnRound(run: Run, kind: OperationKind<object>, error: unknown): Promise<boolean> {
    const { operation } = run;
    const undone = { state: operation.state as object, step: operation.step, reason: messageOf(error) };
    const isKept = await this.#catalog.transaction(async (transaction) => {
      if ((await kind.keep?.(transaction, undone)) === true) return true;
      await markUndoing(transaction, operation.operationId, undone.reason);
      return false;
    });
    if (isKept) return false;
    const text = error instanceof AssertionError ? (error.stack ?? error.message) : messageOf(error);
    const what = `${operation.kind} of ${operation.subjectId}`;
    this.#log.warn(`${what} failed at ${operation.step} and is undone: ${text}`, aboutOf(operation));
    this.failureCounts.set(operation.kind, (this.failureCounts.get(operation.kind) ?? 0) + 1);
    operation.undoing = true;
    operation.reason = messageOf(error);
    run.failure = error instanceof Error ? error : undefined;
    this.#answerSoon(run);
    return true;
  }

  /** Undoing may wait for something that is away or full; the caller does not wait for it. */
  #answerSoon(run: Run): void {
    const enough = new AbortController();
    void run.ended.then(() => enough.abort());
    this.#clock.sleep(UNDO_PATIENCE_MS, enough.signal).then(
      () => run.answer(),
      () => undefined,
    );
  }

  /** What a transaction elsewhere made of the operation; false when it is gone. */
  async #reload(run: Run): Promise<boolean> {
    const stored = await findOperation(this.#catalog.queries, run.operation.kind, run.operation.subjectId);
    if (stored?.operationId !== run.operation.operationId || !stored.undoing) return false;
    Object.assign(run.operation, stored);
    run.resumeUndoing();
    return true;
  }

  async #pause(run: Run, error: unknown, failures: number): Promise<void> {
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
    const { kind, subjectId, step, undoing } = run.operation;
    const what = undoing ? `undoing ${kind} of ${subjectId}` : `${kind} of ${subjectId}, step ${step},`;
    this.#log.warn(`${what} failed, next try in ${pauseMs} ms: ${messageOf(error)}`, aboutOf(run.operation));
    const signal = run.interrupted ? this.#stopping.signal : run.signal;
    await this.#clock.sleep(pauseMs, signal).catch(() => undefined);
  }

  #kindOf(operation: { kind: string }): OperationKind<object> {
    const kind = this.#kinds.get(operation.kind);
    assert(kind !== undefined, `no operation is called ${operation.kind}`);
    return kind;
  }
}

function aboutOf({ operationId, kind, subjectId }: StoredOperation): LogFields {
  return { operationId, kind, resourceId: subjectId };
}

/** The catalog says that the operation was turned round meanwhile: the step is not recorded. */
function rollBack(run: Run): never {
  run.interrupt();
  throw new OperationalError(`${run.operation.kind} of ${run.operation.subjectId} was turned round`, {
    retryable: false,
  });
}

function stepAt(kind: OperationKind<object>, index: number): Step<object> {
  const step = kind.steps[index];
  assert(step !== undefined, `${kind.kind} has no step ${index}`);
  return step;
}
