/**
 * ModifySnapshotCategory (`ecs-api.md` 2.1): which snapshots can be archived, and brought back, as pure functions: why not, or
 * null. An archived one makes disks and images and rolls back as before, as ECS's page "Archive snapshots" has it; it alone
 * cannot be copied.
 */
import type { SnapshotCategory } from './resources.ts';
import { refusal } from './states.ts';
import type { Refusal, SnapshotFacts } from './states.ts';

const DAY_MS = 24 * 3_600_000;
export const LEAST_AGE_DAYS = 14;

export function refuseModifyCategory(facts: {
  snapshot: SnapshotFacts;
  category: SnapshotCategory;
  wanted: SnapshotCategory;
  ageMs: number;
}): Refusal | null {
  const { snapshot, category, wanted, ageMs } = facts;
  const what = `The snapshot ${snapshot.snapshotId}`;
  if (snapshot.status === 'progressing') {
    return refusal('InvalidStatus.SnapshotUnfinished', `${what} is not accomplished yet: wait for it.`);
  }
  if (snapshot.status === 'failed') {
    return refusal('InvalidSnapshotId.NotReady', `${what} failed, so it holds nothing to keep.`);
  }
  if (wanted === 'standard') {
    if (category === 'archive') return null;
    return refusal(
      'InvalidParameter.SnapshotCategory',
      `${what} is standard already: only an archived one can become it.`,
    );
  }
  if (category === 'archive') return refusal('InvalidStatus.SnapshotInArchive', `${what} is archived already.`);
  if (ageMs >= LEAST_AGE_DAYS * DAY_MS) return null;
  const age = Math.max(0, Math.floor(ageMs / DAY_MS));
  return refusal(
    'InvalidStatus.SnapshotAgeLimit',
    `${what} is ${age} days old: it can be archived when it is ${LEAST_AGE_DAYS}.`,
  );
}
