/** CreateDisk and AttachDisk as requests: what is checked and written before anything is done. */
import { insertDisk, listDisksOfInstance, updateDisk } from '../catalog/disks.ts';
import { listInstanceLocks } from '../catalog/instance-locks.ts';
import type { DiskRow, Queries } from '../catalog/schema.ts';
import { insertTags } from '../catalog/tags.ts';
import { SYSTEM_DEVICE_NAME, findFreeDataDeviceName } from '../ecs/device-names.ts';
import { newId } from '../ecs/ids.ts';
import type { DiskType } from '../ecs/resources.ts';
import { refuseAttachDisk, refuseAttachSystemDisk, refusePrePaidDisk } from '../ecs/disk-rules.ts';
import type { InstanceFacts } from '../ecs/states.ts';
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import { assertInCredit } from './account-lock.ts';
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
import { newOrderId, paidWithInstance } from './subscription-rows.ts';
import { waitSoon } from './wait-soon.ts';

export async function createDisk(
  parts: Parts,
  runner: OperationRunner,
  request: CreateDiskRequest,
  options: ChangeOptions,
): Promise<NewDisk> {
  const { operation, ...answer } = await change(parts, options, async (transaction) => {
    const earlier = await findEarlierResult<NewDisk>(transaction, options.idempotency);
    if (earlier !== null) return { ...earlier, operation: null };
    const row = await insertNewDisk(parts, transaction, request);
    const orderId = row.prepaid === 1 ? newOrderId(parts) : null;
    const result = { diskId: row.disk_id, orderId };
    const token = await rememberResult(transaction, options.idempotency, result, row.created_at_ms);
    const state = { diskId: row.disk_id, token };
    return { ...result, operation: await runner.record(transaction, CREATE_DISK, row.disk_id, state) };
  });
  if (operation === null) await awaitEarlier(parts, runner, options.idempotency);
  else await waitSoon(parts.clock, runner.start(operation).done());
  return answer;
}

interface NewDisk {
  diskId: string;
  /** Of one that is paid with its instance; null: there is none. */
  orderId: string | null;
}

/** The row of a new data disk, `Creating`, with its tags. One of a PrePaid instance has its place there. */
export async function insertNewDisk(parts: Parts, transaction: Queries, request: CreateDiskRequest): Promise<DiskRow> {
  await assertInCredit(transaction, 'disks');
  const { instanceId = null } = request;
  const place = instanceId === null ? null : await findPrePaidPlace(transaction, instanceId);
  const zoneId = place?.zoneId ?? request.zoneId;
  assertZone(parts, zoneId);
  const codes = { notFound: 'InvalidSnapshotId.NotFound', notReady: 'InvalidSnapshot.NotReady' };
  const origin = await findOrigin(transaction, request.snapshotId, codes);
  const fresh = newDiskRow({
    ...request,
    zoneId,
    diskId: newId('d-', parts.region.regionId, parts.random),
    sizeGib: planSizeGib(request, 'data', origin),
    origin,
    nowMs: parts.clock.nowMs(),
  });
  const attached = place === null ? {} : { ...place.attached, attached_at_ms: fresh.created_at_ms };
  const row: DiskRow = { ...fresh, ...attached };
  await insertDisk(transaction, row);
  await insertTags(transaction, row.disk_id, request.tags);
  const { policyId = null } = request;
  const ofDisk = { diskIds: [row.disk_id], nowMs: row.created_at_ms };
  if (policyId !== null) await applyPolicyTo(transaction, policyId, ofDisk);
  return row;
}

/** Where a disk of the instance is that is paid with it. Throws when there can be none. */
async function findPrePaidPlace(transaction: Queries, instanceId: string) {
  const row = await getInstance(transaction, instanceId);
  const disks = await listDisksOfInstance(transaction, instanceId);
  const locks = (await listInstanceLocks(transaction, [instanceId])).get(instanceId) ?? [];
  const attachedDataDiskCount = disks.filter(({ type }) => type === 'data').length;
  const isPrePaid = row.expires_at_ms !== null;
  assertAllowed(refusePrePaidDisk({ instance: instanceFacts(row), isPrePaid, locks, attachedDataDiskCount }));
  const devices = disks.map(({ device }) => device);
  const attached = { ...paidWithInstance, instance_id: instanceId, device: chooseDevice(null, devices) };
  return { zoneId: row.zone_id, attached };
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
    await assertInCredit(transaction, 'disks to instances', 'DiskInArrears');
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
