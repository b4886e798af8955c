/** LockSnapshot, UnlockSnapshot and DescribeLockedSnapshots as requests, and what locks keep from being deleted. */
import { deleteLock, findLock, listLocks, putLock } from '../catalog/snapshot-locks.ts';
import type { Queries, SnapshotRow } from '../catalog/schema.ts';
import {
  DAY_MS,
  lockStatus,
  planLock,
  refuseDeleteLocked,
  refuseLock,
  refuseUnlock,
  startLock,
} from '../ecs/lock-rules.ts';
import type { Paging, SnapshotLockFilter } from '../ecs/list-filters.ts';
import type { Page, SnapshotLock, SnapshotLockStatus } from '../ecs/resources.ts';
import { RequestError } from '../lib/errors.ts';
import { change } from './change.ts';
import { findEarlierResult, rememberResult } from './client-token.ts';
import type { LockClock } from './lock-clock.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, LockSnapshotRequest } from './requests.ts';
import { assertAllowed, getSnapshot, snapshotFacts } from './rows.ts';

/** A lock with its state, and times as people's clocks have them. */
export interface ShownLock extends SnapshotLock {
  status: SnapshotLockStatus;
}

export async function lockSnapshot(
  parts: Parts,
  request: LockSnapshotRequest,
  options: ChangeOptions,
): Promise<ShownLock> {
  const { lockClock } = parts;
  const { snapshotId } = request;
  const lock = await change(parts, options, async (transaction) => {
    const earlier = await findEarlierResult<SnapshotLock>(transaction, options.idempotency);
    if (earlier !== null) return earlier;
    const row = await getSnapshot(transaction, snapshotId);
    const facts = {
      snapshot: snapshotFacts(row),
      lock: await findLock(transaction, snapshotId),
      retainedUntilMs: retainedUntil(row, lockClock),
      nowMs: lockClock.nowMs(),
    };
    assertAllowed(refuseLock(request, facts));
    const planned = planLock(request, facts);
    await putLock(transaction, planned);
    await lockClock.save(transaction);
    await rememberResult(transaction, options.idempotency, planned, parts.clock.nowMs());
    return planned;
  });
  parts.onStored?.();
  return show(lock, lockClock);
}

export async function unlockSnapshot(
  parts: Parts,
  { snapshotId }: { snapshotId: string },
  options: ChangeOptions,
): Promise<void> {
  const { lockClock } = parts;
  await change(parts, options, async (transaction) => {
    if ((await findEarlierResult(transaction, options.idempotency)) !== null) return;
    await getSnapshot(transaction, snapshotId);
    assertAllowed(refuseUnlock(snapshotId, await findLock(transaction, snapshotId), lockClock.nowMs()));
    await deleteLock(transaction, snapshotId);
    await rememberResult(transaction, options.idempotency, {}, parts.clock.nowMs());
  });
}

export async function listShownLocks(
  { catalog, lockClock }: Parts,
  filter: SnapshotLockFilter,
  paging: Paging,
): Promise<Page<ShownLock>> {
  const { snapshotIds } = filter;
  const page = await listLocks(catalog.queries, { ...filter, nowMs: lockClock.nowMs() }, paging);
  if (page.items.length === 0 && snapshotIds !== undefined && paging.nextToken === null) {
    await assertAnyLocked(catalog.queries, snapshotIds);
  }
  return { ...page, items: page.items.map((lock) => show(lock, lockClock)) };
}

async function assertAnyLocked(queries: Queries, snapshotIds: readonly string[]): Promise<void> {
  for (const snapshotId of snapshotIds) if ((await findLock(queries, snapshotId)) !== null) return;
  throw new RequestError(
    'InvalidSnapshotLock.NotFound',
    `None of the specified snapshots is locked: ${snapshotIds.slice(0, 3).join(', ')}.`,
  );
}

/**
 * For whoever deletes the snapshot, in the transaction that does: throws while a lock holds it (in both of its phases), and
 * forgets one that has expired. Without it the database refuses.
 */
export async function releaseLock({ lockClock }: Parts, transaction: Queries, snapshotId: string): Promise<void> {
  const lock = await findLock(transaction, snapshotId);
  if (lock === null) return;
  assertAllowed(refuseDeleteLocked(lock, lockClock.nowMs()));
  await deleteLock(transaction, snapshotId);
}

/** The snapshot is accomplished: its lock begins to run out. */
export async function startLockOf(transaction: Queries, snapshotId: string, nowMs: number): Promise<void> {
  const lock = await findLock(transaction, snapshotId);
  if (lock !== null && lock.startedAtMs === null) await putLock(transaction, startLock(lock, nowMs));
}

/** As a moment of the locks' time. */
function retainedUntil({ created_at_ms: createdAtMs, retention_days: days }: SnapshotRow, lockClock: LockClock) {
  return days === null ? null : createdAtMs - lockClock.toClock(0) + days * DAY_MS;
}

function show(lock: SnapshotLock, lockClock: LockClock): ShownLock {
  const shown = (atMs: number) => lockClock.toClock(atMs);
  return {
    ...lock,
    status: lockStatus(lock, lockClock.nowMs()),
    createdAtMs: shown(lock.createdAtMs),
    coolOffUntilMs: shown(lock.coolOffUntilMs),
    startedAtMs: lock.startedAtMs === null ? null : shown(lock.startedAtMs),
    expiresAtMs: lock.expiresAtMs === null ? null : shown(lock.expiresAtMs),
  };
}
