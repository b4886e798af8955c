/** Locks of snapshots (`ecs-api.md` 2.1 LockSnapshot): what a lock is at a moment, and how it may be changed. Pure. */
import type { SnapshotLock, SnapshotLockStatus } from './resources.ts';
import { refusal } from './states.ts';
import type { Refusal, SnapshotFacts } from './states.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const COOL_OFF_HOURS_LIMIT = 72;
export const LOCK_DAYS_LIMIT = 36_500;

export interface LockRequest {
  lockDays: number;
  /** It begins with the lock, and is part of it. */
  coolOffHours: number;
}

/** A lock that has not begun to run out, for its snapshot is not accomplished, ends at no time that is known. */
export function lockStatus(
  lock: Pick<SnapshotLock, 'coolOffUntilMs' | 'expiresAtMs'>,
  nowMs: number,
): SnapshotLockStatus {
  if (lock.coolOffUntilMs > nowMs) return 'compliance-cooloff';
  return lock.expiresAtMs !== null && lock.expiresAtMs <= nowMs ? 'expired' : 'compliance';
}

/** `retainedUntilMs`: when the snapshot would go by itself; null: never. */
export function refuseLock(
  { coolOffHours, lockDays }: LockRequest,
  facts: { snapshot: SnapshotFacts; lock: SnapshotLock | null; retainedUntilMs: number | null; nowMs: number },
): Refusal | null {
  const { snapshot, lock, retainedUntilMs, nowMs } = facts;
  const { snapshotId } = snapshot;
  if (snapshot.status === 'failed') {
    return refusal('InvalidOperation.SnapshotNotAvailable', `The snapshot ${snapshotId} failed: it cannot be locked.`);
  }
  const isFirm = lock !== null && lockStatus(lock, nowMs) === 'compliance';
  if (isFirm && (coolOffHours > 0 || lockDays <= lock.lockDays)) {
    return refusal(
      'InvalidOperation.CoolOffPeriodExpired',
      `The cool-off period of the lock of ${snapshotId} is over: it can only be made longer than ${lock.lockDays} days, with CoolOffPeriod=0.`,
    );
  }
  if (coolOffHours * HOUR_MS > lockDays * DAY_MS) {
    return refusal(
      'InvalidCoolOffPeriod.ExceedLockDuration',
      `A CoolOffPeriod of ${coolOffHours} hours is longer than a LockDuration of ${lockDays} days: it is part of that.`,
    );
  }
  const startedAtMs = (isFirm ? lock.startedAtMs : null) ?? nowMs;
  if (retainedUntilMs === null || startedAtMs + lockDays * DAY_MS <= retainedUntilMs) return null;
  return refusal(
    'InvalidLockDuration.ExceedRetentionDays',
    `A LockDuration of ${lockDays} days ends after the retention of ${snapshotId}: lengthen that first (ModifySnapshotAttribute), or lock it for less.`,
  );
}

/** What becomes of the lock by a request that was not refused; in its cool-off it is as if there had been none. */
export function planLock(
  { coolOffHours, lockDays }: LockRequest,
  facts: { snapshot: SnapshotFacts; lock: SnapshotLock | null; nowMs: number },
): SnapshotLock {
  const { snapshot, lock, nowMs } = facts;
  if (lock !== null && lockStatus(lock, nowMs) === 'compliance')
    return startLock({ ...lock, lockDays }, lock.startedAtMs);
  const { snapshotId, status } = snapshot;
  const coolOffUntilMs = nowMs + coolOffHours * HOUR_MS;
  const fresh = { snapshotId, lockDays, coolOffHours, createdAtMs: nowMs, coolOffUntilMs };
  return startLock(fresh, status === 'accomplished' ? nowMs : null);
}

/** The duration counts from then on; null: from a moment still to come. */
export function startLock(
  lock: Omit<SnapshotLock, 'startedAtMs' | 'expiresAtMs'>,
  startedAtMs: number | null,
): SnapshotLock {
  return { ...lock, startedAtMs, expiresAtMs: startedAtMs === null ? null : startedAtMs + lock.lockDays * DAY_MS };
}

export function refuseUnlock(snapshotId: string, lock: SnapshotLock | null, nowMs: number): Refusal | null {
  if (lock === null) {
    return refusal('InvalidSnapshotLock.NotFound', `The snapshot ${snapshotId} is not locked.`);
  }
  if (lockStatus(lock, nowMs) === 'compliance-cooloff') return null;
  return refusal(
    'InvalidOperation.CoolOffPeriodExpired',
    `The cool-off period of the lock of ${snapshotId} is over: nobody can take the lock away, it ends by itself.`,
  );
}

/** In its cool-off, too, a lock holds: it must be taken away first. */
export function refuseDeleteLocked(lock: SnapshotLock | null, nowMs: number): Refusal | null {
  const status = lock === null ? 'expired' : lockStatus(lock, nowMs);
  if (lock === null || status === 'expired') return null;
  const advice =
    status === 'compliance'
      ? 'nobody can delete it before the lock ends (DescribeLockedSnapshots says when)'
      : 'its cool-off period is not over, so UnlockSnapshot helps';
  return refusal('InvalidOperation.SnapshotLocked', `The snapshot ${lock.snapshotId} is locked: ${advice}.`);
}
