/**
 * ReInitDisk as a request: what is checked and written before anything is done.
 *
 * What a disk began as is in its row from the first, whatever it became. That is no root for the collector (C6): it is
 * given out only while the snapshot or the image that the disk was made from is there, in the transaction that writes it into
 * the operation. Until then the source keeps the bytes, from then on the operation, and at last the disk's base.
 */
import { listDisksOfInstance, updateDisk } from '../catalog/disks.ts';
import type { DiskRow, Queries, SnapshotRow } from '../catalog/schema.ts';
import { findSnapshot } from '../catalog/snapshots.ts';
import type { BaseRef } from '../disk/protocol.ts';
import { refuseReInitDisk } from '../ecs/disk-rules.ts';
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import { change } from './change.ts';
import { firstBaseOf } from './disk-folder.ts';
import { RESET_DISK } from './operations/reset-disk.ts';
import type { ResetDiskState } from './operations/reset-disk.ts';
import { assertUnlocked } from './instance-locks.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, ReInitDiskRequest } from './requests.ts';
import { assertIdle } from './idle-disk.ts';
import { assertAllowed, diskFacts, getDisk, getImage, getInstance, instanceFacts, listUnfinished } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { planUndo } from './undo.ts';
import { waitSoon } from './wait-soon.ts';

/** Answers when the disk is as it began, or goes on in a moment. */
export async function reInitDisk(
  parts: Parts,
  runner: OperationRunner,
  request: ReInitDiskRequest,
  options: ChangeOptions,
): Promise<void> {
  const { diskId } = request;
  const operation = await change(parts, options, async (transaction) => {
    const disk = await getDisk(transaction, diskId);
    await assertUnlocked(transaction, 'ReInitDisk', disk.instance_id);
    await assertReInitAllowed(transaction, disk);
    const state: ResetDiskState = {
      diskId,
      statusBefore: disk.status,
      base: await getFirstBase(transaction, disk),
      incarnation: disk.incarnation + 1,
      undo: await planUndo({ parts, runner, transaction }, disk, { text: 'what it began as', snapshotId: null }),
      ...(request.autoStartInstance && { startInstanceId: await getStartable(transaction, disk) }),
    };
    await updateDisk(transaction, diskId, { status: 'ReIniting' });
    return await runner.record(transaction, RESET_DISK, diskId, state);
  });
  await waitSoon(parts.clock, runner.start(operation).done());
}

async function assertReInitAllowed(transaction: Queries, disk: DiskRow): Promise<void> {
  const { disk_id: diskId, instance_id: instanceId } = disk;
  const [unfinished = null] = await listUnfinished(transaction, [diskId]);
  const row = instanceId === null ? null : await getInstance(transaction, instanceId);
  const instance = row && instanceFacts(row);
  const wasStarted = row !== null && row.started_at_ms !== null;
  assertAllowed(refuseReInitDisk({ disk: diskFacts(disk), instance, wasStarted, unfinished }));
  await assertIdle(transaction, diskId, { releasing: 'DiskCreatingSnapshot' });
}

/** What the disk began as. Throws when what it was made from is deleted: nothing keeps those bytes any more. */
async function getFirstBase(transaction: Queries, disk: DiskRow): Promise<BaseRef> {
  const { disk_id: diskId, image_id: imageId, source_snapshot_id: snapshotId } = disk;
  if (imageId !== null) await getImage(transaction, imageId);
  if (snapshotId !== null) assertSource(diskId, snapshotId, await findSnapshot(transaction, snapshotId));
  const base = firstBaseOf(disk);
  assert(base !== null, `nobody knows what ${diskId} began as, though its source is there`);
  return base;
}

/** A disk that was made from a snapshot before that was stored cannot have its beginning again until it is. */
function assertSource(diskId: string, snapshotId: string, row: SnapshotRow | undefined): void {
  if (row !== undefined && row.tree !== null) return;
  const source = `The snapshot ${snapshotId}, which the disk ${diskId} was created from,`;
  if (row?.status === 'progressing') {
    throw new RequestError('IncorrectDiskStatus', `${source} is not stored yet: wait until it is accomplished.`);
  }
  const end = row === undefined ? 'is deleted' : 'failed';
  throw new RequestError('InvalidSourceSnapshot', `${source} ${end}: the disk cannot be made as it was.`);
}

/** The instance that can be started when this disk is done. */
async function getStartable(transaction: Queries, disk: DiskRow): Promise<string> {
  assert(disk.instance_id !== null, `${disk.disk_id} is attached to nothing`);
  const disks = await listDisksOfInstance(transaction, disk.instance_id);
  if (!disks.some(({ type }) => type === 'system')) {
    throw new RequestError(
      'IncorrectInstanceStatus',
      `The instance ${disk.instance_id} has no system disk, so it cannot be started afterwards: leave AutoStartInstance out.`,
    );
  }
  const busy = disks.find(({ status }) => status !== 'In_use');
  if (busy === undefined) return disk.instance_id;
  throw new RequestError(
    'IncorrectInstanceStatus',
    `The instance ${disk.instance_id} cannot be started afterwards while its disk ${busy.disk_id} is ${busy.status}: wait for that, or leave AutoStartInstance out.`,
  );
}
