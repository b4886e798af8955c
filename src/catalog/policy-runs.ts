/**
 * What automatic snapshot policies did: a run is a slot of a policy, a target a disk with the one snapshot that all policies which
 * were due at once get of it.
 */
import type { Updateable } from 'kysely';
import type { PolicyRun, PolicyRunDisk } from '../ecs/auto-snapshot-policy.ts';
import type { Page } from '../ecs/resources.ts';
import type { Paging } from '../ecs/list-filters.ts';
import { startOf, toPage } from './paging.ts';
import type { PolicyTargetState, Queries, Schema, SnapshotRow } from './schema.ts';

/** So many runs of a policy are remembered: more hours than a clock that was set back may show again. */
const REMEMBERED_RUNS = 2500;
/** Of so many of them, what became of each disk. */
const REMEMBERED_TARGETS = 250;

type TargetRow = Omit<Schema['policy_targets'], 'target_id'> & { target_id: number };
export type TargetMember = Schema['policy_target_members'];
export type Target = TargetRow & { members: TargetMember[] };

/** The slots of the policy that have run, of those that are remembered. */
export async function listSlotsRun(queries: Queries, policyId: string): Promise<Set<number>> {
  const rows = await queries.selectFrom('policy_runs').select('slot_ms').where('policy_id', '=', policyId).execute();
  return new Set(rows.map((row) => row.slot_ms));
}

/** Its number. */
export async function insertRun(
  queries: Queries,
  row: { policy_id: string; slot_ms: number; begun_at_ms: number; missed_count: number },
): Promise<number> {
  const { run_id: runId } = await queries
    .insertInto('policy_runs')
    .values(row)
    .returning('run_id')
    .executeTakeFirstOrThrow();
  return runId;
}

export async function insertTarget(
  queries: Queries,
  target: { diskId: string; slotMs: number; begunAtMs: number },
  members: readonly Omit<TargetMember, 'target_id'>[],
): Promise<void> {
  const { target_id: targetId } = await queries
    .insertInto('policy_targets')
    .values({
      ...{ disk_id: target.diskId, slot_ms: target.slotMs, begun_at_ms: target.begunAtMs },
      ...{ state: 'pending', attempts: 0, snapshot_id: null, reason: null },
    })
    .returning('target_id')
    .executeTakeFirstOrThrow();
  for (const member of members) {
    await queries
      .insertInto('policy_target_members')
      .values({ ...member, target_id: targetId })
      .execute();
  }
}

/** Those in the state, in the order in which they were written down, with what they are for. */
export async function listTargets(queries: Queries, state: PolicyTargetState): Promise<Target[]> {
  const rows = await queries
    .selectFrom('policy_targets')
    .selectAll()
    .where('state', '=', state)
    .orderBy('target_id')
    .execute();
  const targets: Target[] = [];
  for (const row of rows) {
    const members = await queries
      .selectFrom('policy_target_members')
      .selectAll()
      .where('target_id', '=', row.target_id)
      .orderBy('policy_id')
      .execute();
    targets.push({ ...row, members });
  }
  return targets;
}

export async function updateTarget(
  queries: Queries,
  targetId: number,
  change: Updateable<Schema['policy_targets']>,
): Promise<void> {
  await queries.updateTable('policy_targets').set(change).where('target_id', '=', targetId).execute();
}

/** The first that a later run has of the disk. */
export async function findLaterTarget(
  queries: Queries,
  diskId: string,
  targetId: number,
): Promise<TargetRow | undefined> {
  const rows = queries.selectFrom('policy_targets').selectAll().where('disk_id', '=', diskId);
  return await rows.where('target_id', '>', targetId).orderBy('target_id').limit(1).executeTakeFirst();
}

/** The later one is for the policies of both; of a policy that both are for, for its later slot. */
export async function moveMembers(queries: Queries, targetId: number, laterId: number): Promise<void> {
  const already = queries.selectFrom('policy_target_members').select('policy_id').where('target_id', '=', laterId);
  await queries
    .updateTable('policy_target_members')
    .set({ target_id: laterId })
    .where('target_id', '=', targetId)
    .where('policy_id', 'not in', already)
    .execute();
}

/** What the snapshot was made for. */
export async function insertPolicySnapshots(
  queries: Queries,
  snapshotId: string,
  members: readonly TargetMember[],
): Promise<void> {
  for (const { policy_id, slot_ms, retention_days, tiered } of members) {
    await queries
      .insertInto('policy_snapshots')
      .values({ snapshot_id: snapshotId, policy_id, slot_ms, retention_days, tiered })
      .execute();
  }
}

/** What each of these snapshots was made for. */
export async function listPolicySnapshots(
  queries: Queries,
  diskIds: readonly string[],
): Promise<Schema['policy_snapshots'][]> {
  if (diskIds.length === 0) return [];
  return await queries
    .selectFrom('policy_snapshots')
    .innerJoin('snapshots', 'snapshots.snapshot_id', 'policy_snapshots.snapshot_id')
    .selectAll('policy_snapshots')
    .where('snapshots.source_disk_id', 'in', diskIds)
    .orderBy('policy_snapshots.policy_id')
    .execute();
}

/** The automatic snapshot of the disk that is being made, if there is one. */
export async function findUnfinishedAutomatic(queries: Queries, diskId: string): Promise<string | null> {
  const row = await queries
    .selectFrom('snapshots')
    .select('snapshot_id')
    .where('source_disk_id', '=', diskId)
    .where('automatic', '=', 1)
    .where('status', '=', 'progressing')
    .where('source_snapshot_id', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return row?.snapshot_id ?? null;
}

/** The good automatic snapshots of the disk, in the order of their freezes, without copies. */
export async function listAutomaticSnapshots(queries: Queries, diskId: string): Promise<SnapshotRow[]> {
  return await queries
    .selectFrom('snapshots')
    .selectAll()
    .where('source_disk_id', '=', diskId)
    .where('automatic', '=', 1)
    .where('status', '=', 'accomplished')
    .where('source_snapshot_id', 'is', null)
    .orderBy('generation')
    .orderBy('snapshot_id')
    .execute();
}

/** A page of the runs of one policy, or of all, the latest first. */
export async function listRuns(
  queries: Queries,
  wanted: { policyId?: string },
  paging: Paging,
): Promise<Page<PolicyRun>> {
  const { after, offset } = startOf(paging);
  let query = queries.selectFrom('policy_runs');
  let counted = queries.selectFrom('policy_runs');
  if (wanted.policyId !== undefined) {
    query = query.where('policy_id', '=', wanted.policyId);
    counted = counted.where('policy_id', '=', wanted.policyId);
  }
  if (after !== null) query = query.where('run_id', '<', after.createdAtMs);
  const rows = await query
    .selectAll()
    .orderBy('run_id', 'desc')
    .limit(paging.pageSize + 1)
    .offset(offset)
    .execute();
  const { total } = await counted.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  const page = toPage(rows, paging, total, (row) => ({ createdAtMs: row.run_id, id: row.policy_id }));
  const items: PolicyRun[] = [];
  for (const row of page.items) {
    items.push({
      ...{ runId: row.run_id, policyId: row.policy_id, slotMs: row.slot_ms },
      ...{ begunAtMs: row.begun_at_ms, missedCount: row.missed_count },
      disks: await listRunDisks(queries, row.run_id, row.policy_id),
    });
  }
  return { ...page, items };
}

async function listRunDisks(queries: Queries, runId: number, policyId: string): Promise<PolicyRunDisk[]> {
  const rows = await queries
    .selectFrom('policy_target_members as member')
    .innerJoin('policy_targets as target', 'target.target_id', 'member.target_id')
    .select(['target.disk_id', 'target.state', 'target.snapshot_id', 'target.reason'])
    .where('member.run_id', '=', runId)
    .where('member.policy_id', '=', policyId)
    .orderBy('target.disk_id')
    .execute();
  return rows.map((row) => ({
    ...{ diskId: row.disk_id, state: row.state, snapshotId: row.snapshot_id, reason: row.reason },
  }));
}

/** What is older than what is remembered, and over. */
export async function forgetOldRuns(queries: Queries, policyId: string): Promise<void> {
  const nth = async (count: number) => {
    const rows = queries.selectFrom('policy_runs').select('run_id').where('policy_id', '=', policyId);
    return (await rows.orderBy('run_id', 'desc').offset(count).limit(1).executeTakeFirst())?.run_id;
  };
  const oldest = await nth(REMEMBERED_RUNS);
  if (oldest !== undefined) {
    await queries.deleteFrom('policy_runs').where('policy_id', '=', policyId).where('run_id', '<=', oldest).execute();
  }
  const oldestTold = await nth(REMEMBERED_TARGETS);
  if (oldestTold === undefined) return;
  await queries
    .deleteFrom('policy_target_members')
    .where('policy_id', '=', policyId)
    .where('run_id', '<=', oldestTold)
    .execute();
  await queries
    .deleteFrom('policy_targets')
    .where('state', 'in', ['done', 'skipped', 'failed'])
    .where('target_id', 'not in', queries.selectFrom('policy_target_members').select('target_id'))
    .execute();
}
