/** CreateDisk and AttachDisk as requests: what is checked and written before anything is done. */
import { insertDisk, listDisksOfInstance, updateDisk } from '../catalog/disks.ts';
import type { DiskRow, Queries } from '../catalog/schema.ts';
import { insertTags } from '../catalog/tags.ts';
import { SYSTEM_DEVICE_NAME, findFreeDataDeviceName } from '../ecs/device-names.ts';
import { newId } from '../ecs/ids.ts';
import type { DiskType } from '../ecs/resources.ts';
import { refuseAttachDisk, refuseAttachSystemDisk } from '../ecs/disk-rules.ts';
import type { InstanceFacts } from '../ecs/states.ts';
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import { change } from './change.ts';
import { awaitEarlier, findEarlierResult, rememberResult } from './client-token.ts';
import { findOrigin, newDiskRow, planSizeGib } from './disk-rows.ts';
import { ATTACH_DISK } from './operations/attach-disk.ts';
import type { AttachDiskState } from './operations/attach-disk.ts';
import { CREATE_DISK } from './operations/create-disk.ts';
import { assertUnlocked } from './instance-locks.ts';
import type { Parts } from './parts.ts';
import { applyPolicyTo } from './policies/requests.ts';
import type { AttachDiskRequest, ChangeOptions, CreateDiskRequest } from './requests.ts';
import { assertAllowed, diskFacts, getDisk, getInstance, instanceFacts } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { waitSoon } from './wait-soon.ts';

export async function createDisk(
  parts: Parts,
  runner: OperationRunner,
  request: CreateDiskRequest,
  options: ChangeOptions,
): Promise<{ diskId: string }> {
  const { diskId, operation } = await change(parts, options, async (transaction) => {
    const earlier = await findEarlierResult<{ diskId: string }>(transaction, options.idempotency);
    if (earlier !== null) return { ...earlier, operation: null };
    const row = await insertNewDisk(parts, transaction, request);
    const token = await rememberResult(transaction, options.idempotency, { diskId: row.disk_id }, row.created_at_ms);
    const state = { diskId: row.disk_id, token };
    return { diskId: row.disk_id, operation: await runner.record(transaction, CREATE_DISK, row.disk_id, state) };
  });
  if (operation === null) await awaitEarlier(parts, runner, options.idempotency);
  else await waitSoon(parts.clock, runner.start(operation).done());
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
  const { policyId = null } = request;
  const ofDisk = { diskIds: [row.disk_id], nowMs: row.created_at_ms };
  if (policyId !== null) await applyPolicyTo(transaction, policyId, ofDisk);
  return row;
}

export function assertZone(parts: Parts, zoneId: string): void {
  if (parts.region.zoneIds.includes(zoneId)) return;
  throw new RequestError(
    'InvalidZoneId.NotFound',
    `There is no zone ${zoneId} in ${parts.region.regionId}: there are ${parts.region.zoneIds.join(' and ')}.`,
  );
}

export async function attachDisk(
  parts: Parts,
  runner: OperationRunner,
  request: AttachDiskRequest,
  options: ChangeOptions,
): Promise<void> {
  const operation = await change(parts, options, async (transaction) => {
    const disk = await getDisk(transaction, request.diskId);
    const instance = instanceFacts(await getInstance(transaction, request.instanceId));
    const place = await findPlace(transaction, disk, { instance, request });
    const running = instance.status === 'Running';
    await updateDisk(transaction, request.diskId, {
      status: running ? 'Attaching' : 'In_use',
      instance_id: request.instanceId,
      ...place,
      attached_at_ms: parts.clock.nowMs(),
      delete_with_instance: request.deleteWithInstance ? 1 : 0,
    });
    const state: AttachDiskState = { diskId: request.diskId, typeBefore: disk.type };
    return running ? await runner.record(transaction, ATTACH_DISK, request.diskId, state) : null;
  });
  if (operation !== null) await waitSoon(parts.clock, runner.start(operation).done());
}

/** As what the disk is attached, and where. Throws when it cannot be. */
async function findPlace(
  transaction: Queries,
  disk: DiskRow,
  { instance, request }: { instance: InstanceFacts; request: AttachDiskRequest },
): Promise<{ type: DiskType; device: string }> {
  await assertUnlocked(transaction, 'AttachDisk', instance.instanceId);
  const attached = await listDisksOfInstance(transaction, instance.instanceId);
  const facts = { disk: diskFacts(disk), instance };
  if (request.bootable) {
    const presentSystemDiskId = attached.find(({ type }) => type === 'system')?.disk_id ?? null;
    const homeInstanceId = disk.home_instance_id;
    assertAllowed(refuseAttachSystemDisk({ ...facts, homeInstanceId, presentSystemDiskId }));
    return { type: 'system', device: SYSTEM_DEVICE_NAME };
  }
  const attachedDataDiskCount = attached.filter(({ type }) => type === 'data').length;
  assertAllowed(refuseAttachDisk({ ...facts, attachedDataDiskCount }));
  const devices = attached.map(({ device }) => device);
  return { type: 'data', device: chooseDevice(request.device, devices) };
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
