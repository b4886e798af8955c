/** CreateSnapshot, ModifySnapshotAttribute and DeleteSnapshot as requests: what is checked and written before anything is done. */
import { findOperation, markUndoing } from '../catalog/operations.ts';
import type { DiskRow, Queries, SnapshotRow } from '../catalog/schema.ts';
import { isDiskSource } from '../catalog/disks.ts';
import {
  countSnapshots,
  deleteSnapshot as deleteSnapshotRow,
  insertSnapshot,
  isImageSource,
  updateSnapshot,
} from '../catalog/snapshots.ts';
import { deleteEmptyGroups } from '../catalog/snapshot-groups.ts';
import { deleteTags, insertTags } from '../catalog/tags.ts';
import { isViewBase } from '../disk/protocol.ts';
import type { ViewBase } from '../disk/protocol.ts';
import { hasInstantSnapshots } from '../ecs/disk-categories.ts';
import { refuseDeleteCopied } from '../ecs/copy-rules.ts';
import { newId } from '../ecs/ids.ts';
import { refuseCreateSnapshot, refuseDeleteSnapshot, refuseModifySnapshot } from '../ecs/states.ts';
import { assert } from '../lib/assert.ts';
import { change } from './change.ts';
import { findEarlierResult, rememberResult } from './client-token.ts';
import { baseOf } from './disk-folder.ts';
import { COPY_SNAPSHOT } from './operations/copy-snapshot.ts';
import { CREATE_SNAPSHOT, viewOf } from './operations/create-snapshot.ts';
import type { CreateSnapshotState } from './operations/create-snapshot.ts';
import { DELETE_SNAPSHOT } from './operations/delete-snapshot.ts';
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
import { releaseLock } from './snapshot-locks.ts';
import { listSnapshotOperations } from './snapshot-operations.ts';
import { isStoodOn } from './view-bases.ts';
import { waitSoon } from './wait-soon.ts';

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
    await assertSnapshotAllowed(transaction, disk);
    return await recordSnapshot(parts, runner, { transaction, disk, request, options });
  });
  const run = operation === null ? runner.find(CREATE_SNAPSHOT, snapshotId) : runner.start(operation);
  await run?.past('freeze');
  return { snapshotId };
}

export async function assertSnapshotAllowed(transaction: Queries, disk: DiskRow): Promise<void> {
  const { disk_id: diskId, category } = disk;
  const isInstant = hasInstantSnapshots(category);
  assertAllowed(
    refuseCreateSnapshot({
      disk: diskFacts(disk),
      instance: await findInstanceOf(transaction, disk),
      unfinished: await listUnfinished(transaction, [diskId]),
      underWayCount: (await listSnapshotOperations(transaction, diskId)).length,
      snapshotCount: await countSnapshots(transaction, diskId),
    }),
  );
  await assertIdle(transaction, diskId, { releasing: isInstant ? null : 'IncorrectDiskStatus.CreatingSnapshot' });
}

export async function recordSnapshot(
  parts: Parts,
  runner: OperationRunner,
  asked: { transaction: Queries; disk: DiskRow; request: CreateSnapshotRequest; options: ChangeOptions },
) {
  const { transaction, disk, request, options } = asked;
  await parts.space.assertRoom('QuotaExceed.Snapshot', 'a snapshot');
  const nowMs = parts.clock.nowMs();
  const snapshotId = newId('s-', parts.region.regionId, parts.random);
  await insertSnapshot(transaction, hiddenRow(snapshotId, disk, request, nowMs));
  await insertTags(transaction, snapshotId, request.tags);
  const token = await rememberResult(transaction, options.idempotency, { snapshotId }, nowMs);
  const base = baseOf(disk);
  const standsOn = isViewBase(base) ? base : null;
  const state: CreateSnapshotState = { diskId: disk.disk_id, snapshotId, token, standsOn };
  return { snapshotId, operation: await runner.record(transaction, CREATE_SNAPSHOT, snapshotId, state) };
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
    resource_group_id: request.resourceGroupId,
    category: 'standard',
  };
}

/**
 * The row goes at once; manifest and bytes, or the work on a progressing snapshot, right after. A progressing one that disks
 * stand on is stored first (D7), and nobody waits for that.
 */
export async function deleteSnapshot(
  parts: Parts,
  runner: OperationRunner,
  request: { snapshotId: string; force: boolean },
  options: ChangeOptions,
): Promise<void> {
  const { snapshotId, force } = request;
  const copyId = await parts.regions.findCopyOf({ regionId: parts.region.regionId, snapshotId });
  const next = await change(parts, options, async (transaction) => {
    const row = await getSnapshot(transaction, snapshotId);
    assertAllowed(refuseDeleteCopied(snapshotId, copyId));
    await releaseLock(parts, transaction, snapshotId);
    const imageMadeFromIt = await isImageSource(transaction, snapshotId);
    const diskMadeFromIt = await isDiskSource(transaction, snapshotId);
    assertAllowed(refuseDeleteSnapshot(snapshotFacts(row), { imageMadeFromIt, diskMadeFromIt, force }));
    await deleteTags(transaction, snapshotId);
    await deleteSnapshotRow(transaction, snapshotId);
    if (row.snapshot_group_id !== null) await deleteEmptyGroups(transaction, row.snapshot_group_id);
    if (row.status === 'failed') return { cancelled: null, operation: null, isStoredFirst: false };
    const isStoredFirst = row.status === 'progressing' && (await isStoodOn(transaction, viewOfRow(row)));
    if (row.status === 'progressing' && !isStoredFirst) {
      return { cancelled: await cancel(transaction, row), operation: null, isStoredFirst };
    }
    const operation = await runner.record(transaction, DELETE_SNAPSHOT, snapshotId, { snapshotId });
    return { cancelled: null, operation, isStoredFirst };
  });
  if (next.cancelled !== null) await waitSoon(parts.clock, runner.interrupt(next.cancelled));
  if (next.operation === null) return;
  const run = runner.start(next.operation);
  if (!next.isStoredFirst) await waitSoon(parts.clock, run.done());
}

function viewOfRow(row: SnapshotRow): ViewBase {
  return viewOf({ diskId: row.source_disk_id, snapshotId: row.snapshot_id });
}

async function cancel(transaction: Queries, row: SnapshotRow): Promise<string> {
  const kind = row.source_snapshot_id === null ? CREATE_SNAPSHOT : COPY_SNAPSHOT;
  const operation = await findOperation(transaction, kind, row.snapshot_id);
  assert(operation !== undefined, `${row.snapshot_id} is progressing and nobody works on it`);
  await markUndoing(transaction, operation.operationId, 'it was deleted');
  return operation.operationId;
}

/** Name and description are the catalog's: the manifest in the repository, which never changes, keeps the first ones. */
export async function modifySnapshot(
  parts: Parts,
  request: ModifySnapshotRequest,
  options: ChangeOptions,
): Promise<void> {
  const { snapshotId, snapshotName, description } = request;
  await change(parts, options, async (transaction) => {
    assertAllowed(refuseModifySnapshot(snapshotFacts(await getSnapshot(transaction, snapshotId))));
    await updateSnapshot(transaction, snapshotId, {
      ...(snapshotName !== undefined && { snapshot_name: snapshotName }),
      ...(description !== undefined && { description }),
      modified_at_ms: parts.clock.nowMs(),
    });
  });
}
