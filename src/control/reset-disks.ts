/** ResetDisk and ResetDisks as requests: disks are rolled back to snapshots of their own. */
import { updateDisk } from '../catalog/disks.ts';
import { findOperation } from '../catalog/operations.ts';
import type { StoredOperation } from '../catalog/operations.ts';
import type { DiskRow, Queries, SnapshotRow } from '../catalog/schema.ts';
import type { BaseRef } from '../disk/protocol.ts';
import { hasInstantSnapshots } from '../ecs/disk-categories.ts';
import { refuseResetDisk } from '../ecs/states.ts';
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import { assertInCredit } from './account-lock.ts';
import { change } from './change.ts';
import { baseOfSnapshot } from './disk-rows.ts';
import { assertIdle } from './idle-disk.ts';
import { outcomeOf } from './item-outcome.ts';
import { CREATE_SNAPSHOT } from './operations/create-snapshot.ts';
import type { CreateSnapshotState } from './operations/create-snapshot.ts';
import { RESET_DISK } from './operations/reset-disk.ts';
import type { ResetDiskState } from './operations/reset-disk.ts';
import { assertUnlocked } from './instance-locks.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, ItemOutcome, ResetDiskRequest, ResetDisksRequest } from './requests.ts';
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
import { planUndo } from './undo.ts';
import { waitSoon } from './wait-soon.ts';

/** Rolls a disk back to a snapshot of its own. */
export async function resetDisk(
  parts: Parts,
  runner: OperationRunner,
  request: ResetDiskRequest,
  options: ChangeOptions,
): Promise<void> {
  const operation = await change(parts, options, async (transaction) => {
    const disk = await getDisk(transaction, request.diskId);
    return await record({ parts, runner, transaction }, disk, await getSnapshot(transaction, request.snapshotId));
  });
  await waitSoon(parts.clock, runner.start(operation).done());
}

/** Rolls disks back to snapshots of one group: all are accepted in one transaction, or none. */
export async function resetDisks(
  parts: Parts,
  runner: OperationRunner,
  { disks }: ResetDisksRequest,
  options: ChangeOptions,
): Promise<ItemOutcome[]> {
  const twice = disks.find(({ diskId }, at) => disks.findIndex((other) => other.diskId === diskId) < at);
  if (twice !== undefined) {
    const message = `The disk ${twice.diskId} is given twice: it can be rolled back to one snapshot.`;
    throw new RequestError('InvalidParameter', message);
  }
  const operations = await change(parts, options, async (transaction) => {
    const recorded: StoredOperation[] = [];
    let groupId: string | null = null;
    for (const asked of disks) {
      const disk = await getDisk(transaction, asked.diskId);
      const snapshot = await getSnapshot(transaction, asked.snapshotId);
      groupId ??= snapshot.snapshot_group_id;
      if (groupId === null || snapshot.snapshot_group_id !== groupId) {
        const message = `The snapshot ${asked.snapshotId} is ${groupId === null ? 'of no group' : `not of the group ${groupId}`}: disks are rolled back together to the snapshots of one group (ResetDisk rolls one back).`;
        throw new RequestError('InvalidParameter.Mismatch', message);
      }
      recorded.push(await record({ parts, runner, transaction }, disk, snapshot));
    }
    return recorded;
  });
  return await Promise.all(
    operations.map((operation) =>
      outcomeOf(operation.subjectId, waitSoon(parts.clock, runner.start(operation).done())),
    ),
  );
}

async function record(
  { parts, runner, transaction }: { parts: Parts; runner: OperationRunner; transaction: Queries },
  disk: DiskRow,
  snapshot: SnapshotRow,
): Promise<StoredOperation> {
  const { disk_id: diskId } = disk;
  const { snapshot_id } = snapshot;
  await assertUnlocked(transaction, 'ResetDisk', disk.instance_id);
  await assertInCredit(transaction, 'rollbacks');
  const unfinished = await listUnfinished(transaction, [diskId]);
  const instance = await findInstanceOf(transaction, disk);
  const facts = { disk: diskFacts(disk), instance, snapshot: snapshotFacts(snapshot), unfinished };
  assertAllowed(refuseResetDisk(facts));
  const releasing = hasInstantSnapshots(disk.category) ? null : 'IncorrectDiskStatus.HasUnfinishedSnapshot';
  await assertIdle(transaction, diskId, { releasing });
  const state: ResetDiskState = {
    diskId,
    statusBefore: disk.status,
    base: baseOfSnapshot(snapshot),
    under: await findBaseUnder(transaction, snapshot),
    incarnation: disk.incarnation + 1,
    undo: await planUndo({ parts, runner, transaction }, disk, { text: snapshot_id, snapshotId: snapshot_id }),
  };
  await updateDisk(transaction, diskId, { status: 'ReIniting' });
  return await runner.record(transaction, RESET_DISK, diskId, state);
}

/** What the frozen view of a snapshot that is not stored yet stands on itself: the disk has that as its base afterwards. */
async function findBaseUnder(transaction: Queries, snapshot: SnapshotRow): Promise<BaseRef | null> {
  if (snapshot.tree !== null) return null;
  const operation = await findOperation(transaction, CREATE_SNAPSHOT, snapshot.snapshot_id);
  const { frozen } = (operation?.state ?? {}) as Partial<CreateSnapshotState>;
  assert(frozen !== undefined, `${snapshot.snapshot_id} is Available and nobody stores it`);
  return frozen.base;
}
