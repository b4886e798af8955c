/** CreateSnapshot, ModifySnapshotAttribute and DeleteSnapshot as requests: what is checked and written before anything is done. */
import type { DiskRow, Queries, SnapshotRow } from '../catalog/schema.ts';
import { countSnapshots, insertSnapshot, updateSnapshot } from '../catalog/snapshots.ts';
import { insertTags } from '../catalog/tags.ts';
import { isViewBase } from '../disk/protocol.ts';
import { hasInstantSnapshots } from '../ecs/disk-categories.ts';
import { refuseDeleteCopied } from '../ecs/copy-rules.ts';
import { newId } from '../ecs/ids.ts';
import { refuseCreateSnapshot, refuseModifySnapshot, refuseRetention } from '../ecs/states.ts';
import { assertInCredit } from './account-lock.ts';
import { change, unconditionally } from './change.ts';
import { findEarlierResult, rememberResult } from './client-token.ts';
import { baseOf } from './disk-folder.ts';
import { CREATE_SNAPSHOT } from './operations/create-snapshot.ts';
import type { CreateSnapshotState } from './operations/create-snapshot.ts';
import { assertUnlocked } from './instance-locks.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, CreateSnapshotRequest, ModifySnapshotRequest } from './requests.ts';
import { assertIdle } from './idle-disk.ts';
import {
  assertAllowed,
  diskFacts,
  findInstanceOf,
  getDisk,
  getSnapshot,
  listUnfinished,
  snapshotFacts,
} from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { performDeletion, recordDeletion } from './snapshot-deletion.ts';
import { listSnapshotOperations } from './snapshot-operations.ts';

/** Answers when the disk is frozen. */
export async function createSnapshot(
  parts: Parts,
  runner: OperationRunner,
  request: CreateSnapshotRequest,
  options: ChangeOptions,
): Promise<{ snapshotId: string }> {
  const { snapshotId, operation } = await change(parts, options, async (transaction) => {
    const earlier = await findEarlierResult<{ snapshotId: string }>(transaction, options.idempotency);
    if (earlier !== null) return { ...earlier, operation: null };
    const disk = await getDisk(transaction, request.diskId);
    await assertInCredit(transaction, 'snapshots');
    await assertSnapshotAllowed(transaction, disk);
    return await recordSnapshot(parts, runner, { transaction, disk, request, options });
  });
  const run = operation === null ? runner.find(CREATE_SNAPSHOT, snapshotId) : runner.start(operation);
  await run?.past('freeze');
  return { snapshotId };
}

/** An automatic one counts against a quota of its own, which is seen to before. */
export async function assertSnapshotAllowed(
  transaction: Queries,
  disk: DiskRow,
  { automatic = false }: { automatic?: boolean } = {},
): Promise<void> {
  const { disk_id: diskId, category } = disk;
  const isInstant = hasInstantSnapshots(category);
  await assertUnlocked(transaction, 'CreateSnapshot', disk.instance_id);
  assertAllowed(
    refuseCreateSnapshot({
      disk: diskFacts(disk),
      instance: await findInstanceOf(transaction, disk),
      unfinished: await listUnfinished(transaction, [diskId]),
      underWayCount: (await listSnapshotOperations(transaction, diskId)).length,
      snapshotCount: automatic ? 0 : await countSnapshots(transaction, diskId),
    }),
  );
  await assertIdle(transaction, diskId, { releasing: isInstant ? null : 'IncorrectDiskStatus.CreatingSnapshot' });
}

interface NewSnapshot {
  transaction: Queries;
  disk: DiskRow;
  request: CreateSnapshotRequest;
  options: ChangeOptions;
  /** A policy makes it. */
  automatic?: boolean;
}

export async function recordSnapshot(parts: Parts, runner: OperationRunner, asked: NewSnapshot) {
  const { transaction } = asked;
  const state = await insertHidden(parts, asked);
  const { snapshotId } = state;
  return { snapshotId, operation: await runner.record(transaction, CREATE_SNAPSHOT, snapshotId, state) };
}

/** A hidden row; what the operation that freezes it begins with. */
export async function insertHidden(parts: Parts, asked: NewSnapshot): Promise<CreateSnapshotState> {
  const { transaction, disk, request, options, automatic = false } = asked;
  await parts.space.assertRoom('QuotaExceed.Snapshot', 'a snapshot');
  const nowMs = parts.clock.nowMs();
  const snapshotId = newId('s-', parts.region.regionId, parts.random);
  await insertSnapshot(transaction, {
    ...hiddenRow(snapshotId, disk, request, nowMs),
    automatic: automatic ? 1 : 0,
    kept_since_ms: parts.lockClock.nowMs(),
  });
  await insertTags(transaction, snapshotId, request.tags);
  const token = await rememberResult(transaction, options.idempotency, { snapshotId }, nowMs);
  const base = baseOf(disk);
  return { diskId: disk.disk_id, snapshotId, token, standsOn: isViewBase(base) ? base : null };
}

/** Of a snapshot that is not frozen yet. */
export function hiddenRow(
  snapshotId: string,
  disk: Pick<DiskRow, 'disk_id' | 'size_gib' | 'type'>,
  request: Omit<CreateSnapshotRequest, 'diskId' | 'tags'>,
  nowMs: number,
): SnapshotRow {
  return {
    snapshot_id: snapshotId,
    snapshot_name: request.snapshotName,
    description: request.description,
    status: 'progressing',
    frozen: 0,
    progress_percent: 0,
    remaining_seconds: 0,
    created_at_ms: nowMs,
    modified_at_ms: nowMs,
    source_disk_id: disk.disk_id,
    source_disk_size_gib: disk.size_gib,
    source_disk_type: disk.type,
    retention_days: request.retentionDays,
    failure_reason: null,
    tree: null,
    generation: null,
    incarnation: null,
    instant: 0,
    snapshot_group_id: null,
    undo_until_ms: null,
    source_region_id: null,
    source_snapshot_id: null,
    automatic: 0,
    kept_since_ms: null,
    resource_group_id: request.resourceGroupId,
    category: 'standard',
  };
}

/**
 * The row goes at once; manifest and bytes stay in the recycle bin, or go right after, as the work on a progressing snapshot does. A progressing one that disks
 * stand on is stored first (D7), and nobody waits for that.
 */
export async function deleteSnapshot(
  parts: Parts,
  runner: OperationRunner,
  { snapshotId, force, skipsBin = false }: { snapshotId: string; force: boolean; skipsBin?: boolean },
  options: ChangeOptions,
): Promise<void> {
  const copyId = await parts.regions.findCopyOf({ regionId: parts.region.regionId, snapshotId });
  const deletion = await change(parts, options, async (transaction) => {
    const row = await getSnapshot(transaction, snapshotId);
    assertAllowed(refuseDeleteCopied(snapshotId, copyId));
    return await recordDeletion({ parts, runner, transaction }, row, { force, skipsBin });
  });
  await performDeletion(parts, runner, deletion);
}

/** As DeleteSnapshot does of one that is in the making; one that is accomplished by now stays. */
export async function cancelSnapshot(parts: Parts, runner: OperationRunner, snapshotId: string): Promise<void> {
  const deletion = await change(parts, unconditionally, async (transaction) => {
    const row = await getSnapshot(transaction, snapshotId);
    if (row.status !== 'progressing') return null;
    return await recordDeletion({ parts, runner, transaction }, row, { force: true, skipsBin: true });
  });
  if (deletion !== null) await performDeletion(parts, runner, deletion);
}

/** Name, description and retention are the catalog's: the manifest in the repository, which never changes, keeps the first ones. */
export async function modifySnapshot(
  parts: Parts,
  request: ModifySnapshotRequest,
  options: ChangeOptions,
): Promise<void> {
  const { snapshotId, snapshotName, description, retentionDays } = request;
  await change(parts, options, async (transaction) => {
    const row = await getSnapshot(transaction, snapshotId);
    assertAllowed(refuseModifySnapshot(snapshotFacts(row)));
    if (retentionDays !== undefined) assertAllowed(refuseRetention(snapshotId, row.retention_days, retentionDays));
    await updateSnapshot(transaction, snapshotId, {
      ...(snapshotName !== undefined && { snapshot_name: snapshotName }),
      ...(description !== undefined && { description }),
      ...(retentionDays !== undefined && { retention_days: retentionDays }),
      modified_at_ms: parts.clock.nowMs(),
    });
  });
}
