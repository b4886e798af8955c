/**
 * A queue in shared memory: one thread gives tasks; others take them in order, do them and leave the results in it. Nobody
 * waits in an event loop but who gives, and is woken only when half of what is under way is done: a message to a thread,
 * with all that Node does for it in caches that a compressor has filled with its own, costs as much as hashing 200 KiB.
 *
 * Counters go up by one, and around; a task's ticket is what GIVEN was. Its cell is used again when it was settled.
 */
import { assert } from '../lib/assert.ts';

/** Tasks that are given and not settled, at most. */
export const RING_TASKS = 64;
/** What a task may leave beside its numbers. */
export const RESULT_BYTES = 512;

const [GIVEN, TAKEN, DONE, WANTED, WOKEN, HEADER_INTS] = [0, 1, 2, 3, 4, 16];
const COUNTERS = [GIVEN, TAKEN, DONE];
/** In a cell: what is to be done with `LENGTH` bytes from `AT` on, two results, and the ticket once these are there. */
const [KIND, AT, LENGTH, FIRST, SECOND, FINISHED, CELL_INTS] = [0, 1, 2, 3, 4, 5, 8];
const BYTES_AT = 4 * (HEADER_INTS + RING_TASKS * CELL_INTS);

export interface Task {
  kind: number;
  at: number;
  length: number;
}

export interface TaskResult {
  first: number;
  second: number;
}

class Ring {
  readonly memory: SharedArrayBuffer;
  protected readonly ints: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.ints = new Int32Array(memory, 0, BYTES_AT / 4);
  }

  protected load(at: number): number {
    return Atomics.load(this.ints, at);
  }

  protected cellOf(ticket: number): number {
    return HEADER_INTS + (ticket & (RING_TASKS - 1)) * CELL_INTS;
  }

  protected bytesOf(ticket: number): Buffer {
    return Buffer.from(this.memory, BYTES_AT + (ticket & (RING_TASKS - 1)) * RESULT_BYTES, RESULT_BYTES);
  }
}

/** The side that gives. */
export class TaskGiver extends Ring {
  /** The oldest task that is not settled. */
  #oldest: number;
  #next: number;

  /** From 1 on, for a cell that was never used says 0; other beginnings are for tests. */
  constructor(firstTicket = 1) {
    super(new SharedArrayBuffer(BYTES_AT + RING_TASKS * RESULT_BYTES));
    this.#oldest = firstTicket;
    this.#next = firstTicket;
    for (const counter of COUNTERS) Atomics.store(this.ints, counter, firstTicket);
  }

  give({ kind, at, length }: Task): void {
    const ticket = this.#next;
    assert(difference(ticket, this.#oldest) < RING_TASKS, 'no more tasks are given than there are cells');
    const cell = this.cellOf(ticket);
    this.ints[cell + KIND] = kind;
    this.ints[cell + AT] = at;
    this.ints[cell + LENGTH] = length;
    this.#next = (ticket + 1) | 0;
    Atomics.store(this.ints, GIVEN, this.#next);
    Atomics.notify(this.ints, GIVEN);
  }

  /** Resolves when half of what is given is done, or `wake` was called. */
  async waitForSome(): Promise<void> {
    const woken = this.load(WOKEN);
    const done = this.load(DONE);
    const leftCount = difference(this.#next, done);
    if (leftCount === 0) return;
    const wanted = (done + Math.ceil(leftCount / 2)) | 0;
    Atomics.store(this.ints, WANTED, wanted);
    // Whoever came to `wanted` before it was there wakes nobody.
    if (difference(this.load(DONE), wanted) >= 0) return;
    await Atomics.waitAsync(this.ints, WOKEN, woken).value;
  }

  wake(): void {
    Atomics.add(this.ints, WOKEN, 1);
    Atomics.notify(this.ints, WOKEN);
  }

  /** What the oldest task has come to, and what it left: valid until the next is given. Undefined when it is not done. */
  settle(): (TaskResult & { bytes: Buffer }) | undefined {
    const ticket = this.#oldest;
    const cell = this.cellOf(ticket);
    if (this.load(cell + FINISHED) !== ticket) return undefined;
    this.#oldest = (ticket + 1) | 0;
    const [first = 0, second = 0] = this.ints.subarray(cell + FIRST);
    return { first, second, bytes: this.bytesOf(ticket) };
  }
}

/** The side that does. */
export class TaskTaker extends Ring {
  /** Takes the next task, waits until there is one, and does it. */
  doNext(act: (task: Task, bytes: Buffer) => TaskResult): void {
    const ticket = Atomics.add(this.ints, TAKEN, 1);
    for (let given = this.load(GIVEN); difference(given, ticket) <= 0; given = this.load(GIVEN)) {
      Atomics.wait(this.ints, GIVEN, given);
    }
    const cell = this.cellOf(ticket);
    const [kind = 0, at = 0, length = 0] = this.ints.subarray(cell + KIND);
    const { first, second } = act({ kind, at, length }, this.bytesOf(ticket));
    this.ints[cell + FIRST] = first;
    this.ints[cell + SECOND] = second;
    Atomics.store(this.ints, cell + FINISHED, ticket);
    const done = (Atomics.add(this.ints, DONE, 1) + 1) | 0;
    if (done !== this.load(WANTED)) return;
    Atomics.add(this.ints, WOKEN, 1);
    Atomics.notify(this.ints, WOKEN);
  }
}

/** By how much the counter `a` is ahead of `b`. */
function difference(a: number, b: number): number {
  return (a - b) | 0;
}
