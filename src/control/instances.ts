/** RunInstances, StartInstance and StopInstance as requests: what is checked and written before anything is done. */
import { insertDisk, listDisksOfInstance } from '../catalog/disks.ts';
import { findImage } from '../catalog/images.ts';
import { insertInstance, updateInstance } from '../catalog/instances.ts';
import type { ImageRow, InstanceRow, Queries } from '../catalog/schema.ts';
import { findSetting, putSetting } from '../catalog/settings.ts';
import { insertTags } from '../catalog/tags.ts';
import { SYSTEM_DEVICE_NAME } from '../ecs/device-names.ts';
import { newId } from '../ecs/ids.ts';
import { DATA_DISK_LIMIT, INSTANCE_AMOUNT_LIMIT, refuseStartInstance, refuseStopInstance } from '../ecs/states.ts';
import { RequestError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import { findEarlierResult, rememberResult } from './client-token.ts';
import { emptyOrigin, findOrigin, newDiskRow, originOfImage, planSizeGib } from './disk-rows.ts';
import type { Origin } from './disk-rows.ts';
import { assertZone, chooseDevice } from './disks.ts';
import { RUN_INSTANCES } from './operations/run-instances.ts';
import { START_INSTANCE } from './operations/start-instance.ts';
import { STOP_INSTANCE } from './operations/stop-instance.ts';
import type { Parts } from './parts.ts';
import type { Idempotency, NewDisk, RunInstancesRequest } from './requests.ts';
import { assertAllowed, diskFacts, getInstance, instanceFacts, listUnfinished } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { waitSoon } from './wait-soon.ts';

const DEFAULT_SYSTEM_DISK_GIB = 40;

export async function runInstances(
  parts: Parts,
  runner: OperationRunner,
  request: RunInstancesRequest,
  idempotency: Idempotency | null,
): Promise<{ instanceIds: string[] }> {
  assertZone(parts, request.zoneId);
  assertAmounts(request);
  const { instanceIds, operation } = await parts.catalog.transaction(async (transaction) => {
    const earlier = await findEarlierResult<{ instanceIds: string[] }>(transaction, idempotency);
    if (earlier !== null) return { ...earlier, operation: null };
    const created = await insertInstances(parts, transaction, request);
    const token = await rememberResult(transaction, idempotency, { instanceIds: created }, parts.clock.nowMs());
    const state = { instanceIds: created, token };
    return {
      instanceIds: created,
      operation: await runner.record(transaction, RUN_INSTANCES, created[0] ?? '', state),
    };
  });
  if (operation !== null) await waitSoon(parts.clock, runner.start(operation).done());
  return { instanceIds };
}

function assertAmounts(request: RunInstancesRequest): void {
  if (request.amount < 1 || request.amount > INSTANCE_AMOUNT_LIMIT) {
    throw new RequestError('InvalidAmount.ValueNotSupported', `Amount is 1 to ${INSTANCE_AMOUNT_LIMIT}.`);
  }
  if (request.dataDisks.length > DATA_DISK_LIMIT) {
    throw new RequestError('InstanceDiskNumber.LimitExceed', `An instance has at most ${DATA_DISK_LIMIT} data disks.`);
  }
}

async function insertInstances(parts: Parts, transaction: Queries, request: RunInstancesRequest): Promise<string[]> {
  const image = await findImage(transaction, request.imageId);
  if (image === undefined) {
    throw new RequestError(
      'InvalidImageId.NotFound',
      `There is no image ${request.imageId}: DescribeImages lists those that there are.`,
    );
  }
  const origins = await findDataOrigins(transaction, request.dataDisks);
  const created: string[] = [];
  for (let index = 0; index < request.amount; index++) {
    const row = await newInstanceRow(parts, transaction, request, index);
    await insertInstance(transaction, row);
    await insertTags(transaction, row.instance_id, request.tags);
    await insertSystemDisk(parts, transaction, { request, row, image });
    await insertDataDisks(parts, transaction, { request, row, origins });
    created.push(row.instance_id);
  }
  return created;
}

/** 4.4: snapshots of system disks are refused here, and a snapshot's size wins over the size that is asked for. */
async function findDataOrigins(transaction: Queries, dataDisks: NewDisk[]): Promise<Origin[]> {
  const codes = { notFound: 'InvalidDataDiskSnapshotId.NotFound', notReady: 'InvalidSnapshotId.NotReady' };
  const origins: Origin[] = [];
  for (const disk of dataDisks) {
    const origin = await findOrigin(transaction, disk.snapshotId, codes);
    if (origin.snapshot?.source_disk_type === 'system') {
      throw new RequestError(
        'InvalidSnapshotId.NotDataDiskSnapshot',
        `${disk.snapshotId} is a system disk snapshot: make a disk from it with CreateDisk and attach that.`,
      );
    }
    origins.push(origin);
  }
  return origins;
}

async function newInstanceRow(
  parts: Parts,
  transaction: Queries,
  request: RunInstancesRequest,
  index: number,
): Promise<InstanceRow> {
  const { regionId } = parts.region;
  const instanceId = newId('i-', regionId, parts.random);
  const address = await nextAddress(transaction);
  return {
    instance_id: instanceId,
    instance_name: request.instanceNames[index] ?? instanceId,
    host_name: request.hostName ?? `iZ${instanceId.slice(2)}Z`,
    description: request.description,
    zone_id: request.zoneId,
    instance_type: request.instanceType,
    image_id: request.imageId,
    status: 'Pending',
    created_at_ms: parts.clock.nowMs(),
    started_at_ms: null,
    serial_number: newUuid(parts.random),
    mac_address: address.mac,
    private_ip: address.ip,
    network_interface_id: newId('eni-', regionId, parts.random),
  };
}

/** Addresses are given out in order and never again: 172.16.0.2 … , 00:16:3e:00:00:01 … */
async function nextAddress(transaction: Queries): Promise<{ ip: string; mac: string }> {
  const number = 1 + Number((await findSetting(transaction, 'addresses')) ?? '0');
  await putSetting(transaction, 'addresses', String(number));
  const host = number + 1;
  const ip = `172.${16 + ((host >> 16) & 15)}.${(host >> 8) & 255}.${host & 255}`;
  const mac = [16, 8, 0].map((shift) => ((number >> shift) & 255).toString(16).padStart(2, '0')).join(':');
  return { ip, mac: `00:16:3e:${mac}` };
}

/** A random UUID, lower-case (RFC 9562, version 4). */
function newUuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

async function insertSystemDisk(
  parts: Parts,
  transaction: Queries,
  asked: { request: RunInstancesRequest; row: InstanceRow; image: ImageRow },
): Promise<void> {
  const { request, row, image } = asked;
  const { systemDisk } = request;
  if (systemDisk.sizeGib !== null && systemDisk.sizeGib < image.size_gib) {
    throw new RequestError(
      'InvalidSystemDiskSize.LessThanImageSize',
      `The image ${image.image_id} has ${image.size_gib} GiB: SystemDisk.Size cannot be ${systemDisk.sizeGib}.`,
    );
  }
  const wanted = { ...systemDisk, sizeGib: systemDisk.sizeGib ?? DEFAULT_SYSTEM_DISK_GIB };
  const origin = originOfImage(image);
  const fresh = newDiskRow({
    ...systemDisk,
    diskId: newId('d-', parts.region.regionId, parts.random),
    zoneId: row.zone_id,
    sizeGib: planSizeGib(wanted, 'system', origin),
    origin,
    nowMs: row.created_at_ms,
  });
  await insertDisk(transaction, {
    ...fresh,
    type: 'system',
    instance_id: row.instance_id,
    device: SYSTEM_DEVICE_NAME,
    attached_at_ms: row.created_at_ms,
    delete_with_instance: systemDisk.deleteWithInstance ? 1 : 0,
    portable: 0,
    source_snapshot_id: null,
    image_id: image.image_id,
  });
}

async function insertDataDisks(
  parts: Parts,
  transaction: Queries,
  asked: { request: RunInstancesRequest; row: InstanceRow; origins: Origin[] },
): Promise<void> {
  const { request, row, origins } = asked;
  const devices: (string | null)[] = request.dataDisks.map(({ device }) => device);
  for (const [index, disk] of request.dataDisks.entries()) {
    const origin = origins[index] ?? emptyOrigin;
    const wanted = disk.snapshotId === null ? disk : { ...disk, sizeGib: null };
    const device = chooseDevice(disk.device, devices.toSpliced(index, 1));
    devices[index] = device;
    const fresh = newDiskRow({
      ...disk,
      diskId: newId('d-', parts.region.regionId, parts.random),
      zoneId: row.zone_id,
      sizeGib: planSizeGib(wanted, 'data', origin),
      origin,
      nowMs: row.created_at_ms,
    });
    await insertDisk(transaction, {
      ...fresh,
      instance_id: row.instance_id,
      device,
      attached_at_ms: row.created_at_ms,
      delete_with_instance: disk.deleteWithInstance ? 1 : 0,
    });
  }
}

export async function startInstance(parts: Parts, runner: OperationRunner, instanceId: string): Promise<void> {
  const operation = await parts.catalog.transaction(async (transaction) => {
    const instance = instanceFacts(await getInstance(transaction, instanceId));
    const disks = await listDisksOfInstance(transaction, instanceId);
    assertAllowed(refuseStartInstance(instance, disks.map(diskFacts)));
    await updateInstance(transaction, instanceId, { status: 'Starting' });
    return await runner.record(transaction, START_INSTANCE, instanceId, { instanceId });
  });
  await waitSoon(parts.clock, runner.start(operation).done());
}

export async function stopInstance(parts: Parts, runner: OperationRunner, instanceId: string): Promise<void> {
  const operation = await parts.catalog.transaction(async (transaction) => {
    const instance = instanceFacts(await getInstance(transaction, instanceId));
    const disks = await listDisksOfInstance(transaction, instanceId);
    const unfinished = await listUnfinished(
      transaction,
      disks.map((row) => row.disk_id),
    );
    assertAllowed(refuseStopInstance(instance, disks.map(diskFacts), unfinished));
    await updateInstance(transaction, instanceId, { status: 'Stopping' });
    return await runner.record(transaction, STOP_INSTANCE, instanceId, { instanceId });
  });
  await waitSoon(parts.clock, runner.start(operation).done());
}
