/**
 * Runs seeds on all cores, in threads: the test runner's hooks on every promise take as long again as what a test of many
 * promises does, and they are not in threads.
 */
import { on, once } from 'node:events';
import os from 'node:os';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

/** How often each event happened. */
type Events = ReadonlyMap<string, number>;

/** What a module exports that runs one seed. It throws where something is wrong. */
export type RunSeed = (seed: number) => Promise<Events>;

interface SeedsJob {
  /** The URL of a module that exports `runSeed`. */
  module: string;
  firstSeed: number;
  seedCount: number;
}

/** A run that somebody ends has said how far it was. */
const TELL_SEEDS = 5000;

/** Throws what a seed has thrown, with how to run it alone. */
export async function runSeeds({ module, firstSeed, seedCount }: SeedsJob): Promise<Events> {
  const events = new Map<string, number>();
  const seeds = numbers(firstSeed, seedCount);
  let doneCount = 0;
  const runThread = async (): Promise<void> => {
    const worker = new Worker(new URL(import.meta.url), { workerData: module });
    try {
      for (const seed of seeds) {
        worker.postMessage(seed);
        const [counted] = (await once(worker, 'message').catch((cause: unknown) => {
          throw new Error(`HUPO_FIRST_SEED=${seed} HUPO_SEEDS=1`, { cause });
        })) as [Events];
        for (const [event, count] of counted) events.set(event, (events.get(event) ?? 0) + count);
        doneCount++;
        if (doneCount % TELL_SEEDS === 0) console.log(`${doneCount} of ${seedCount} seeds from ${firstSeed} on`);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(os.availableParallelism(), seedCount) }, runThread));
  return events;
}

/** One for all threads: each takes the next. */
function* numbers(first: number, count: number): Generator<number> {
  for (let number = first; number < first + count; number++) yield number;
}

if (!isMainThread && parentPort !== null) {
  const { runSeed } = (await import(workerData as string)) as { runSeed: RunSeed };
  for await (const [seed] of on(parentPort, 'message')) parentPort.postMessage(await runSeed(seed as number));
}
