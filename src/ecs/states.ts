/**
 * What is allowed with snapshots in which state (`ecs-api.md` 3.1, 4.1–4.4), as pure functions: each returns why not, or
 * null. The control plane asks them inside the transaction that acts on the answer. The same for disks is in
 * `disk-rules.ts`, for instances in `instance-rules.ts`.
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
  /** Made neither from a snapshot nor from what an image holds: zeros. */
  beganEmpty: boolean;
}

export interface InstanceFacts {
  instanceId: string;
  status: InstanceStatus;
  zoneId: string;
}

export interface SnapshotFacts {
  snapshotId: string;
  status: SnapshotStatus;
  /** Usable for rollback and CreateDisk: accomplished, or of an ESSD disk and frozen durably. */
  available: boolean;
  sourceDiskId: string;
  isCopy: boolean;
}

/** A snapshot that is being made. */
export interface UnfinishedSnapshot {
  snapshotId: string;
  sourceDiskId: string;
  progressPercent: number;
  available: boolean;
}

export const MANUAL_SNAPSHOT_QUOTA = 256;
/** So many snapshots of an ESSD disk may be in the making (3.8); of other disks one. */
export const CONCURRENT_SNAPSHOT_QUOTA = 10;
export const DATA_DISK_LIMIT = 16;
export const INSTANCE_AMOUNT_LIMIT = 100;

/**
 * 4.1, the safe union of its two texts. A disk counts as used when a running instance had it once, when it was
 * imported, or when it began as a snapshot or as an image's disk that holds something.
 */
export function refuseCreateSnapshot(facts: {
  disk: DiskFacts;
  instance: InstanceFacts | null;
  unfinished: UnfinishedSnapshot[];
  /** Snapshots of it that are worked on, those that failed or are deleted and are still cleared away too. */
  underWayCount: number;
  snapshotCount: number;
}): Refusal | null {
  const { disk, instance, unfinished, underWayCount } = facts;
  if (disk.status !== 'In_use' && disk.status !== 'Available') {
    return wrongDiskStatus(disk, 'A snapshot can be made of a disk that is In_use or Available.');
  }
  if (disk.status === 'Available' && !disk.everAttached) {
    return refusal(
      'IncorrectDiskStatus.NeverAttached',
      `The disk ${disk.diskId} has never been attached to a running instance: attach it to one first.`,
    );
  }
  if (instance !== null && instance.status !== 'Running' && instance.status !== 'Stopped') {
    return wrongInstanceStatus(instance, 'Wait until it is Running or Stopped.');
  }
  if (!disk.everAttached && disk.beganEmpty) {
    return refusal(
      'IncorrectDiskStatus.NeverUsed',
      `The disk ${disk.diskId} has not been used since it was created: start the instance ${disk.instanceId} first.`,
    );
  }
  const blocking = findBlocking(unfinished);
  if (blocking !== null) return creatingSnapshot(blocking, 'IncorrectDiskStatus.CreatingSnapshot');
  if (underWayCount >= CONCURRENT_SNAPSHOT_QUOTA) {
    return refusal(
      'QuotaExceed.ConcurrentSnapshotQuota',
      `${underWayCount} snapshots of the disk ${disk.diskId} are being stored, the most that there may be: wait until one is accomplished, or delete one.`,
    );
  }
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
  unfinished: UnfinishedSnapshot[];
}): Refusal | null {
  const { disk, instance, snapshot, unfinished } = facts;
  if (snapshot.sourceDiskId !== disk.diskId) {
    return refusal(
      'InvalidParameter.Mismatch',
      `The snapshot ${snapshot.snapshotId} is of the disk ${snapshot.sourceDiskId}, not of ${disk.diskId}: a disk can only be rolled back to a snapshot of its own (CreateDisk makes another disk from any).`,
    );
  }
  if (snapshot.isCopy) {
    return refusal(
      'InvalidParameter.Mismatch',
      `The snapshot ${snapshot.snapshotId} is a copy: a disk can only be rolled back to a snapshot that was taken of it (CreateDisk makes another disk from any).`,
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
  const blocking = findBlocking(unfinished);
  if (blocking !== null) return creatingSnapshot(blocking, 'IncorrectDiskStatus.HasUnfinishedSnapshot');
  if (instance !== null && instance.status !== 'Stopped') {
    return wrongInstanceStatus(instance, 'Stop it before its disks are rolled back.');
  }
  return refuseUnavailable(snapshot, 'InvalidSnapshotId.NotReady');
}

/** The one that keeps others from the disk: those that are Available do not (4.2, 4.7). */
export function findBlocking(unfinished: UnfinishedSnapshot[]): UnfinishedSnapshot | null {
  return unfinished.find(({ available }) => !available) ?? null;
}

/** 4.4: whether a disk can be made from the snapshot. */
export function refuseDiskFromSnapshot(snapshot: SnapshotFacts): Refusal | null {
  return refuseUnavailable(snapshot, 'InvalidSnapshot.NotReady');
}

/** 4.5: an image is made of what is stored. */
export function refuseImageFromUnfinished(snapshot: SnapshotFacts): Refusal | null {
  return refuseUnfinished(snapshot, 'InvalidSnapshotId.NotReady');
}

/** 2.1 DeleteSnapshot. A progressing one is cancelled, a failed one forgotten. */
export function refuseDeleteSnapshot(
  snapshot: SnapshotFacts,
  usage: { imageMadeFromIt: boolean; diskMadeFromIt: boolean; force: boolean },
): Refusal | null {
  if (usage.imageMadeFromIt) {
    return refusal(
      'SnapshotCreatedImage',
      `An image is made from the snapshot ${snapshot.snapshotId}: delete the image first; Force does not help.`,
    );
  }
  if (!usage.diskMadeFromIt || usage.force) return null;
  return refusal(
    'SnapshotCreatedDisk',
    `Disks were created from the snapshot ${snapshot.snapshotId}. Force=true deletes it all the same: the disks keep their data.`,
  );
}

/** 4.2: a snapshot has attributes to change once it is accomplished. */
export function refuseModifySnapshot(snapshot: SnapshotFacts): Refusal | null {
  return refuseUnfinished(snapshot, 'InvalidSnapshotId.NotReady');
}

/** 2.1 ModifySnapshotAttribute: days of retention are only lengthened, and for ever is longest. */
export function refuseRetention(snapshotId: string, presentDays: number | null, days: number): Refusal | null {
  if (presentDays !== null && days >= presentDays) return null;
  const kept = presentDays === null ? 'for ever' : `for ${presentDays} days`;
  return refusal(
    'InvalidOperation.DecreaseRetentionDaysUnsupported',
    `The snapshot ${snapshotId} is kept ${kept}, which can only be made longer than it is, not ${days} days: to be rid of it sooner, delete it.`,
  );
}

/** ExportSnapshot: what is stored. */
export function refuseExportSnapshot(snapshot: SnapshotFacts): Refusal | null {
  return refuseUnfinished(snapshot, 'InvalidSnapshotId.NotReady');
}

function refuseUnavailable(snapshot: SnapshotFacts, code: string): Refusal | null {
  return snapshot.available ? null : refuseUnfinished(snapshot, code);
}

export function refuseUnfinished(snapshot: SnapshotFacts, code: string): Refusal | null {
  if (snapshot.status === 'accomplished') return null;
  const what = snapshot.status === 'failed' ? 'failed, so it cannot be used' : 'is not accomplished yet: wait for it';
  return refusal(code, `The snapshot ${snapshot.snapshotId} ${what}.`);
}

export function creatingSnapshot(unfinished: UnfinishedSnapshot, code: string): Refusal {
  return refusal(
    code,
    `The snapshot ${unfinished.snapshotId} of the disk ${unfinished.sourceDiskId} is being made (${unfinished.progressPercent}%): wait until it is accomplished, or delete it.`,
  );
}

export function wrongDiskStatus(disk: DiskFacts, advice: string): Refusal {
  return refusal('IncorrectDiskStatus', `The disk ${disk.diskId} is ${disk.status}. ${advice}`);
}

export function wrongInstanceStatus(instance: InstanceFacts, advice: string): Refusal {
  return refusal('IncorrectInstanceStatus', `The instance ${instance.instanceId} is ${instance.status}. ${advice}`);
}

export function refusal(code: string, message: string): Refusal {
  return { code, message };
}
