/** An upload's progress, written to the snapshot's row at most once a second; it never fails the upload. */
import { messageOf } from '../lib/errors.ts';
import type { Parts } from './parts.ts';

const INTERVAL_MS = 1000;

export interface ProgressRecorder {
  report(doneBytes: number, totalBytes: number): void;
  /** Resolves when nothing is being written any more. */
  settled(): Promise<void>;
}

/** Percent stays at 99 until the snapshot is accomplished; the time that remains is estimated from the rate so far. */
export function createProgressRecorder(parts: Parts, snapshotId: string): ProgressRecorder {
  const startedMs = parts.clock.monotonicMs();
  let writtenMs = startedMs;
  let writing: Promise<void> = Promise.resolve();
  return {
    report: (doneBytes, totalBytes) => {
      const nowMs = parts.clock.monotonicMs();
      if (nowMs - writtenMs < INTERVAL_MS) return;
      writtenMs = nowMs;
      const estimate = estimateProgress(doneBytes, totalBytes, nowMs - startedMs);
      writing = writing.then(() => write(parts, snapshotId, estimate));
    },
    settled: () => writing,
  };
}

/** Whole percent up to 99, and whole seconds. */
export function estimateProgress(
  doneBytes: number,
  totalBytes: number,
  elapsedMs: number,
): { percent: number; remainingSeconds: number } {
  const share = totalBytes > 0 ? Math.min(1, doneBytes / totalBytes) : 1;
  const remainingMs = share > 0 ? (elapsedMs / share) * (1 - share) : 0;
  return { percent: Math.min(99, Math.floor(share * 100)), remainingSeconds: Math.ceil(remainingMs / 1000) };
}

async function write(
  parts: Parts,
  snapshotId: string,
  estimate: { percent: number; remainingSeconds: number },
): Promise<void> {
  try {
    await parts.catalog.queries
      .updateTable('snapshots')
      .set({
        progress_percent: estimate.percent,
        remaining_seconds: estimate.remainingSeconds,
        modified_at_ms: parts.clock.nowMs(),
      })
      .where('snapshot_id', '=', snapshotId)
      .where('status', '=', 'progressing')
      .execute();
  } catch (error) {
    parts.log.warn(`the progress of ${snapshotId} could not be written: ${messageOf(error)}`);
  }
}
