/** Lets a server die at each of its acts in turn, and the next one finish or undo what it left. */
import type { Clock } from '../../src/lib/clock.ts';
import { CrashPoint } from './crash-point.ts';
import { World } from './world.ts';

export interface Scenario<T> {
  prepare: (world: World) => Promise<T>;
  /** What the server is asked before it dies; it may answer or not. */
  act: (world: World, prepared: T) => Promise<unknown>;
  /** No upload ends before `act` has, or the server is dead. */
  holdsUploads?: true;
  /** Of each world; absent: one that runs fast. */
  createClock?: () => Clock;
  /** Until what goes on by itself, without being asked, is over. */
  finish?: (world: World, prepared: T) => Promise<void>;
  verify: (world: World, prepared: T) => Promise<void>;
}

/** Runs the scenario with a death at each act until none is left; how many there were. */
export async function dieEverywhere<T>(scenario: Scenario<T>): Promise<number> {
  for (let at = 1; ; at++) {
    for (const after of [false, true]) {
      const world = await World.create(scenario.createClock?.() ?? 200);
      try {
        const prepared = await scenario.prepare(world);
        await world.settle();
        const holdsUploads = scenario.holdsUploads === true;
        const died = await dieAt(world, { at, after, holdsUploads }, () => scenario.act(world, prepared));
        await world.restart();
        await scenario.finish?.(world, prepared);
        await world.settle();
        await world.checkSettled();
        await scenario.verify(world, prepared);
        if (!died) return at - 1;
      } catch (error) {
        throw new Error(`the server died ${after ? 'after' : 'before'} act ${at}`, { cause: error });
      } finally {
        await world.end();
      }
    }
  }
}

/** Asks a server that dies at its `at`-th act; false when it lived to the end. */
async function dieAt(
  world: World,
  death: { at: number; after: boolean; holdsUploads: boolean },
  act: () => Promise<unknown>,
): Promise<boolean> {
  const crash = new CrashPoint(death.at, death.after);
  await world.restart(crash);
  const held = death.holdsUploads ? world.holdUploads() : null;
  crash.arm();
  const answered = act()
    .catch(() => undefined)
    .then(() => held?.release());
  const settled = answered.then(() => world.settle()).catch(() => undefined);
  await Promise.race([crash.died.promise, settled]);
  held?.release();
  return crash.dead;
}
