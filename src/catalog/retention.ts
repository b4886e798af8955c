/** What retention goes by: the snapshots that have an end, and what somebody must agree to before it is deleted. */
import { sql } from 'kysely';
import type { SnapshotUsage } from '../ecs/resources.ts';
import type { Queries, Schema, SnapshotRow } from './schema.ts';

/** Snapshots of a disk are planned together, and apart from them the copies of another region's disk. */
export interface RetentionSubject {
  diskId: string;
  /** Of copies. */
  sourceRegionId: string | null;
}

/** Disks whose snapshots, or copies, have an end, in order, after `after`. */
export async function listRetentionDisks(queries: Queries, after: string, limit: number): Promise<string[]> {
  const { rows } = await sql<{ source_disk_id: string }>`SELECT DISTINCT source_disk_id FROM snapshots
    WHERE (retention_days IS NOT NULL OR automatic = 1) AND source_disk_id > ${after}
    ORDER BY source_disk_id LIMIT ${limit}`.execute(queries);
  return rows.map((row) => row.source_disk_id);
}

/** What of the disk may have something to lose by `nowMs`. `offsetMs`: by how much the clock is before that time. */
export async function listRetentionSubjects(
  queries: Queries,
  diskId: string,
  { nowMs, offsetMs }: { nowMs: number; offsetMs: number },
): Promise<RetentionSubject[]> {
  const { rows } = await sql<{ region: string | null }>`SELECT DISTINCT source_region_id AS region FROM snapshots
    WHERE source_disk_id = ${diskId} AND (retention_days IS NOT NULL OR automatic = 1) AND frozen = 1
      AND undo_until_ms IS NULL AND status <> 'progressing' AND (retention_days IS NULL
        OR coalesce(kept_since_ms, created_at_ms - ${offsetMs}) + retention_days * 86400000 <= ${nowMs})`.execute(
    queries,
  );
  return rows.map(({ region }) => ({ diskId, sourceRegionId: region }));
}

/** Those that are in lists. */
export async function listSnapshotsOfSubject(
  queries: Queries,
  { diskId, sourceRegionId }: RetentionSubject,
): Promise<(SnapshotRow & { usage: SnapshotUsage })[]> {
  let query = queries
    .selectFrom('snapshots')
    .selectAll()
    .where('source_disk_id', '=', diskId)
    .where('frozen', '=', 1)
    .where('undo_until_ms', 'is', null);
  query =
    sourceRegionId === null
      ? query.where('source_region_id', 'is', null)
      : query.where('source_region_id', '=', sourceRegionId);
  return await query.orderBy('created_at_ms').orderBy('snapshot_id').execute();
}

export async function findHold(queries: Queries, subjectId: string): Promise<Schema['retention_holds'] | undefined> {
  return await queries.selectFrom('retention_holds').selectAll().where('subject_id', '=', subjectId).executeTakeFirst();
}

export async function putHold(queries: Queries, row: Schema['retention_holds']): Promise<void> {
  const { subject_id: _key, ...values } = row;
  await queries
    .insertInto('retention_holds')
    .values(row)
    .onConflict((conflict) => conflict.column('subject_id').doUpdateSet(values))
    .execute();
}

export async function deleteHold(queries: Queries, subjectId: string): Promise<void> {
  await queries.deleteFrom('retention_holds').where('subject_id', '=', subjectId).execute();
}

/** What policies said of snapshots that are gone for good, and which disks they were applied to. */
export async function forgetGone(queries: Queries): Promise<void> {
  await queries
    .deleteFrom('policy_snapshots')
    .where('snapshot_id', 'not in', queries.selectFrom('snapshots').select('snapshot_id'))
    .where('snapshot_id', 'not in', queries.selectFrom('recycle_bin').select('resource_id'))
    .execute();
  await queries
    .deleteFrom('policy_disks')
    .where('disk_id', 'not in', queries.selectFrom('disks').select('disk_id'))
    .where('disk_id', 'not in', queries.selectFrom('recycle_bin').select('resource_id'))
    .execute();
}
