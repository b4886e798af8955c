/** CreateDisk, AttachDisk and ResetDisk as requests: what is checked and written before anything is done. */
import { insertDisk, listDisksOfInstance, updateDisk } from '../catalog/disks.ts';
import type { DiskRow, Queries } from '../catalog/schema.ts';
import { insertTags } from '../catalog/tags.ts';
import { findFreeDataDeviceName } from '../ecs/device-names.ts';
import { newId } from '../ecs/ids.ts';
import { refuseAttachDisk, refuseResetDisk } from '../ecs/states.ts';
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { findEarlierResult, rememberResult } from './client-token.ts';
import { findOrigin, newDiskRow, planSizeGib } from './disk-rows.ts';
import { ATTACH_DISK } from './operations/attach-disk.ts';
import { CREATE_DISK } from './operations/create-disk.ts';
import { RESET_DISK } from './operations/reset-disk.ts';
import type { ResetDiskState } from './operations/reset-disk.ts';
import type { Parts } from './parts.ts';
import type { AttachDiskRequest, CreateDiskRequest, Idempotency } from './requests.ts';
import {
  assertAllowed,
  diskFacts,
  findInstanceOf,
  getDisk,
  getInstance,
  getSnapshot,
  instanceFacts,
  listUnfinished,
  snapshotFacts,
} from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { assertNotReleasing } from './snapshots.ts';
import { waitSoon } from './wait-soon.ts';

export async function createDisk(
  parts: Parts,
  runner: OperationRunner,
  request: CreateDiskRequest,
  idempotency: Idempotency | null,
): Promise<{ diskId: string }> {
  const { diskId, operation } = await parts.catalog.transaction(async (transaction) => {
    const earlier = await findEarlierResult<{ diskId: string }>(transaction, idempotency);
    if (earlier !== null) return { ...earlier, operation: null };
    const row = await insertNewDisk(parts, transaction, request);
    const token = await rememberResult(transaction, idempotency, { diskId: row.disk_id }, row.created_at_ms);
    const state = { diskId: row.disk_id, token };
    return { diskId: row.disk_id, operation: await runner.record(transaction, CREATE_DISK, row.disk_id, state) };
  });
  if (operation !== null) await waitSoon(parts.clock, runner.start(operation).done());
  return { diskId };
}

/** The row of a new data disk, `Creating`, with its tags. */
export async function insertNewDisk(parts: Parts, transaction: Queries, request: CreateDiskRequest): Promise<DiskRow> {
  assertZone(parts, request.zoneId);
  const codes = { notFound: 'InvalidSnapshotId.NotFound', notReady: 'InvalidSnapshot.NotReady' };
  const origin = await findOrigin(transaction, request.snapshotId, codes);
  const row = newDiskRow({
    ...request,
    diskId: newId('d-', parts.region.regionId, parts.random),
    sizeGib: planSizeGib(request, 'data', origin),
    origin,
    nowMs: parts.clock.nowMs(),
  });
  await insertDisk(transaction, row);
  await insertTags(transaction, row.disk_id, request.tags);
  return row;
}

export function assertZone(parts: Parts, zoneId: string): void {
  if (parts.region.zoneIds.includes(zoneId)) return;
  throw new RequestError(
    'InvalidZoneId.NotFound',
    `There is no zone ${zoneId} in ${parts.region.regionId}: there are ${parts.region.zoneIds.join(' and ')}.`,
  );
}

export async function attachDisk(parts: Parts, runner: OperationRunner, request: AttachDiskRequest): Promise<void> {
  const operation = await parts.catalog.transaction(async (transaction) => {
    const disk = await getDisk(transaction, request.diskId);
    const instance = instanceFacts(await getInstance(transaction, request.instanceId));
    const attached = await listDisksOfInstance(transaction, request.instanceId);
    const attachedDataDiskCount = attached.filter(({ type }) => type === 'data').length;
    assertAllowed(refuseAttachDisk({ disk: diskFacts(disk), instance, attachedDataDiskCount }));
    const running = instance.status === 'Running';
    await updateDisk(transaction, request.diskId, {
      status: running ? 'Attaching' : 'In_use',
      instance_id: request.instanceId,
      device: chooseDevice(
        request.device,
        attached.map(({ device }) => device),
      ),
      attached_at_ms: parts.clock.nowMs(),
      delete_with_instance: request.deleteWithInstance ? 1 : 0,
    });
    return running ? await runner.record(transaction, ATTACH_DISK, request.diskId, { diskId: request.diskId }) : null;
  });
  if (operation !== null) await waitSoon(parts.clock, runner.start(operation).done());
}

/** The wanted name if it is free, else the first that is. Throws `InvalidDevice.InUse`. */
export function chooseDevice(wanted: string | null, used: (string | null)[]): string {
  const taken = used.filter((device) => device !== null);
  if (wanted === null) {
    const free = findFreeDataDeviceName(taken);
    assert(free !== null, 'more device names are in use than disks can be attached');
    return free;
  }
  if (!taken.includes(wanted)) return wanted;
  throw new RequestError('InvalidDevice.InUse', `The device ${wanted} is in use: choose another, or leave it out.`);
}

/** Rolls a disk back to a snapshot of its own. */
export async function resetDisk(
  parts: Parts,
  runner: OperationRunner,
  request: { diskId: string; snapshotId: string },
): Promise<void> {
  const operation = await parts.catalog.transaction(async (transaction) => {
    const disk = await getDisk(transaction, request.diskId);
    const snapshot = await getSnapshot(transaction, request.snapshotId);
    const [unfinished = null] = await listUnfinished(transaction, [request.diskId]);
    const instance = await findInstanceOf(transaction, disk);
    const facts = { disk: diskFacts(disk), instance, snapshot: snapshotFacts(snapshot), unfinished };
    assertAllowed(refuseResetDisk(facts));
    await assertNotReleasing(transaction, request.diskId, 'IncorrectDiskStatus.HasUnfinishedSnapshot');
    const state: ResetDiskState = {
      diskId: request.diskId,
      statusBefore: disk.status,
      base: { snapshotId: request.snapshotId, tree: JSON.parse(snapshot.tree ?? 'null') as TreeRef },
      incarnation: disk.incarnation + 1,
    };
    await updateDisk(transaction, request.diskId, { status: 'ReIniting' });
    return await runner.record(transaction, RESET_DISK, request.diskId, state);
  });
  await waitSoon(parts.clock, runner.start(operation).done());
}
