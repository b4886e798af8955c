/** ReInitDisk as a request: what is checked and written before anything is done. */
import { listDisksOfInstance, updateDisk } from '../catalog/disks.ts';
import { listImageDisks } from '../catalog/images.ts';
import type { DiskRow, Queries } from '../catalog/schema.ts';
import { findSnapshot } from '../catalog/snapshots.ts';
import type { BaseRef } from '../disk/protocol.ts';
import { refuseReInitDisk } from '../ecs/disk-rules.ts';
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { change } from './change.ts';
import { emptyOrigin, originOfImageDisk } from './disk-rows.ts';
import { RESET_DISK } from './operations/reset-disk.ts';
import type { ResetDiskState } from './operations/reset-disk.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, ReInitDiskRequest } from './requests.ts';
import { assertNotResizing } from './resizing.ts';
import { assertAllowed, diskFacts, getDisk, getImage, getInstance, instanceFacts, listUnfinished } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { assertNotReleasing } from './snapshots.ts';
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
    await assertReInitAllowed(transaction, disk);
    const state: ResetDiskState = {
      diskId,
      statusBefore: disk.status,
      base: await findFirstBase(transaction, disk),
      incarnation: disk.incarnation + 1,
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
  await assertNotReleasing(transaction, diskId, 'DiskCreatingSnapshot');
  await assertNotResizing(transaction, diskId);
}

/** What the disk began as: a system disk as its image, another as its snapshot, or empty. */
async function findFirstBase(transaction: Queries, disk: DiskRow): Promise<BaseRef> {
  const { image_id: imageId, source_snapshot_id: snapshotId } = disk;
  if (disk.origin_instance_id !== null && imageId !== null) {
    await getImage(transaction, imageId);
    const [systemDisk] = await listImageDisks(transaction, [imageId]);
    assert(systemDisk?.type === 'system', `${imageId} has no system disk`);
    return originOfImageDisk(systemDisk).base;
  }
  if (snapshotId === null) return emptyOrigin.base;
  const snapshot = await findSnapshot(transaction, snapshotId);
  if (snapshot !== undefined) return { snapshotId, tree: JSON.parse(snapshot.tree ?? 'null') as TreeRef };
  throw new RequestError(
    'InvalidSourceSnapshot',
    `The snapshot ${snapshotId}, which the disk ${disk.disk_id} was created from, is deleted: the disk cannot be made as it was.`,
  );
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
