/** Rewriting packs by a worker of low rank, so that it hurts neither guests nor the API. */
import type { RewriteResult, Rewriter } from '../repository/rewrite.ts';
import type { RepositoryPlace } from '../repository/stores.ts';
import type { RewriteOrder } from '../transfer/rewrite-worker.ts';
import type { Program } from './diskd-process.ts';
import { runWorker } from './worker-process.ts';

export function rewriterOf(program: Program, repository: RepositoryPlace, signal: AbortSignal): Rewriter {
  return async (job) => {
    const order: RewriteOrder = { repository, job };
    return await runWorker<RewriteResult>(program, 'rewrite', order, { signal, onProgress: () => undefined });
  };
}
