/**
 * Locks of instances in the catalog: of each instance one a reason. They go with it. While the account is in arrears, each instance
 * that is PostPaid is under a `financial` lock besides, without a row.
 */
import { sql } from 'kysely';
import type { LockReason } from '../ecs/operation-locks.ts';
import { isInArrears } from './account-lock.ts';
import { atLeastOne } from './disks.ts';
import type { InstanceLockRow, Queries } from './schema.ts';

/** In the place of one for the same reason. */
export async function putInstanceLock(queries: Queries, row: InstanceLockRow): Promise<void> {
  const { release_at_ms: releaseAtMs } = row;
  await queries
    .insertInto('instance_locks')
    .values(row)
    .onConflict((conflict) => conflict.columns(['instance_id', 'reason']).doUpdateSet({ release_at_ms: releaseAtMs }))
    .execute();
}

/** `reason` null: all. Absent: nothing. */
export async function deleteInstanceLocks(
  queries: Queries,
  instanceId: string,
  reason: LockReason | null = null,
): Promise<void> {
  const found = queries.deleteFrom('instance_locks').where('instance_id', '=', instanceId);
  await (reason === null ? found : found.where('reason', '=', reason)).execute();
}

/** The reasons for which each of them is locked; those that are not are absent. */
export async function listInstanceLocks(
  queries: Queries,
  instanceIds: readonly string[],
): Promise<Map<string, LockReason[]>> {
  const ids = atLeastOne([...instanceIds]);
  const rows = await queries
    .selectFrom('instance_locks')
    .select(['instance_id', 'reason'])
    .where('instance_id', 'in', ids)
    .union(
      queries
        .selectFrom('instances')
        .select(['instance_id', sql<LockReason>`'financial'`.as('reason')])
        .where('instance_id', 'in', ids)
        .where('expires_at_ms', 'is', null)
        .where(isInArrears),
    )
    .orderBy('reason')
    .execute();
  return new Map(
    [...Map.groupBy(rows, (row) => row.instance_id)].map(([id, locks]) => [id, locks.map(({ reason }) => reason)]),
  );
}

/** Instances that are to be released by then. */
export async function listDueReleases(queries: Queries, untilMs: number): Promise<string[]> {
  const due = queries.selectFrom('instance_locks').select('instance_id').where('release_at_ms', '<=', untilMs);
  return (await due.distinct().orderBy('instance_id').execute()).map((row) => row.instance_id);
}

/** The reasons for which it is to be released by then; none: it is not. */
export async function listDueReasons(queries: Queries, instanceId: string, untilMs: number): Promise<LockReason[]> {
  const due = queries.selectFrom('instance_locks').select('reason').where('instance_id', '=', instanceId);
  return (await due.where('release_at_ms', '<=', untilMs).execute()).map((row) => row.reason);
}

/** The instance is locked for that reason; of a disk, the one that it is attached to. */
export function isLockedFor(reason: string) {
  const locked = sql`instance_id IN (SELECT instance_id FROM instance_locks WHERE reason = ${reason})`;
  if (reason !== 'financial') return sql<boolean>`${locked}`;
  const isPostPaid = sql`instance_id IN (SELECT instance_id FROM instances WHERE expires_at_ms IS NULL)`;
  return sql<boolean>`(${locked} OR (${isInArrears} AND ${isPostPaid}))`;
}

/** When each of them is released, the earliest; those that are not are absent. */
export async function listReleaseTimes(queries: Queries, instanceIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await queries
    .selectFrom('instance_locks')
    .select(({ fn }) => ['instance_id', fn.min('release_at_ms').as('at_ms')])
    .where('instance_id', 'in', atLeastOne([...instanceIds]))
    .where('release_at_ms', 'is not', null)
    .groupBy('instance_id')
    .execute();
  return new Map(rows.flatMap(({ instance_id: id, at_ms: atMs }) => (atMs === null ? [] : [[id, atMs] as const])));
}
