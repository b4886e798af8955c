/** How the making of a snapshot ends, by whatever operation: its row, and the lock that it may have. */
import type { Updateable } from 'kysely';
import type { Queries, SnapshotRow } from '../catalog/schema.ts';
import { deleteLock } from '../catalog/snapshot-locks.ts';
import { findSnapshot, updateSnapshot } from '../catalog/snapshots.ts';
import { toPublicReason } from './failure-reason.ts';
import { raiseGarbageMark } from './garbage.ts';
import type { Parts } from './parts.ts';
import { startLockOf } from './snapshot-locks.ts';

/** One that failed or was deleted meanwhile stays so: what was stored of it is garbage, unless something stands on it. */
export async function accomplishSnapshot(
  parts: Parts,
  transaction: Queries,
  snapshotId: string,
  more: Updateable<SnapshotRow> = {},
): Promise<void> {
  const row = await findSnapshot(transaction, snapshotId);
  if (row?.status !== 'progressing') {
    await raiseGarbageMark(transaction);
    return;
  }
  await updateSnapshot(transaction, snapshotId, {
    ...more,
    status: 'accomplished',
    progress_percent: 100,
    remaining_seconds: 0,
    modified_at_ms: parts.clock.nowMs(),
  });
  await startLockOf(transaction, snapshotId, parts.lockClock.nowMs());
}

/** Its lock goes with what it was to keep. */
export async function failSnapshot(
  parts: Parts,
  transaction: Queries,
  snapshotId: string,
  reason: string,
): Promise<void> {
  await updateSnapshot(transaction, snapshotId, {
    status: 'failed',
    frozen: 1,
    tree: null,
    failure_reason: toPublicReason(reason, parts.dataFolder),
    remaining_seconds: 0,
    modified_at_ms: parts.clock.nowMs(),
  });
  await deleteLock(transaction, snapshotId);
}
