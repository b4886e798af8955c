/** What may be copied (`ecs-api.md` 2.1 CopySnapshot), as pure functions: a refusal says why not, null that nothing is wrong. */
import type { SnapshotCategory } from './resources.ts';
import { refusal, refuseUnfinished } from './states.ts';
import type { Refusal, SnapshotFacts } from './states.ts';

export function refuseCopySnapshot(
  snapshot: SnapshotFacts & { category: SnapshotCategory; isForUndo: boolean },
): Refusal | null {
  if (snapshot.isForUndo) {
    return refusal(
      'InvalidSnapshotCategory.NotSupportCopy',
      `The snapshot ${snapshot.snapshotId} is only kept for undoing a rollback, and may go at any time: make a disk of it and take a snapshot of that, or undo the rollback.`,
    );
  }
  if (snapshot.category === 'archive') {
    return refusal(
      'InvalidSnapshotCategory.NotSupportCopy',
      `The snapshot ${snapshot.snapshotId} is archived, and archived snapshots cannot be copied: bring it back first (ModifySnapshotCategory with Category=Standard).`,
    );
  }
  return refuseUnfinished(snapshot, 'InvalidSnapshotId.NotReady');
}

/** A snapshot that is read by copies stays until they are made. */
export function refuseDeleteCopied(snapshotId: string, copyId: string | null): Refusal | null {
  if (copyId === null) return null;
  return refusal(
    'InvalidOperation.RelatedSnapshotNotFinished',
    `The snapshot ${snapshotId} is being copied to ${copyId}: wait until that is accomplished, or delete the copy.`,
  );
}
