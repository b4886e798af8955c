/** The engine against a model: a disk is a byte array, a snapshot a copy of it. */
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { steps } from './disk-steps.ts';
import type { WorldShape } from './disk-world.ts';
import { SLACK_SLOTS, World } from './disk-world.ts';

/** A small disk that grows; one of several map pages; one of more than a group of them. Pages are forgotten all the time. */
const shapes = fc.constantFrom(
  { chunkCount: 6, spots: [0, 1, 2, 3, 4, 5, 6, 7, 8] },
  { chunkCount: 700, spots: [0, 1, 254, 255, 256, 511, 699, 700, 701] },
  { chunkCount: 66_000, spots: [0, 1, 2, 255, 256, 65_535, 65_536, 65_999, 66_000] },
);

const world = fc.record({
  shape: shapes,
  base: fc.option(fc.nat(5)),
  pageLimit: fc.constantFrom(1, 2, 30_000),
  isSlow: fc.boolean(),
});

async function run(shape: WorldShape, plan: { run: (world: World) => Promise<void> }[]): Promise<void> {
  const made = await World.create(shape);
  let turns = 0;
  made.first.real.machine.readGate = async () => {
    for (let left = ++turns % 5; left > 0; left--) await setImmediate();
  };
  for (const { run: act } of plan) await act(made);
  for (const { real } of made.disks) real.check();
  for (const disk of made.disks) await disk.check();
  await made.rebase();
  for (const disk of made.disks) await finish(made, disk);
}

async function finish(made: World, disk: World['first']): Promise<void> {
  for (const view of disk.views) made.release(disk, view, true);
  await disk.checkSpace(SLACK_SLOTS);
  await disk.check();
  await disk.real.finish();
}

test('disks do what byte arrays do, and frozen views what copies of them do', async () => {
  const runs = fc.asyncProperty(world, steps, ({ shape, ...rest }, plan) => run({ ...shape, ...rest }, plan));
  await fc.assert(runs, { numRuns: Number(process.env['HUPO_RUNS'] ?? 100) });
});
