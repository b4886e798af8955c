/** A worker that writes a tree of the repository to a raw file, at low rank, and ends; at once when its channel closes. */
import { OperationalError, errnoOf } from '../lib/errors.ts';
import { restoreToFile } from '../repository/restore.ts';
import type { RepositoryPlace } from '../repository/stores.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { runOneJob } from './worker-channel.ts';

export interface ExportJob {
  repository: RepositoryPlace;
  tree: TreeRef;
  sizeBytes: number;
  /** Must not exist. */
  file: string;
}

/** Returns the exit code. A file system that is full, or fails, is no reason to go on trying. */
export async function runExportWorker(): Promise<number> {
  return await runOneJob<object>('export', async (job, onProgress) => {
    try {
      await restoreToFile({ ...(job as ExportJob), onProgress });
      return {};
    } catch (error) {
      const isOfFile = error instanceof OperationalError && errnoOf(error.cause) !== undefined;
      throw isOfFile ? new OperationalError(error.message, { retryable: false, cause: error }) : error;
    }
  });
}
