/**
 * Retention at work: what `ecs/retention.ts` says may go is deleted as a user would delete it, so that locks, images, disks and
 * copies hold it as they would then; whatever dies meanwhile, the next pass plans anew from what is there.
 *
 * Time is that of `lock-clock.ts`, which no setting of the clock moves while a server runs; and the clock itself must agree, so one
 * that was wrong at the start, and is set right, has ended nothing. After a start that finds the clock far ahead of the last
 * server's, nothing goes for an hour: a machine whose clock is wrong at its start has time to learn the right one.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { daysOf, listAllPolicies, rulesOf } from '../../catalog/policies.ts';
import { listPolicySnapshots } from '../../catalog/policy-runs.ts';
import {
  deleteHold,
  findHold,
  listRetentionSubjects,
  listSnapshotsOfSubject,
  putHold,
} from '../../catalog/retention.ts';
import type { RetentionSubject } from '../../catalog/retention.ts';
import { findLock } from '../../catalog/snapshot-locks.ts';
import type { Queries } from '../../catalog/schema.ts';
import { refuseDeleteLocked } from '../../ecs/lock-rules.ts';
import { planRetention } from '../../ecs/retention.ts';
import type { KeepRules, RetainedSnapshot, RetentionFacts } from '../../ecs/retention.ts';
import { RequestError, messageOf } from '../../lib/errors.ts';
import { unconditionally } from '../change.ts';
import type { Parts } from '../parts.ts';
import type { OperationRunner } from '../runner.ts';
import { deleteSnapshot } from '../snapshots.ts';

const SUBJECTS_AT_ONCE = 100;

/** One pass over everything that may go. */
export async function retainAll(parts: Parts, runner: OperationRunner, signal: AbortSignal): Promise<void> {
  const { catalog, clock } = parts;
  let after: RetentionSubject | null = null;
  for (;;) {
    const nowMs = agreedTime(parts);
    const offsetMs = clock.nowMs() - parts.lockClock.nowMs();
    const asked = { after, nowMs, offsetMs, limit: SUBJECTS_AT_ONCE };
    const subjects: RetentionSubject[] = await listRetentionSubjects(catalog.queries, asked);
    for (const subject of subjects) {
      if (signal.aborted) return;
      await retain(parts, runner, subject);
      await nextTurn();
    }
    after = subjects.at(-1) ?? null;
    if (after === null) return;
  }
}

/** Deletes what of one disk's snapshots may go, and writes down what somebody must agree to. */
export async function retain(parts: Parts, runner: OperationRunner, subject: RetentionSubject): Promise<void> {
  const { catalog, log, clock } = parts;
  const decisions = planRetention(await readFacts(parts, subject));
  const heldIds = decisions.filter(({ decision }) => decision === 'hold').map(({ snapshotId }) => snapshotId);
  await noteHeld(catalog.queries, subjectIdOf(subject), heldIds, { nowMs: clock.nowMs(), log });
  for (const { snapshotId, reason } of decisions.filter(({ decision }) => decision === 'delete').reverse()) {
    try {
      await deleteSnapshot(parts, runner, { snapshotId, force: false }, unconditionally);
      log.info(`${snapshotId} of ${subject.diskId} is deleted: ${reason}`);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (error.code !== 'InvalidSnapshotId.NotFound') log.warn(`${snapshotId} stays: ${messageOf(error)}`);
    }
  }
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
      keptSinceMs: row.kept_since_ms ?? row.created_at_ms - parts.lockClock.toClock(0),
      keptFor: (memberships.get(row.snapshot_id) ?? []).map((one) => ({
        ...{ policyId: one.policy_id, slotMs: one.slot_ms, days: daysOf(one.retention_days) },
        isTiered: one.tiered === 1,
      })),
      heldBy: await findHolder(parts, row),
    });
  }
  const hold = await findHold(queries, subjectIdOf(subject));
  return {
    ...{ snapshots, rules: await readRules(queries), nowMs: agreedTime(parts), mostShare: parts.retentionShare },
    approved: new Set(hold?.approved === 1 ? (JSON.parse(hold.snapshot_ids) as string[]) : []),
  };
}

async function readRules(queries: Queries): Promise<Map<string, KeepRules | null>> {
  return new Map((await listAllPolicies(queries)).map((row) => [row.policy_id, rulesOf(row)]));
}

/** Both clocks say that it is so late. */
function agreedTime({ clock, lockClock }: Parts): number {
  return Math.min(lockClock.nowMs(), clock.nowMs());
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
  await retain(parts, runner, subject);
  await deleteHold(parts.catalog.queries, subjectId);
  return JSON.parse(hold.snapshot_ids) as string[];
}
