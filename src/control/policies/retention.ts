/**
 * Retention at work: what `ecs/retention.ts` says may go is deleted as a user would delete it, so that locks, images, disks and
 * copies hold it as they would then; whatever dies meanwhile, the next pass plans anew from what is there.
 *
 * Age is what both clocks say, that of `lock-clock.ts`, which no setting of the clock moves while a server runs, and the wall's: one
 * that was wrong, and is set right, has ended nothing. After a start that finds the clock far ahead of the last server's, nothing
 * goes for an hour: a machine whose clock is wrong at its start has time to learn the right one.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { listAllPolicies, rulesOf } from '../../catalog/policies.ts';
import { daysOf } from '../../ecs/auto-snapshot-policy.ts';
import { listPolicySnapshots } from '../../catalog/policy-runs.ts';
import {
  deleteHold,
  findHold,
  listRetentionDisks,
  listRetentionSubjects,
  listSnapshotsOfSubject,
  putHold,
} from '../../catalog/retention.ts';
import type { RetentionSubject } from '../../catalog/retention.ts';
import { findLock } from '../../catalog/snapshot-locks.ts';
import type { Queries, SnapshotRow } from '../../catalog/schema.ts';
import { refuseDeleteLocked } from '../../ecs/lock-rules.ts';
import { planRetention } from '../../ecs/retention.ts';
import type { KeepRules, RetainedSnapshot, RetentionFacts } from '../../ecs/retention.ts';
import { RequestError, messageOf } from '../../lib/errors.ts';
import { unconditionally } from '../change.ts';
import type { Parts } from '../parts.ts';
import type { OperationRunner } from '../runner.ts';
import { deleteSnapshot } from '../snapshots.ts';

const DISKS_AT_ONCE = 100;

/** One pass over everything that may go. */
export async function retainAll(parts: Parts, runner: OperationRunner, signal: AbortSignal): Promise<void> {
  const { catalog, clock, lockClock } = parts;
  for (let after = ''; ;) {
    const diskIds = await listRetentionDisks(catalog.queries, after, DISKS_AT_ONCE);
    for (const diskId of diskIds) {
      const nowMs = lockClock.nowMs();
      const asked = { nowMs, offsetMs: clock.nowMs() - nowMs };
      for (const subject of await listRetentionSubjects(catalog.queries, diskId, asked)) {
        if (signal.aborted) return;
        await retain(parts, runner, subject);
      }
      await nextTurn();
    }
    const last = diskIds.at(-1);
    if (last === undefined) return;
    after = last;
  }
}

/** Deletes what of one disk's snapshots may go, which it tells, and writes down what somebody must agree to. */
export async function retain(parts: Parts, runner: OperationRunner, subject: RetentionSubject): Promise<string[]> {
  const { catalog, log, clock } = parts;
  const decisions = planRetention(await readFacts(parts, subject));
  const heldIds = decisions.filter(({ decision }) => decision === 'hold').map(({ snapshotId }) => snapshotId);
  await noteHeld(catalog.queries, subjectIdOf(subject), heldIds, { nowMs: clock.nowMs(), log });
  const goneIds: string[] = [];
  for (const { snapshotId, reason } of decisions.filter(({ decision }) => decision === 'delete').reverse()) {
    try {
      await deleteSnapshot(parts, runner, { snapshotId, force: false }, unconditionally);
      goneIds.push(snapshotId);
      log.info(`${snapshotId} of ${subject.diskId} is deleted: ${reason}`);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (error.code !== 'InvalidSnapshotId.NotFound') log.warn(`${snapshotId} stays: ${messageOf(error)}`);
    }
  }
  return goneIds;
}

/** What is planned for one disk's snapshots from. */
export async function readFacts(parts: Parts, subject: RetentionSubject): Promise<RetentionFacts> {
  const { queries } = parts.catalog;
  const rows = await listSnapshotsOfSubject(queries, subject);
  const memberships = Map.groupBy(await listPolicySnapshots(queries, [subject.diskId]), (row) => row.snapshot_id);
  const snapshots: RetainedSnapshot[] = [];
  for (const row of rows) {
    snapshots.push({
      ...{ snapshotId: row.snapshot_id, sequence: row.generation ?? 0, status: row.status },
      ...{ isAutomatic: row.automatic === 1, retentionDays: row.retention_days },
      keptSinceMs: keptSince(parts, row),
      keptFor: (memberships.get(row.snapshot_id) ?? []).map((one) => ({
        ...{ policyId: one.policy_id, slotMs: one.slot_ms, days: daysOf(one.retention_days) },
        isTiered: one.tiered === 1,
      })),
      heldBy: await findHolder(parts, row),
    });
  }
  const hold = await findHold(queries, subjectIdOf(subject));
  return {
    ...{ snapshots, rules: await readRules(queries), nowMs: parts.lockClock.nowMs(), mostShare: parts.retentionShare },
    approved: new Set(hold?.approved === 1 ? (JSON.parse(hold.snapshot_ids) as string[]) : []),
  };
}

async function readRules(queries: Queries): Promise<Map<string, KeepRules | null>> {
  return new Map((await listAllPolicies(queries)).map((row) => [row.policy_id, rulesOf(row)]));
}

/** On the locks' clock, such that it is as old as both clocks say: the wall's, by its CreationTime, and that of the locks. */
function keptSince({ clock, lockClock }: Parts, row: Pick<SnapshotRow, 'kept_since_ms' | 'created_at_ms'>): number {
  const byWallMs = row.created_at_ms - clock.nowMs() + lockClock.nowMs();
  return Math.max(row.kept_since_ms ?? byWallMs, byWallMs);
}

/** What a deletion without force would be refused for, as far as it is known beforehand. */
async function findHolder(
  { catalog, lockClock }: Parts,
  { snapshot_id: snapshotId, usage }: { snapshot_id: string; usage: string },
): Promise<string | null> {
  if (usage === 'image' || usage === 'image_disk') return 'an image is made from it';
  if (usage === 'disk') return 'a disk was made from it';
  const lock = await findLock(catalog.queries, snapshotId);
  return refuseDeleteLocked(lock, lockClock.nowMs()) === null ? null : 'it is locked';
}

/** The name under which what is held is written down. */
function subjectIdOf({ diskId, sourceRegionId }: RetentionSubject): string {
  return sourceRegionId === null ? diskId : `${sourceRegionId}/${diskId}`;
}

async function noteHeld(
  queries: Queries,
  subjectId: string,
  heldIds: readonly string[],
  { nowMs, log }: { nowMs: number; log: Parts['log'] },
): Promise<void> {
  const before = await findHold(queries, subjectId);
  const sorted = JSON.stringify([...heldIds].sort());
  if (heldIds.length === 0) {
    if (before !== undefined && before.approved === 0) await deleteHold(queries, subjectId);
    return;
  }
  if (before?.snapshot_ids === sorted) return;
  log.warn(
    `${heldIds.length} snapshots of ${subjectId} would be deleted at once by retention, which is more than is done without being told: \`hupo policy approve ${subjectId}\` agrees to it`,
  );
  await putHold(queries, { subject_id: subjectId, snapshot_ids: sorted, approved: 0, held_since_ms: nowMs });
}

/** Agrees to what is held of a subject now. Throws `InvalidDiskId.NotFound` where nothing is. */
export async function approve(parts: Parts, runner: OperationRunner, subjectId: string): Promise<string[]> {
  const hold = await findHold(parts.catalog.queries, subjectId);
  if (hold === undefined) {
    throw new RequestError(
      'InvalidDiskId.NotFound',
      `Retention holds nothing back of ${subjectId}: there is nothing to agree to.`,
    );
  }
  await putHold(parts.catalog.queries, { ...hold, approved: 1 });
  const at = subjectId.indexOf('/');
  const subject: RetentionSubject =
    at === -1
      ? { diskId: subjectId, sourceRegionId: null }
      : { diskId: subjectId.slice(at + 1), sourceRegionId: subjectId.slice(0, at) };
  const goneIds = await retain(parts, runner, subject);
  const left = await findHold(parts.catalog.queries, subjectId);
  if (left?.approved === 1) await deleteHold(parts.catalog.queries, subjectId);
  return goneIds;
}
