/** A worker that copies a tree between repositories, at low rank, and ends; at once when its channel closes. */
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { copyTree } from './copy.ts';
import type { CopyJob, CopyResult } from './job.ts';
import { Courtesy } from './step-back.ts';
import { runOneJob } from './worker-channel.ts';

/** Returns the exit code. */
export async function runCopyWorker(): Promise<number> {
  return await runOneJob<CopyResult>('copy', async (job, onProgress) => {
    const courtesy = new Courtesy(systemClock);
    const pace = (bytes: number) => courtesy.pace(bytes);
    return await copyTree(job as CopyJob, { clock: systemClock, random: systemRandom, onProgress, pace });
  });
}
