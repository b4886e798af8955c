/** Locks of snapshots in the catalog, one a snapshot. An expired one stays until its snapshot is deleted, or locked again. */
import { sql } from 'kysely';
import type { Paging, SnapshotLockFilter } from '../ecs/list-filters.ts';
import type { Page, SnapshotLock } from '../ecs/resources.ts';
import { atLeastOne } from './disks.ts';
import { startOf, toPage } from './paging.ts';
import type { Queries, SnapshotLockRow } from './schema.ts';

export async function findLock(queries: Queries, snapshotId: string): Promise<SnapshotLock | null> {
  const row = await queries
    .selectFrom('snapshot_locks')
    .selectAll()
    .where('snapshot_id', '=', snapshotId)
    .executeTakeFirst();
  return row === undefined ? null : toLock(row);
}

/** In the place of the one that it had. */
export async function putLock(queries: Queries, lock: SnapshotLock): Promise<void> {
  const { snapshot_id, ...rest } = toRow(lock);
  await queries
    .insertInto('snapshot_locks')
    .values({ snapshot_id, ...rest })
    .onConflict((conflict) => conflict.column('snapshot_id').doUpdateSet(rest))
    .execute();
}

/** Absent: nothing. */
export async function deleteLock(queries: Queries, snapshotId: string): Promise<void> {
  await queries.deleteFrom('snapshot_locks').where('snapshot_id', '=', snapshotId).execute();
}

/** Newest first. `nowMs`: of the locks' clock. */
export async function listLocks(
  queries: Queries,
  filter: SnapshotLockFilter & { nowMs: number },
  paging: Paging,
): Promise<Page<SnapshotLock>> {
  const { after, offset } = startOf(paging);
  let query = selectLocks(queries, filter).selectAll().orderBy('created_at_ms', 'desc').orderBy('snapshot_id', 'desc');
  if (after !== null) {
    query = query.where(sql<boolean>`(created_at_ms, snapshot_id) < (${after.createdAtMs}, ${after.id})`);
  }
  const rows = await query
    .limit(paging.pageSize + 1)
    .offset(offset)
    .execute();
  const page = toPage(rows, paging, rows.length, (row) => ({ createdAtMs: row.created_at_ms, id: row.snapshot_id }));
  return { ...page, items: page.items.map(toLock) };
}

/** As `lockStatus` (`ecs/lock-rules.ts`) has it. */
function selectLocks(queries: Queries, { snapshotIds, status, nowMs }: SnapshotLockFilter & { nowMs: number }) {
  let query = queries.selectFrom('snapshot_locks');
  if (snapshotIds !== undefined) query = query.where('snapshot_id', 'in', atLeastOne(snapshotIds));
  if (status === 'compliance-cooloff') return query.where('cool_off_until_ms', '>', nowMs);
  if (status === 'expired') return query.where('cool_off_until_ms', '<=', nowMs).where('expires_at_ms', '<=', nowMs);
  if (status === undefined) return query;
  query = query.where('cool_off_until_ms', '<=', nowMs);
  return query.where((where) => where.or([where('expires_at_ms', 'is', null), where('expires_at_ms', '>', nowMs)]));
}

function toLock(row: SnapshotLockRow): SnapshotLock {
  return {
    snapshotId: row.snapshot_id,
    lockDays: row.lock_days,
    coolOffHours: row.cool_off_hours,
    createdAtMs: row.created_at_ms,
    coolOffUntilMs: row.cool_off_until_ms,
    startedAtMs: row.started_at_ms,
    expiresAtMs: row.expires_at_ms,
  };
}

function toRow(lock: SnapshotLock): SnapshotLockRow {
  return {
    snapshot_id: lock.snapshotId,
    lock_days: lock.lockDays,
    cool_off_hours: lock.coolOffHours,
    created_at_ms: lock.createdAtMs,
    cool_off_until_ms: lock.coolOffUntilMs,
    started_at_ms: lock.startedAtMs,
    expires_at_ms: lock.expiresAtMs,
  };
}
