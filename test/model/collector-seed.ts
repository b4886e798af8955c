/** One schedule of `collector-schedule.test.ts`. */
import { CollectorWorld } from './collector-world.ts';
import type { RunSeed } from '../support/seed-threads.ts';

export const runSeed: RunSeed = async (seed) => {
  const world = new CollectorWorld(seed);
  await world.run({ uploaders: 3, uploads: 4 });
  world.close();
  return world.events;
};
