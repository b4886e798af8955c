/** A lock as LockSnapshot and DescribeLockedSnapshots show it (`ecs-api.md` 2.1). */
import type { ShownLock } from '../../control/snapshot-locks.ts';
import { formatSecond } from '../../ecs/times.ts';

/** While its snapshot is not accomplished nobody knows when it begins to run out, and ends: these are blank. */
export function renderLock(lock: ShownLock): object {
  const { startedAtMs, expiresAtMs } = lock;
  return {
    SnapshotId: lock.snapshotId,
    LockMode: 'compliance',
    LockStatus: lock.status,
    LockDuration: lock.lockDays,
    CoolOffPeriod: lock.coolOffHours,
    LockCreationTime: formatSecond(lock.createdAtMs),
    CoolOffPeriodExpiredTime: formatSecond(lock.coolOffUntilMs),
    LockDurationStartTime: startedAtMs === null ? '' : formatSecond(startedAtMs),
    LockExpiredTime: expiresAtMs === null ? '' : formatSecond(expiresAtMs),
  };
}
