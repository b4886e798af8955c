/** A worker that rewrites packs for the collector (`repository/rewrite.ts`) and ends; at once when its channel closes. */
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { rewritePacks } from '../repository/rewrite.ts';
import type { RewriteJob, RewriteResult } from '../repository/rewrite.ts';
import { openStores } from '../repository/stores.ts';
import type { RepositoryPlace } from '../repository/stores.ts';
import { Courtesy } from './step-back.ts';
import { runOneJob } from './worker-channel.ts';

export interface RewriteOrder {
  repository: RepositoryPlace;
  job: RewriteJob;
}

/** Returns the exit code. */
export async function runRewriteWorker(): Promise<number> {
  return await runOneJob<RewriteResult>('rewrite', async (order) => {
    const { repository, job } = order as RewriteOrder;
    const stores = await openStores(repository);
    const courtesy = new Courtesy(systemClock);
    try {
      return await rewritePacks(stores, job, { random: systemRandom, pace: (bytes) => courtesy.pace(bytes) });
    } finally {
      stores.index.close();
    }
  });
}
