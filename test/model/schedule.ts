/**
 * A seeded scheduler: actors run one at a time, from one turn that they ask for to the next, in an order that follows from the
 * seed alone. An actor may be killed between turns (it never comes back), or stalled for long.
 */
import { setImmediate } from 'node:timers/promises';

/** Repeatable chance from a seed (mulberry32). */
export function chanceOf(seed: number): (limit: number) => number {
  let state = (seed + 0x9e3779b9) >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

export class Actor {
  isKilled = false;
  /** Turns of others that pass before it goes on. */
  stalledFor = 0;
  isDone = false;
  /** Whose process it is in: they die together. */
  readonly machine: number;
  readonly name: string;
  readonly #schedule: Schedule;

  constructor(schedule: Schedule, machine: number, name: string) {
    this.#schedule = schedule;
    this.machine = machine;
    this.name = name;
  }

  /** Resolves when it is its turn; never, once it is killed. */
  async turn(): Promise<void> {
    await this.#schedule.wait(this);
  }
}

export class Schedule {
  readonly #chance: (limit: number) => number;
  #waiting: { actor: Actor; go: () => void }[] = [];
  readonly #failures: unknown[] = [];
  turnCount = 0;

  constructor(chance: (limit: number) => number) {
    this.#chance = chance;
  }

  /** Starts an actor; what it throws fails the run, unless it is killed by then. */
  start(machine: number, name: string, work: (actor: Actor) => Promise<void>): Actor {
    const actor = new Actor(this, machine, name);
    const run = async (): Promise<void> => {
      await actor.turn();
      await work(actor);
    };
    run().then(
      () => (actor.isDone = true),
      (error: unknown) => {
        actor.isDone = true;
        if (!actor.isKilled) this.#failures.push(error);
      },
    );
    return actor;
  }

  async wait(actor: Actor): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (!actor.isKilled) this.#waiting.push({ actor, go: resolve });
    return promise;
  }

  kill(actor: Actor): void {
    actor.isKilled = true;
    this.#waiting = this.#waiting.filter((each) => each.actor !== actor);
  }

  /** Lets actors go on, `before` each turn, until none is waiting. Throws the first failure. */
  async run(before: () => void): Promise<void> {
    await setImmediate();
    while (this.#waiting.length > 0) {
      before();
      const ready = this.#waiting.filter(({ actor }) => actor.stalledFor-- <= 0);
      const next = ready[this.#chance(ready.length)];
      if (next !== undefined) {
        this.#waiting.splice(this.#waiting.indexOf(next), 1);
        this.turnCount++;
        next.go();
        await setImmediate();
      }
      if (this.#failures.length > 0) throw this.#failures[0];
    }
  }
}
