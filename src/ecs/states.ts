/**
 * What is allowed in which state of a disk, an instance or a snapshot (`ecs-api.md` 3.1, 4.1–4.4), as pure functions: each
 * returns why not, or null. The control plane asks them inside the transaction that acts on the answer.
 */
import type { DiskStatus, InstanceStatus, SnapshotStatus } from './resources.ts';

/** The documented ECS code, and what the caller can do. */
export interface Refusal {
  code: string;
  message: string;
}

export interface DiskFacts {
  diskId: string;
  status: DiskStatus;
  instanceId: string | null;
  zoneId: string;
  everAttached: boolean;
  sourceSnapshotId: string | null;
}

export interface InstanceFacts {
  instanceId: string;
  status: InstanceStatus;
  zoneId: string;
}

export interface SnapshotFacts {
  snapshotId: string;
  status: SnapshotStatus;
  sourceDiskId: string;
}

/** A snapshot that is being made. */
export interface UnfinishedSnapshot {
  snapshotId: string;
  sourceDiskId: string;
  progressPercent: number;
}

export const MANUAL_SNAPSHOT_QUOTA = 256;
export const DATA_DISK_LIMIT = 16;
export const INSTANCE_AMOUNT_LIMIT = 100;

/**
 * 4.1, the safe union of its two texts. A disk counts as used when a running instance had it once, when it was
 * imported, or when it began as a snapshot.
 */
export function refuseCreateSnapshot(facts: {
  disk: DiskFacts;
  instance: InstanceFacts | null;
  unfinished: UnfinishedSnapshot | null;
  snapshotCount: number;
}): Refusal | null {
  const { disk, instance, unfinished } = facts;
  if (disk.status !== 'In_use' && disk.status !== 'Available') {
    return wrongDiskStatus(disk, 'A snapshot can be made of a disk that is In_use or Available.');
  }
  if (disk.status === 'Available' && !disk.everAttached) {
    return refusal(
      'IncorrectDiskStatus.NeverAttached',
      `The disk ${disk.diskId} has never been attached, so it holds nothing: attach it to a running instance first.`,
    );
  }
  if (instance !== null && instance.status !== 'Running' && instance.status !== 'Stopped') {
    return wrongInstanceStatus(instance, 'Wait until it is Running or Stopped.');
  }
  if (!disk.everAttached && disk.sourceSnapshotId === null) {
    return refusal(
      'IncorrectDiskStatus.NeverUsed',
      `The disk ${disk.diskId} has not been used since it was created: start the instance ${disk.instanceId} first.`,
    );
  }
  if (unfinished !== null) return creatingSnapshot(unfinished, 'IncorrectDiskStatus.CreatingSnapshot');
  if (facts.snapshotCount >= MANUAL_SNAPSHOT_QUOTA) {
    return refusal(
      'QuotaExceed.Snapshot',
      `The disk ${disk.diskId} has ${facts.snapshotCount} snapshots, of at most ${MANUAL_SNAPSHOT_QUOTA}: delete some.`,
    );
  }
  return null;
}

/** 4.3. */
export function refuseResetDisk(facts: {
  disk: DiskFacts;
  instance: InstanceFacts | null;
  snapshot: SnapshotFacts;
  unfinished: UnfinishedSnapshot | null;
}): Refusal | null {
  const { disk, instance, snapshot, unfinished } = facts;
  if (snapshot.sourceDiskId !== disk.diskId) {
    return refusal(
      'InvalidParameter.Mismatch',
      `The snapshot ${snapshot.snapshotId} is of the disk ${snapshot.sourceDiskId}, not of ${disk.diskId}: a disk can only be rolled back to a snapshot of its own (CreateDisk makes another disk from any).`,
    );
  }
  if (disk.status === 'ReIniting') {
    return refusal(
      'InvalidOperation.DiskResetInProgress',
      `The disk ${disk.diskId} is being rolled back: wait for it.`,
    );
  }
  if (disk.status !== 'In_use' && disk.status !== 'Available') {
    return wrongDiskStatus(disk, 'A disk can be rolled back while it is In_use or Available.');
  }
  if (instance !== null && instance.status !== 'Stopped') {
    return wrongInstanceStatus(instance, 'Stop it before its disks are rolled back.');
  }
  if (unfinished !== null) return creatingSnapshot(unfinished, 'IncorrectDiskStatus.HasUnfinishedSnapshot');
  return refuseUnfinished(snapshot, 'InvalidSnapshotId.NotReady');
}

/** 4.4: whether a disk can be made from the snapshot. */
export function refuseDiskFromSnapshot(snapshot: SnapshotFacts): Refusal | null {
  return refuseUnfinished(snapshot, 'InvalidSnapshot.NotReady');
}

/** AttachDisk of a data disk. */
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
    return refusal(
      'InstanceDiskLimitExceeded',
      `The instance ${instance.instanceId} has ${DATA_DISK_LIMIT} data disks already, the most it can have.`,
    );
  }
  return null;
}

/** `diskStatuses` are those of the instance's disks. */
export function refuseStartInstance(instance: InstanceFacts, disks: DiskFacts[]): Refusal | null {
  if (instance.status !== 'Stopped') return wrongInstanceStatus(instance, 'Only a Stopped instance can be started.');
  const busy = disks.find((disk) => disk.status !== 'In_use');
  if (busy === undefined) return null;
  return refusal(
    busy.status === 'ReIniting' ? 'IncorrectInstanceStatus' : 'OperationConflict',
    `The disk ${busy.diskId} of the instance ${instance.instanceId} is ${busy.status}: wait until it is In_use.`,
  );
}

/** 4.2: a forced stop is refused too, for it would make the snapshot fail. */
export function refuseStopInstance(
  instance: InstanceFacts,
  disks: DiskFacts[],
  unfinished: UnfinishedSnapshot[],
): Refusal | null {
  if (instance.status !== 'Running') return wrongInstanceStatus(instance, 'Only a Running instance can be stopped.');
  const [snapshot] = unfinished;
  if (snapshot !== undefined) {
    return refusal(
      'OperationConflict',
      `The snapshot ${snapshot.snapshotId} of the disk ${snapshot.sourceDiskId} is being made (${snapshot.progressPercent}%): stop the instance ${instance.instanceId} when it is accomplished, or delete the snapshot.`,
    );
  }
  const busy = disks.find((disk) => disk.status !== 'In_use');
  if (busy === undefined) return null;
  return refusal('OperationConflict', `The disk ${busy.diskId} is ${busy.status}: stop the instance afterwards.`);
}

/** 2.1 DeleteSnapshot. A progressing one is cancelled, a failed one forgotten. */
export function refuseDeleteSnapshot(
  snapshot: SnapshotFacts,
  usage: { diskMadeFromIt: boolean; force: boolean },
): Refusal | null {
  if (!usage.diskMadeFromIt || usage.force) return null;
  return refusal(
    'SnapshotCreatedDisk',
    `Disks were created from the snapshot ${snapshot.snapshotId}. Force=true deletes it all the same: the disks keep their data.`,
  );
}

function refuseUnfinished(snapshot: SnapshotFacts, code: string): Refusal | null {
  if (snapshot.status === 'accomplished') return null;
  const what = snapshot.status === 'failed' ? 'failed, so it cannot be used' : 'is not accomplished yet: wait for it';
  return refusal(code, `The snapshot ${snapshot.snapshotId} ${what}.`);
}

function creatingSnapshot(unfinished: UnfinishedSnapshot, code: string): Refusal {
  return refusal(
    code,
    `The snapshot ${unfinished.snapshotId} of the disk ${unfinished.sourceDiskId} is being made (${unfinished.progressPercent}%): wait until it is accomplished, or delete it.`,
  );
}

function wrongDiskStatus(disk: DiskFacts, advice: string): Refusal {
  return refusal('IncorrectDiskStatus', `The disk ${disk.diskId} is ${disk.status}. ${advice}`);
}

function wrongInstanceStatus(instance: InstanceFacts, advice: string): Refusal {
  return refusal('IncorrectInstanceStatus', `The instance ${instance.instanceId} is ${instance.status}. ${advice}`);
}

function refusal(code: string, message: string): Refusal {
  return { code, message };
}
