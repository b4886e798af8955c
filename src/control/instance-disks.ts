/** The disks of new instances: which there are, as image and request say together, and their rows. */
import { insertDisk } from '../catalog/disks.ts';
import type { DiskRow, ImageDiskRow, ImageRow, InstanceRow, Queries } from '../catalog/schema.ts';
import { insertTags } from '../catalog/tags.ts';
import { SYSTEM_DEVICE_NAME } from '../ecs/device-names.ts';
import { newId } from '../ecs/ids.ts';
import type { DiskType, Tag } from '../ecs/resources.ts';
import { DATA_DISK_LIMIT } from '../ecs/states.ts';
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import { findOrigin, newDiskRow, originOfImageDisk, planSizeGib } from './disk-rows.ts';
import type { Origin } from './disk-rows.ts';
import { chooseDevice } from './disks.ts';
import type { Parts } from './parts.ts';
import { applyPolicyTo } from './policies/requests.ts';
import type { NewDisk } from './requests.ts';
import { paidWithInstance } from './subscription-rows.ts';

export const DEFAULT_SYSTEM_DISK_GIB = 40;
const LEAST_SYSTEM_DISK_GIB = 20;

/** A disk that every new instance gets; `wanted.device` is decided. */
export interface PlannedDisk {
  type: DiskType;
  wanted: NewDisk & { device: string };
  sizeGib: number;
  origin: Origin;
  /** The image it comes from, else null. */
  imageId: string | null;
}

/** The system disk first. Throws a RequestError with the documented code for what cannot be. */
export async function planDisks(
  transaction: Queries,
  image: { row: ImageRow; disks: ImageDiskRow[] },
  asked: { systemDisk: NewDisk; dataDisks: NewDisk[] },
): Promise<PlannedDisk[]> {
  const [system, ...data] = image.disks;
  assert(system?.type === 'system', `${image.row.image_id} has no system disk`);
  return [
    planSystemDisk(image.row, system, asked.systemDisk),
    ...(await planDataDisks(transaction, data, asked.dataDisks)),
  ];
}

function planSystemDisk(image: ImageRow, imageDisk: ImageDiskRow, asked: NewDisk): PlannedDisk {
  assertSystemDiskSize(image, asked.sizeGib);
  const origin = originOfImageDisk(imageDisk);
  const wanted = { ...asked, sizeGib: asked.sizeGib ?? DEFAULT_SYSTEM_DISK_GIB, device: SYSTEM_DEVICE_NAME };
  const sizeGib = planSizeGib(wanted, 'system', origin, 'InvalidSystemDiskSize.MoreThanMaxSize');
  return { type: 'system', wanted, sizeGib, origin, imageId: image.image_id };
}

/** At least max(20, image). */
export function assertSystemDiskSize(image: ImageRow, sizeGib: number | null): void {
  if (sizeGib === null) return;
  if (sizeGib < image.size_gib) {
    throw new RequestError(
      'InvalidSystemDiskSize.LessThanImageSize',
      `The image ${image.image_id} has ${image.size_gib} GiB: SystemDisk.Size cannot be ${sizeGib}.`,
    );
  }
  if (sizeGib >= LEAST_SYSTEM_DISK_GIB) return;
  throw new RequestError(
    'InvalidSystemDiskSize.LessThanMinSize',
    `A system disk has at least ${LEAST_SYSTEM_DISK_GIB} GiB: SystemDisk.Size cannot be ${sizeGib}.`,
  );
}

/** The image's data disks come by themselves; one that is asked for with the device of such a one says how it is to be. */
async function planDataDisks(
  transaction: Queries,
  imageDisks: ImageDiskRow[],
  asked: NewDisk[],
): Promise<PlannedDisk[]> {
  const isOfImage = (device: string | null) => imageDisks.some((disk) => disk.device === device);
  const added = asked.filter(({ device }) => !isOfImage(device));
  const count = imageDisks.length + added.length;
  if (count > DATA_DISK_LIMIT) {
    throw new RequestError(
      'InstanceDiskNumber.LimitExceed',
      `An instance has at most ${DATA_DISK_LIMIT} data disks, not ${count}; ${imageDisks.length} are the image's.`,
    );
  }
  assertDevicesDiffer(asked);
  const planned = imageDisks.map((disk) =>
    planImageDisk(
      disk,
      asked.find(({ device }) => device === disk.device),
    ),
  );
  const taken = [...planned.map(({ wanted }) => wanted.device), ...added.flatMap(({ device }) => device ?? [])];
  for (const disk of added) {
    const device = disk.device ?? chooseDevice(null, taken);
    taken.push(device);
    planned.push(await planAddedDisk(transaction, { ...disk, device }));
  }
  return planned;
}

function planImageDisk(imageDisk: ImageDiskRow, asked: NewDisk | undefined): PlannedDisk {
  const { device, size_gib: leastGib, image_id: imageId } = imageDisk;
  if (asked !== undefined && asked.snapshotId !== null) {
    throw new RequestError(
      'InvalidDevice.InUse',
      `The device ${device} is a data disk of the image ${imageId}: a disk from a snapshot needs another device.`,
    );
  }
  if (asked !== undefined && asked.sizeGib !== null && asked.sizeGib < leastGib) {
    throw new RequestError(
      'InvalidDiskSize.TooSmall',
      `The disk ${device} of the image ${imageId} has ${leastGib} GiB: Size cannot be ${asked.sizeGib}.`,
    );
  }
  const wanted = { ...(asked ?? imageDataDisk), device };
  const origin = originOfImageDisk(imageDisk);
  return { type: 'data', wanted, sizeGib: planSizeGib(wanted, 'data', origin), origin, imageId };
}

/** A data disk of an image about which the request says nothing: the defaults of `DataDisk.N`. */
const imageDataDisk: Omit<NewDisk, 'device'> = {
  category: 'cloud_efficiency',
  performanceLevel: null,
  sizeGib: null,
  snapshotId: null,
  diskName: '',
  description: '',
  deleteWithInstance: true,
};

/** 4.4: snapshots of system disks are refused here, and a snapshot's size wins over the size that is asked for. */
async function planAddedDisk(transaction: Queries, wanted: NewDisk & { device: string }): Promise<PlannedDisk> {
  const codes = { notFound: 'InvalidDataDiskSnapshotId.NotFound', notReady: 'InvalidSnapshotId.NotReady' };
  const origin = await findOrigin(transaction, wanted.snapshotId, codes);
  if (origin.snapshot?.source_disk_type === 'system') {
    throw new RequestError(
      'InvalidSnapshotId.NotDataDiskSnapshot',
      `${wanted.snapshotId} is a system disk snapshot: make a disk from it with CreateDisk and attach that.`,
    );
  }
  const size = wanted.snapshotId === null ? wanted : { ...wanted, sizeGib: null };
  return { type: 'data', wanted, sizeGib: planSizeGib(size, 'data', origin), origin, imageId: null };
}

function assertDevicesDiffer(asked: NewDisk[]): void {
  const devices = asked.flatMap(({ device }) => device ?? []);
  const twice = devices.find((device, index) => devices.indexOf(device) !== index);
  if (twice === undefined) return;
  throw new RequestError(
    'InvalidDevice.InUse',
    `The device ${twice} is asked for by two data disks; give each its own or leave it out.`,
  );
}

/** The rows of one instance's disks, `Creating` and attached, each with the instance's tags. */
export async function insertDisks(
  parts: Parts,
  transaction: Queries,
  asked: { row: InstanceRow; disks: PlannedDisk[]; tags: Tag[] },
): Promise<void> {
  for (const planned of asked.disks) {
    const disk = attachedRow(parts, asked.row, planned);
    await insertDisk(transaction, disk);
    await insertTags(transaction, disk.disk_id, asked.tags);
    const { policyId = null } = planned.wanted;
    const ofDisk = { diskIds: [disk.disk_id], nowMs: disk.created_at_ms };
    if (policyId !== null) await applyPolicyTo(transaction, policyId, ofDisk);
  }
}

/** What a disk is made from is said once: by the image, or else by the snapshot. */
function attachedRow(parts: Parts, instance: InstanceRow, planned: PlannedDisk): DiskRow {
  const { type, wanted, sizeGib, origin, imageId } = planned;
  const fresh = newDiskRow({
    ...wanted,
    diskId: newId('d-', parts.region.regionId, parts.random),
    zoneId: instance.zone_id,
    sizeGib,
    origin,
    resourceGroupId: instance.resource_group_id,
    nowMs: instance.created_at_ms,
  });
  return {
    ...fresh,
    type,
    instance_id: instance.instance_id,
    device: wanted.device,
    attached_at_ms: instance.created_at_ms,
    delete_with_instance: wanted.deleteWithInstance ? 1 : 0,
    portable: type === 'system' ? 0 : 1,
    ...(instance.expires_at_ms !== null && paidWithInstance),
    source_snapshot_id: imageId === null ? fresh.source_snapshot_id : null,
    image_id: imageId,
    home_instance_id: type === 'system' ? instance.instance_id : null,
  };
}
