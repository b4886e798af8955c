/**
 * The disks of runs of automatic snapshot policies, one by one: a snapshot is made, watched, and copied where the policy says so.
 *
 * Invariants: of a target one snapshot at most is being made or good (its id is written with the row that makes it, in one
 * transaction); a snapshot is begun only when no automatic one of the disk is being made; an older target gives way to a later one
 * of its disk.
 *
 * | state | died then: the next server |
 * |---|---|
 * | `pending` | begins it |
 * | `making`, before the freeze was recorded | finds the snapshot `failed` (`create-snapshot.ts`) and begins another, three in all |
 * | `making`, later | the snapshot's own operation goes on; then as below |
 * | `copying` | asks for the copy again, under the same token: one copy |
 * | `done`, `skipped`, `failed` | nothing |
 */
import {
  findUnfinishedAutomatic,
  findLaterTarget,
  insertPolicySnapshots,
  listAutomaticSnapshots,
  listTargets,
  moveMembers,
  updateTarget,
} from '../../catalog/policy-runs.ts';
import type { Target, TargetMember } from '../../catalog/policy-runs.ts';
import { findAccountLock } from '../../catalog/account-lock.ts';
import { countNamedLike, countSnapshots, findSnapshot } from '../../catalog/snapshots.ts';
import { findDisk } from '../../catalog/disks.ts';
import type { StoredOperation } from '../../catalog/operations.ts';
import type { DiskRow, Queries } from '../../catalog/schema.ts';
import { AUTOMATIC_SNAPSHOT_QUOTA, automaticName } from '../../ecs/auto-snapshot-policy.ts';
import { RequestError, messageOf } from '../../lib/errors.ts';
import { unconditionally } from '../change.ts';
import { copySnapshot } from '../copies.ts';
import type { Parts } from '../parts.ts';
import type { OperationRunner } from '../runner.ts';
import { dropIfFree, performDeletion } from '../snapshot-deletion.ts';
import type { SnapshotDeletion } from '../snapshot-deletion.ts';
import { assertSnapshotAllowed, recordSnapshot } from '../snapshots.ts';

/** Snapshots that are begun for one target, when earlier ones fail. */
const MOST_ATTEMPTS = 3;
/** Disks that are frozen at once. */
const AT_ONCE = 4;

/** Does what can be done now; tells of which disks an automatic snapshot became good. */
export async function workOnTargets(parts: Parts, runner: OperationRunner, signal: AbortSignal): Promise<string[]> {
  const { queries } = parts.catalog;
  const finished: string[] = [];
  for (const target of await listTargets(queries, 'making')) {
    if (await watch(parts, target)) finished.push(target.disk_id);
  }
  for (const target of await listTargets(queries, 'copying')) await copy(parts, target);
  const pending = await listTargets(queries, 'pending');
  while (pending.length > 0 && !signal.aborted) {
    await Promise.all(pending.splice(0, AT_ONCE).map((target) => begin(parts, runner, target)));
  }
  return finished;
}

/** Answers when the disk is frozen, or was not. */
async function begin(parts: Parts, runner: OperationRunner, target: Target): Promise<void> {
  if (await handOver(parts, target)) return;
  let begun: Begun;
  try {
    begun = await parts.catalog.transaction((transaction) => record(parts, runner, transaction, target));
  } catch (error) {
    // What was written for it is not there any more: nothing went to make place for it.
    if (!(error instanceof RequestError)) throw error;
    await updateTarget(parts.catalog.queries, target.target_id, { state: 'skipped', reason: error.message });
    return;
  }
  for (const deletion of begun.deletions) await performDeletion(parts, runner, deletion);
  try {
    await runner.start(begun.operation).past('freeze');
  } catch (error) {
    parts.log.warn(`the automatic snapshot of ${target.disk_id} was not made: ${messageOf(error)}`);
  }
}

/** The next run came before it could be begun: that makes its snapshot for the policies of both, if it is not begun either. */
async function handOver({ catalog }: Parts, { disk_id: diskId, target_id: targetId }: Target): Promise<boolean> {
  return await catalog.transaction(async (transaction) => {
    const later = await findLaterTarget(transaction, diskId, targetId);
    if (later === undefined) return false;
    if (later.state === 'pending') await moveMembers(transaction, targetId, later.target_id);
    await updateTarget(transaction, targetId, { state: 'skipped', reason: 'the next run came before it was made' });
    return true;
  });
}

interface Begun {
  operation: StoredOperation;
  /** Of the oldest, where there are as many as there may be. */
  deletions: SnapshotDeletion[];
}

/** Throws a RequestError that says why it is not made. */
async function record(parts: Parts, runner: OperationRunner, transaction: Queries, target: Target): Promise<Begun> {
  const { target_id: targetId, disk_id: diskId, members } = target;
  const disk = await findDisk(transaction, diskId);
  const reason = await findReasonToSkip(transaction, target, disk);
  if (reason !== null || disk === undefined) throw new RequestError('OperationConflict', reason ?? '');
  await assertSnapshotAllowed(transaction, disk, { automatic: true });
  const deletions = await makePlace({ parts, runner, transaction }, diskId);
  const { snapshotId, operation } = await recordSnapshot(parts, runner, {
    ...{ transaction, disk, options: unconditionally, automatic: true },
    request: {
      diskId,
      snapshotName: await nameFor(transaction, target),
      description: `Made by ${members.map((member) => member.policy_id).join(', ')}`,
      retentionDays: retentionOf(members),
      resourceGroupId: disk.resource_group_id,
      tags: [],
    },
  });
  await insertPolicySnapshots(transaction, snapshotId, members);
  const attempts = target.attempts + 1;
  await updateTarget(transaction, targetId, { state: 'making', attempts, snapshot_id: snapshotId, reason: null });
  return { operation, deletions };
}

/** `ecs-api.md` 4.6. Null: nothing is in the way. */
async function findReasonToSkip(
  transaction: Queries,
  { disk_id: diskId, members }: Target,
  disk: DiskRow | undefined,
): Promise<string | null> {
  if (disk === undefined) return 'the disk is deleted';
  if (members.length === 0) return 'the policy is deleted';
  if (disk.enable_auto_snapshot === 0) return 'EnableAutoSnapshot of the disk is false';
  if (disk.status !== 'In_use') return `the disk is ${disk.status}: automatic snapshots are of disks in use`;
  if ((await findAccountLock(transaction)) !== null)
    return 'the account is in arrears: the snapshot service is stopped';
  const unfinished = await findUnfinishedAutomatic(transaction, diskId);
  return unfinished === null ? null : `the automatic snapshot ${unfinished} is still being made`;
}

/** The oldest goes where there are as many as there may be: of those that nothing holds. */
async function makePlace(
  given: { parts: Parts; runner: OperationRunner; transaction: Queries },
  diskId: string,
): Promise<SnapshotDeletion[]> {
  const { transaction } = given;
  const surplus = (await countSnapshots(transaction, diskId, true)) - AUTOMATIC_SNAPSHOT_QUOTA + 1;
  const deletions: SnapshotDeletion[] = [];
  if (surplus <= 0) return deletions;
  const oldestFirst = await listAutomaticSnapshots(transaction, diskId);
  for (const row of oldestFirst.slice(0, -1)) {
    if (deletions.length >= surplus) break;
    const deletion = await dropIfFree(given, row, { skipsBin: false });
    if (deletion !== null) deletions.push(deletion);
  }
  return deletions;
}

/** The longest of them; null: for ever, or until the rules of a policy let it go. */
function retentionOf(members: readonly TargetMember[]): number | null {
  const isPlain = members.every((member) => member.tiered === 0 && member.retention_days !== -1);
  return isPlain ? Math.max(...members.map((member) => member.retention_days)) : null;
}

async function nameFor(transaction: Queries, { disk_id: diskId, slot_ms: slotMs }: Target): Promise<string> {
  const prefix = automaticName(slotMs, 0).slice(0, -1);
  return automaticName(slotMs, (await countNamedLike(transaction, diskId, prefix)) + 1);
}

/** True when it has become good. */
async function watch({ catalog, log }: Parts, target: Target): Promise<boolean> {
  const { target_id: targetId, snapshot_id: snapshotId, members, disk_id: diskId } = target;
  const row = await findSnapshot(catalog.queries, snapshotId ?? '');
  if (row?.status === 'progressing') return false;
  if (row === undefined) {
    await updateTarget(catalog.queries, targetId, { state: 'done', reason: 'it was deleted' });
    return false;
  }
  if (row.status === 'accomplished') {
    const isCopied = members.some((member) => member.copy_region_id !== null);
    await updateTarget(catalog.queries, targetId, { state: isCopied ? 'copying' : 'done', reason: null });
    return true;
  }
  const isOver = target.attempts >= MOST_ATTEMPTS;
  const reason = row.failure_reason;
  if (isOver) log.warn(`the automatic snapshot of ${diskId} failed for good: ${reason}`);
  await updateTarget(catalog.queries, targetId, { state: isOver ? 'failed' : 'pending', reason });
  return false;
}

async function copy(parts: Parts, target: Target): Promise<void> {
  const { target_id: targetId, snapshot_id: snapshotId, members } = target;
  const { queries } = parts.catalog;
  try {
    const wanted = members.filter((member) => member.copy_region_id !== null);
    for (const [regionId, ofRegion] of Map.groupBy(wanted, (member) => member.copy_region_id ?? '')) {
      await copyTo(parts, snapshotId ?? '', { regionId, days: ofRegion.map((member) => member.copied_retention_days) });
    }
    await updateTarget(queries, targetId, { state: 'done' });
  } catch (error) {
    if (!(error instanceof RequestError)) {
      parts.log.warn(`${snapshotId} could not be copied, which is tried again: ${messageOf(error)}`);
      return;
    }
    const reason = `it has no copy: ${error.message}`;
    parts.log.warn(`the automatic snapshot ${snapshotId} of ${target.disk_id}: ${reason}`);
    await updateTarget(queries, targetId, { state: 'done', reason });
  }
}

async function copyTo(
  parts: Parts,
  snapshotId: string,
  { regionId, days }: { regionId: string; days: readonly number[] },
): Promise<void> {
  const row = await findSnapshot(parts.catalog.queries, snapshotId);
  if (row === undefined) return; // deleted meanwhile
  const request = {
    ...{ snapshotId, destinationRegionId: regionId, snapshotName: row.snapshot_name, description: row.description },
    ...{ resourceGroupId: row.resource_group_id, tags: [], automatic: true },
    retentionDays: days.includes(-1) ? null : Math.max(...days),
  };
  const idempotency = { action: 'HupoAutomaticCopy', token: snapshotId, parametersDigest: regionId };
  await copySnapshot(parts, request, { idempotency, dryRun: false });
}
