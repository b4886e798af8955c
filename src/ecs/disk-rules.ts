/**
 * What is allowed in which state of a disk (`ecs-api.md` 2.3, 4.2), as pure functions: each returns why not, or null. The
 * control plane asks them inside the transaction that acts on the answer.
 */
import type { SizeRange } from './disk-categories.ts';
import type { LockReason } from './operation-locks.ts';
import { DATA_DISK_LIMIT, creatingSnapshot, refusal, wrongDiskStatus, wrongInstanceStatus } from './states.ts';
import type { DiskFacts, InstanceFacts, Refusal, UnfinishedSnapshot } from './states.ts';

/** AttachDisk as a data disk; a system disk that was detached may become one. */
export function refuseAttachDisk(facts: {
  disk: DiskFacts;
  instance: InstanceFacts;
  attachedDataDiskCount: number;
}): Refusal | null {
  const { disk, instance } = facts;
  if (disk.status !== 'Available') return wrongDiskStatus(disk, 'A disk can be attached while it is Available.');
  if (instance.status !== 'Running' && instance.status !== 'Stopped') {
    return wrongInstanceStatus(instance, 'Wait until it is Running or Stopped.');
  }
  if (disk.zoneId !== instance.zoneId) {
    return refusal(
      'ResourcesNotInSameZone',
      `The disk ${disk.diskId} is in ${disk.zoneId}, the instance ${instance.instanceId} in ${instance.zoneId}.`,
    );
  }
  if (facts.attachedDataDiskCount >= DATA_DISK_LIMIT) {
    return tooManyDisks(instance);
  }
  return null;
}

function tooManyDisks({ instanceId }: InstanceFacts): Refusal {
  return refusal(
    'InstanceDiskLimitExceeded',
    `The instance ${instanceId} has ${DATA_DISK_LIMIT} data disks already, the most it can have.`,
  );
}

/** AttachDisk with Bootable=true: a system disk goes back to the instance that it was made for, and to no other. */
export function refuseAttachSystemDisk(facts: {
  disk: DiskFacts;
  /** The instance that it was made for as its system disk; null for other disks. */
  homeInstanceId: string | null;
  instance: InstanceFacts;
  /** The system disk that the instance has now. */
  presentSystemDiskId: string | null;
}): Refusal | null {
  const { disk, homeInstanceId, instance, presentSystemDiskId } = facts;
  if (disk.status !== 'Available') return wrongDiskStatus(disk, 'A disk can be attached while it is Available.');
  if (homeInstanceId === null) {
    return refusal(
      'InvalidDisk.DiskNotBootable',
      `The disk ${disk.diskId} is not the system disk of an instance that is there: attach it without Bootable.`,
    );
  }
  if (homeInstanceId !== instance.instanceId) {
    return refusal(
      'InvalidInstance.NotOriginInstance',
      `The disk ${disk.diskId} can be the system disk of ${homeInstanceId} only, which it was made for; without Bootable it can be a data disk of ${instance.instanceId}.`,
    );
  }
  if (instance.status !== 'Stopped') {
    return wrongInstanceStatus(instance, 'A system disk is attached while the instance is Stopped.');
  }
  if (presentSystemDiskId === null) return null;
  return refusal(
    'InvalidDevice.InUse',
    `The instance ${instance.instanceId} has the system disk ${presentSystemDiskId}: detach that first.`,
  );
}

/** DetachDisk. A snapshot that is being made goes on: its frozen view needs no client. */
export function refuseDetachDisk(facts: {
  disk: DiskFacts;
  isSystemDisk: boolean;
  /** The instance that the caller says it is attached to. */
  instance: InstanceFacts;
}): Refusal | null {
  const { disk, isSystemDisk, instance } = facts;
  if (disk.instanceId !== null && disk.instanceId !== instance.instanceId) {
    return refusal(
      'DependencyViolation',
      `The disk ${disk.diskId} is attached to ${disk.instanceId}, not to ${instance.instanceId}.`,
    );
  }
  if (disk.status === 'Detaching') {
    return refusal(
      'InvalidOperation.DiskDetachingFromThisEcs',
      `The disk ${disk.diskId} is being detached already: wait until it is Available.`,
    );
  }
  if (disk.status === 'Available') {
    return refusal('InvalidDisk.AlreadyDetached', `The disk ${disk.diskId} is Available: it is attached to nothing.`);
  }
  if (disk.status !== 'In_use') return wrongDiskStatus(disk, 'A disk can be detached while it is In_use.');
  if (instance.status === 'Stopped' || (instance.status === 'Running' && !isSystemDisk)) return null;
  return wrongInstanceStatus(
    instance,
    isSystemDisk ? 'Stop it before its system disk is detached.' : 'Wait until it is Running or Stopped.',
  );
}

/** CreateDisk with InstanceId: a data disk that is paid with the instance and attached to it. */
export function refusePrePaidDisk(facts: {
  instance: InstanceFacts;
  isPrePaid: boolean;
  locks: readonly LockReason[];
  attachedDataDiskCount: number;
}): Refusal | null {
  const { instance, isPrePaid, locks, attachedDataDiskCount } = facts;
  const { instanceId, status } = instance;
  if (!isPrePaid) {
    return refusal(
      'InvalidPayMethod',
      `The instance ${instanceId} is PostPaid: create the disk with ZoneId and attach it with AttachDisk.`,
    );
  }
  if (locks.includes('financial')) {
    return refusal(
      'InvalidAccountStatus.NotEnoughBalance',
      `The subscription of the instance ${instanceId} is over: renew it (RenewInstance), then create its disk.`,
    );
  }
  if (status !== 'Running' && status !== 'Stopped') {
    return wrongInstanceStatus(instance, 'Wait until it is Running or Stopped.');
  }
  return attachedDataDiskCount < DATA_DISK_LIMIT ? null : tooManyDisks(instance);
}

/** Of a disk that is paid with that instance (PrePaid): it ends with it. Null: it is not. */
export function refusePaidWithInstance(diskId: string, instanceId: string | null, what: string): Refusal | null {
  if (instanceId === null) return null;
  return refusal(
    'DiskNotPortable',
    `The disk ${diskId} is paid with its instance ${instanceId}, so it cannot be ${what}: ModifyDiskChargeType makes a data disk PostPaid.`,
  );
}

/** DeleteDisk. Snapshots of the disk stay. */
export function refuseDeleteDisk(facts: { disk: DiskFacts; unfinished: UnfinishedSnapshot | null }): Refusal | null {
  const { disk, unfinished } = facts;
  if (disk.status === 'Creating') {
    return refusal(
      'IncorrectDiskStatus.Initializing',
      `The disk ${disk.diskId} is still being made: delete it when it is Available.`,
    );
  }
  if (disk.status !== 'Available') {
    const advice = disk.instanceId === null ? 'Wait for it.' : `Detach it from ${disk.instanceId} first.`;
    return wrongDiskStatus(disk, `A disk can be deleted while it is Available. ${advice}`);
  }
  return unfinished === null ? null : creatingSnapshot(unfinished, 'DiskCreatingSnapshot');
}

/** ReInitDisk. */
export function refuseReInitDisk(facts: {
  disk: DiskFacts;
  /** The one that it is attached to. */
  instance: InstanceFacts | null;
  /** Whether that one ever ran. */
  wasStarted: boolean;
  unfinished: UnfinishedSnapshot | null;
}): Refusal | null {
  const { disk, instance, wasStarted, unfinished } = facts;
  if (disk.status !== 'In_use' || instance === null) {
    return wrongDiskStatus(disk, 'A disk can be re-initialised while it is In_use.');
  }
  if (unfinished !== null) return creatingSnapshot(unfinished, 'DiskCreatingSnapshot');
  if (instance.status !== 'Stopped')
    return wrongInstanceStatus(instance, 'Stop it before its disks are re-initialised.');
  if (wasStarted) return null;
  return wrongInstanceStatus(instance, 'It has never been started, so its disks are as they were made.');
}

/** ResizeDisk: disks only grow. */
export function refuseResizeDisk(facts: {
  disk: DiskFacts;
  isSystemDisk: boolean;
  instance: InstanceFacts | null;
  unfinished: UnfinishedSnapshot | null;
  /** Type=online. */
  online: boolean;
  size: { presentGib: number; wantedGib: number; range: SizeRange | null };
}): Refusal | null {
  const { disk, isSystemDisk, instance, unfinished, online, size } = facts;
  if (disk.status !== 'In_use' && disk.status !== 'Available') {
    return wrongDiskStatus(disk, 'A disk can be resized while it is In_use or Available.');
  }
  if (isSystemDisk && instance === null) {
    return refusal(
      'InvalidDisk.DetachedSystemDisk',
      `The disk ${disk.diskId} is a system disk that is attached to no instance: attach it first.`,
    );
  }
  if (unfinished !== null) return creatingSnapshot(unfinished, 'DiskCreatingSnapshot');
  return refuseResizeOf(disk, instance, online) ?? refuseSize(disk, size);
}

function refuseResizeOf(disk: DiskFacts, instance: InstanceFacts | null, online: boolean): Refusal | null {
  if (online && instance?.status !== 'Running') {
    const state =
      instance === null ? 'attached to no instance' : `attached to ${instance.instanceId}, ${instance.status}`;
    return refusal(
      'InvalidInstanceStatus.NotRunning',
      `Type=online needs a Running instance; the disk ${disk.diskId} is ${state}: use Type=offline.`,
    );
  }
  if (instance === null || instance.status === 'Running' || instance.status === 'Stopped') return null;
  return wrongInstanceStatus(instance, 'Wait until it is Running or Stopped.');
}

function refuseSize(
  disk: DiskFacts,
  { presentGib, wantedGib, range }: { presentGib: number; wantedGib: number; range: SizeRange | null },
): Refusal | null {
  if (wantedGib <= presentGib) {
    return refusal(
      'InvalidDiskSize.TooSmall',
      `The disk ${disk.diskId} has ${presentGib} GiB: NewSize must be more than that, not ${wantedGib}.`,
    );
  }
  const mostGib = range?.mostGib ?? presentGib;
  if (wantedGib <= mostGib) return null;
  return refusal(
    'InvalidDiskSize.TooLarge',
    `A disk of the kind of ${disk.diskId} has at most ${mostGib} GiB, not ${wantedGib}.`,
  );
}
