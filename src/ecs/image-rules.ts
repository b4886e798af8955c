/**
 * What an image may be made of and when it may be changed (`ecs-api.md` 2.5, 3.4, 4.5), as pure functions: a refusal says
 * why not, null that nothing is wrong. The control plane asks them inside the transaction that acts on the answer.
 */
import { SYSTEM_DEVICE_NAME, findFreeDataDeviceName } from './device-names.ts';
import { GIB } from '../lib/geometry.ts';
import { findNameProblem } from './names.ts';
import type { DiskType, ImageStatus } from './resources.ts';
import { DATA_DISK_LIMIT, refusal } from './states.ts';
import type { InstanceFacts, Refusal } from './states.ts';

/** Of a disk without a snapshot (GiB). */
const EMPTY_DISK = { leastGib: 5, mostGib: 32768, defaultGib: 20 };
const MOST_GIB: Record<DiskType, number> = { system: 2048, data: 65536 };

/** Accounts that an image is shared with. */
const SHARE_LIMIT = 50;
/** The most that ImportImage takes, of a system disk and of others. */
const MOST_IMPORTED_GIB = 2048;

/** What a disk of an image is asked to be; the snapshot is there and accomplished. */
export interface WantedImageDisk {
  device: string | null;
  type: DiskType | null;
  sizeGib: number | null;
  snapshot: { snapshotId: string; sizeGib: number; sourceDiskType: DiskType } | null;
}

export interface PlannedImageDisk {
  device: string;
  type: DiskType;
  sizeGib: number;
  snapshotId: string | null;
}

/** `DiskDeviceMapping.N` as disks, the system disk first; or why they make no image. */
export function planImageDisks(wanted: WantedImageDisk[]): PlannedImageDisk[] | Refusal {
  const typed = wanted.map((disk) => ({ ...disk, type: typeOf(disk) }));
  const problem = findCountProblem(typed) ?? findDeviceProblem(typed) ?? findSizeProblem(typed);
  if (problem !== null) return problem;
  const taken = typed.flatMap(({ device }) => (device === null ? [] : dataDeviceOf(device)));
  const planned = typed.map(({ type, sizeGib, snapshot, device }) => {
    const own = type === 'system' ? SYSTEM_DEVICE_NAME : nameDevice(device, taken);
    const size = sizeGib ?? snapshot?.sizeGib ?? EMPTY_DISK.defaultGib;
    return { device: own, type, sizeGib: size, snapshotId: snapshot?.snapshotId ?? null };
  });
  return planned.sort((a, b) => Number(b.type === 'system') - Number(a.type === 'system'));
}

function typeOf({ type, snapshot, device }: WantedImageDisk): DiskType {
  return type ?? snapshot?.sourceDiskType ?? (isSystemDevice(device) ? 'system' : 'data');
}

type TypedDisk = WantedImageDisk & { type: DiskType };

function findCountProblem(disks: TypedDisk[]): Refusal | null {
  const systemDisks = disks.filter(({ type }) => type === 'system');
  if (!systemDisks.some(({ snapshot }) => snapshot !== null)) {
    return refusal(
      'InvalidSystemSnapshot.Missing',
      'None of the disks is a snapshot of a system disk: an image needs one (or DiskType=system for a data disk snapshot that holds a system).',
    );
  }
  if (systemDisks.length > 1) {
    return refusal('OperationDenied', `An image has one system disk, not ${systemDisks.length}.`);
  }
  const dataDiskCount = disks.length - 1;
  if (dataDiskCount <= DATA_DISK_LIMIT) return null;
  return refusal('OperationDenied', `An image has at most ${DATA_DISK_LIMIT} data disks, not ${dataDiskCount}.`);
}

function findDeviceProblem(disks: TypedDisk[]): Refusal | null {
  for (const { device, type } of disks) {
    if (device === null) continue;
    const fits = type === 'system' ? isSystemDevice(device) : dataDeviceOf(device).length === 1;
    if (!fits) {
      return refusal(
        'InvalidDevice.Malformed',
        `${JSON.stringify(device)} cannot be the device of a ${type} disk: the system disk is ${SYSTEM_DEVICE_NAME}, data disks are /dev/xvdb to /dev/xvdz.`,
      );
    }
  }
  const names = disks.flatMap(({ device }) => (device === null ? [] : dataDeviceOf(device)));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return null;
  return refusal('InvalidDevice.InUse', `The device ${twice} is asked for by two disks: give each its own.`);
}

function findSizeProblem(disks: TypedDisk[]): Refusal | null {
  for (const { sizeGib, snapshot, type } of disks) {
    const size = sizeGib ?? snapshot?.sizeGib ?? EMPTY_DISK.defaultGib;
    const leastGib = snapshot?.sizeGib ?? EMPTY_DISK.leastGib;
    const mostGib = snapshot === null ? EMPTY_DISK.mostGib : Math.max(MOST_GIB[type], snapshot.sizeGib);
    if (size >= leastGib && size <= mostGib) continue;
    const what = snapshot === null ? 'an empty disk' : `a ${type} disk from ${snapshot.snapshotId}`;
    return refusal('InvalidSize.ValueNotSupported', `${what} has ${leastGib} to ${mostGib} GiB, not ${size}.`);
  }
  return null;
}

function isSystemDevice(device: string | null): boolean {
  return device === SYSTEM_DEVICE_NAME || device === '/dev/vda';
}

/** `/dev/vdb`, as newer texts write it, is `/dev/xvdb`; empty for what is no data disk of an image. */
function dataDeviceOf(device: string): string[] {
  const letter = /^\/dev\/x?vd([b-z])$/.exec(device)?.[1];
  return letter === undefined ? [] : [`/dev/xvd${letter}`];
}

function nameDevice(device: string | null, taken: string[]): string {
  if (device !== null) return dataDeviceOf(device)[0] ?? device;
  const free = findFreeDataDeviceName(taken) ?? '';
  taken.push(free);
  return free;
}

/** 4.5: `disk` is the snapshot's source if it is there still. */
export function refuseImageFromSnapshot(
  snapshot: { snapshotId: string; sourceDiskType: DiskType },
  disk: { diskId: string; type: DiskType } | null,
): Refusal | null {
  if (snapshot.sourceDiskType !== 'system' || disk?.type !== 'data') return null;
  return refusal(
    'OperationDenied',
    `The snapshot ${snapshot.snapshotId} is not allowed to create an image: its disk ${disk.diskId} was a system disk then and is a data disk now.`,
  );
}

/** SnapshotId alone: only a snapshot of a system disk will do. */
export function refuseSystemDiskFrom(snapshot: { snapshotId: string; sourceDiskType: DiskType }): Refusal | null {
  if (snapshot.sourceDiskType === 'system') return null;
  return refusal(
    'OperationDenied',
    `The snapshot ${snapshot.snapshotId} is not from a system disk. DiskDeviceMapping.1 with DiskType=system makes a system disk of it all the same.`,
  );
}

export function refuseImageOfInstance(instance: InstanceFacts, hasSystemDisk: boolean): Refusal | null {
  if (instance.status !== 'Running' && instance.status !== 'Stopped') {
    return refusal(
      'IncorrectInstanceStatus',
      `The instance ${instance.instanceId} is ${instance.status}: an image is made of one that is Running or Stopped.`,
    );
  }
  if (hasSystemDisk) return null;
  return refusal(
    'InvalidInstance.NotFoundSystemDisk',
    `The instance ${instance.instanceId} has no system disk now, so no image can be made of it: attach it again first.`,
  );
}

export interface ImageFacts {
  imageId: string;
  status: ImageStatus;
  ownerAlias: string;
}

/** CopyImage: an own one that is there. */
export function refuseCopyImage(image: ImageFacts): Refusal | null {
  if (image.ownerAlias === 'system') {
    return refusal(
      'OperationDenied',
      `The image ${image.imageId} is a public one, which every region has: only your own can be copied.`,
    );
  }
  if (image.status === 'Available' || image.status === 'Deprecated') return null;
  return refusal(
    'IncorrectImageStatus',
    `The image ${image.imageId} is ${image.status}: only an Available one can be copied.`,
  );
}

/** CancelCopyImage: of a copy that is still being made. */
export function refuseCancelCopyImage(image: ImageFacts, isCopy: boolean): Refusal | null {
  if (!isCopy) {
    return refusal('ImageCreatedNotFromCopy', `The image ${image.imageId} is no copy: there is nothing to cancel.`);
  }
  if (image.status === 'Creating') return null;
  return refusal(
    'IncorrectImageStatus',
    `The copying of the image ${image.imageId} has ended, it is ${image.status}: delete the image instead.`,
  );
}

export function refuseDeleteImage(
  image: ImageFacts,
  usage: { isUsed: boolean; isShared: boolean; isCopied: boolean; force: boolean },
): Refusal | null {
  if (image.ownerAlias === 'system') {
    return refusal('ImageIsPublic', `The image ${image.imageId} is a public one: it cannot be deleted.`);
  }
  if (image.status === 'Creating') {
    return refusal('ImageIsCreating', `The image ${image.imageId} is being created: delete it when that has ended.`);
  }
  if (usage.isCopied) {
    return refusal(
      'OperationDenied.ImageCopying',
      `The image ${image.imageId} is being copied: delete it when that has ended, or cancel the copy.`,
    );
  }
  if (usage.isShared) {
    return refusal(
      'ImageUseShared',
      `The image ${image.imageId} is shared with other accounts: take those off first (ModifyImageSharePermission).`,
    );
  }
  if (!usage.isUsed || usage.force) return null;
  return refusal(
    'ImageUsingByInstance',
    `Instances were made from the image ${image.imageId}. Force=true deletes it all the same: they keep their disks.`,
  );
}

/** ImportImage: what a file holds becomes a whole number of GiB. */
export function refuseImportedSize(facts: {
  name: string;
  type: DiskType;
  sizeBytes: number;
  /** DiskImageSize. */
  askedGib: number | null;
}): Refusal | null {
  const { name, type, sizeBytes, askedGib } = facts;
  const code = type === 'system' ? 'InvalidImageSize' : 'InvalidDataDiskSize';
  const leastGib = Math.ceil(sizeBytes / GIB);
  const what = `The disk in ${JSON.stringify(name)} has ${leastGib} GiB`;
  if (leastGib > MOST_IMPORTED_GIB) {
    return refusal(code, `${what}: an image that is imported has at most ${MOST_IMPORTED_GIB}.`);
  }
  if (askedGib === null || askedGib >= leastGib) return null;
  return refusal(code, `${what}: DiskImageSize cannot be ${askedGib}.`);
}

/** ModifyImageSharePermission; `count` is of the accounts that it is shared with afterwards. */
export function refuseShareImage(image: ImageFacts, count: number): Refusal | null {
  if (image.ownerAlias === 'system') {
    return refusal('InvalidImageId.NotFound', `The image ${image.imageId} is a public one, not your own.`);
  }
  if (!isUsable(image.status)) {
    return refusal(
      'IncorrectImageStatus',
      `The image ${image.imageId} is ${image.status}: wait until it is Available.`,
    );
  }
  if (count <= SHARE_LIMIT) return null;
  return refusal('InvalidParameter', `An image is shared with at most ${SHARE_LIMIT} accounts, not ${count}.`);
}

/** DeleteImage: files are being read for it, or written of it. */
export function refuseImageInExchange(
  imageId: string,
  { isImporting, isExporting }: { isImporting: boolean; isExporting: boolean },
): Refusal | null {
  if (isImporting) {
    return refusal('ImageIsImporting', `The image ${imageId} is being imported: CancelTask ends that and deletes it.`);
  }
  if (!isExporting) return null;
  return refusal('ImageIsExporting', `The image ${imageId} is being exported: wait for its task, or cancel it.`);
}

/** ExportImage: one's own, and whole. */
export function refuseExportImage(image: ImageFacts): Refusal | null {
  if (image.ownerAlias === 'system') {
    return refusal(
      'ImageNotSupported',
      `The image ${image.imageId} is a public one: only custom images can be exported.`,
    );
  }
  if (isUsable(image.status)) return null;
  return refusal(
    'IncorrectImageStatus',
    `The image ${image.imageId} is ${image.status}: one that is Available or Deprecated can be exported.`,
  );
}

/** Available and Deprecated become each other; nothing else becomes either. */
export function refuseImageStatus(image: ImageFacts): Refusal | null {
  if (isUsable(image.status)) return null;
  return refusal(
    'IncorrectImageStatus',
    `The image ${image.imageId} is ${image.status}: only one that is Available or Deprecated can become the other.`,
  );
}

/** An image in state Deprecated can be used by its id, only not by its family (ModifyImageAttribute). */
export function refuseInstanceFromImage(
  image: ImageFacts & { architecture: string },
  instanceType: { instanceTypeId: string; architectures: readonly string[] },
): Refusal | null {
  if (!isUsable(image.status)) {
    return refusal(
      'OperationDenied.ImageNotValid',
      `The image ${image.imageId} is ${image.status}: instances are made from one that is Available or Deprecated.`,
    );
  }
  if (instanceType.architectures.includes(image.architecture)) return null;
  return refusal(
    'ImageNotSupportInstanceType',
    `The image ${image.imageId} is for ${image.architecture}, the instance type ${instanceType.instanceTypeId} for ${instanceType.architectures.join(' and ')}.`,
  );
}

export function isUsable(status: ImageStatus): boolean {
  return status === 'Available' || status === 'Deprecated';
}

/** Images and image families: what is wrong with the name, for people, or null. */
export function findImageNameProblem(name: string): string | null {
  if (/^(aliyun|acs:)/i.test(name)) return 'names that start with "aliyun" or "acs:" are reserved';
  return findNameProblem(name);
}

export function findImageVersionProblem(version: string): string | null {
  return /^[\x20-\x7e]{1,40}$/.test(version)
    ? null
    : 'a version has 1 to 40 letters, digits and other ASCII characters';
}
