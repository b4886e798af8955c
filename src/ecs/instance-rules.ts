/**
 * What is allowed in which state of an instance (`ecs-api.md` 2.4, 4.2), as pure functions: each returns why not, or null.
 * The control plane asks them inside the transaction that acts on the answer.
 */
import { creatingSnapshot, findBlocking, refusal, wrongDiskStatus, wrongInstanceStatus } from './states.ts';
import type { DiskFacts, InstanceFacts, Refusal, UnfinishedSnapshot } from './states.ts';

export function refuseStartInstance(facts: {
  instance: InstanceFacts;
  /** All that are attached to it. */
  disks: DiskFacts[];
  /** Whether one of them is a system disk. */
  hasSystemDisk: boolean;
}): Refusal | null {
  const { instance, disks, hasSystemDisk } = facts;
  if (instance.status !== 'Stopped') return wrongInstanceStatus(instance, 'Only a Stopped instance can be started.');
  if (!hasSystemDisk) {
    return refusal(
      'InvalidInstance.NotFoundSystemDisk',
      `The instance ${instance.instanceId} has no system disk: attach one (AttachDisk with Bootable=true), then start it.`,
    );
  }
  const busy = disks.find((disk) => disk.status !== 'In_use');
  if (busy === undefined) return null;
  return refusal(
    busy.status === 'ReIniting' ? 'IncorrectInstanceStatus' : 'OperationConflict',
    `The disk ${busy.diskId} of the instance ${instance.instanceId} is ${busy.status}: wait until it is In_use.`,
  );
}

/**
 * Stopping and rebooting, forced or not: a forced stop is a stop here, so it is refused too while a snapshot is made (4.2),
 * for it would make the snapshot fail. One that is Available already is not harmed.
 */
export function refuseStopInstance(facts: {
  change: 'stop' | 'reboot';
  instance: InstanceFacts;
  /** All that are attached to it. */
  disks: DiskFacts[];
  /** Snapshots of them that are being made. */
  unfinished: UnfinishedSnapshot[];
}): Refusal | null {
  const { change, instance, disks, unfinished } = facts;
  if (instance.status !== 'Running') {
    return wrongInstanceStatus(
      instance,
      `Only a Running instance can be ${change === 'stop' ? 'stopped' : 'rebooted'}.`,
    );
  }
  return refuseBusyDisks(change, instance, disks, findBlocking(unfinished));
}

/** Deleting one that is PrePaid, by a person. */
export function refuseDeleteSubscription(facts: {
  instanceId: string;
  /** Its subscription is over. */
  isOver: boolean;
  /** TerminateSubscription. */
  terminate: boolean;
}): Refusal | null {
  const { instanceId, isOver, terminate } = facts;
  if (isOver && terminate) return null;
  const advice = isOver
    ? 'which is over: delete it with TerminateSubscription=true.'
    : 'which is not over: ModifyInstanceChargeType makes it PostPaid, which can be deleted.';
  return refusal('ChargeTypeViolation', `The instance ${instanceId} has a subscription, ${advice}`);
}

/** A disk that is kept is refused too while a snapshot of it is made: it is closed, and changes its owner. */
export function refuseDeleteInstance(facts: {
  instance: InstanceFacts;
  deletionProtection: boolean;
  /** Running ones too. */
  force: boolean;
  /** All that are attached to it. */
  disks: DiskFacts[];
  /** Snapshots of them that are being made. */
  unfinished: UnfinishedSnapshot[];
}): Refusal | null {
  const { instance, deletionProtection, force, disks, unfinished } = facts;
  if (deletionProtection) {
    return refusal(
      'InvalidOperation.DeletionProtection',
      `The instance ${instance.instanceId} is protected: set DeletionProtection=false (ModifyInstanceAttribute) first.`,
    );
  }
  if (instance.status === 'Pending') {
    return refusal(
      'IncorrectInstanceStatus.Initializing',
      `The instance ${instance.instanceId} is being created: delete it when it is Running or Stopped.`,
    );
  }
  if (instance.status !== 'Stopped' && !(force && instance.status === 'Running')) {
    return wrongInstanceStatus(instance, 'A Stopped instance can be deleted, and a Running one with Force=true.');
  }
  return refuseBusyDisks('delete', instance, disks, unfinished[0] ?? null);
}

function refuseBusyDisks(
  what: 'stop' | 'reboot' | 'delete',
  { instanceId }: InstanceFacts,
  disks: DiskFacts[],
  snapshot: UnfinishedSnapshot | null,
): Refusal | null {
  if (snapshot !== null) {
    return refusal(
      'OperationConflict',
      `The snapshot ${snapshot.snapshotId} of the disk ${snapshot.sourceDiskId} is being made (${snapshot.progressPercent}%): ${what} the instance ${instanceId} when it is accomplished, or delete the snapshot.`,
    );
  }
  const busy = disks.find((disk) => disk.status !== 'In_use');
  if (busy === undefined) return null;
  return refusal('OperationConflict', `The disk ${busy.diskId} is ${busy.status}: ${what} the instance afterwards.`);
}

/** ReplaceSystemDisk. Snapshots of the old disk stay. */
export function refuseReplaceSystemDisk(facts: {
  instance: InstanceFacts;
  /** The one that it has now. */
  systemDisk: DiskFacts | null;
  unfinished: UnfinishedSnapshot | null;
}): Refusal | null {
  const { instance, systemDisk, unfinished } = facts;
  if (instance.status === 'Pending') {
    return refusal(
      'OperationDenied.InstanceCreating',
      `The instance ${instance.instanceId} is still being made: wait until it is Stopped.`,
    );
  }
  if (instance.status !== 'Stopped') {
    return wrongInstanceStatus(instance, 'Stop it before its system disk is replaced.');
  }
  if (systemDisk === null) {
    return refusal(
      'InvalidInstance.NotFoundSystemDisk',
      `The instance ${instance.instanceId} has no system disk now: attach it again first.`,
    );
  }
  if (systemDisk.status !== 'In_use') return wrongDiskStatus(systemDisk, 'It can be replaced while it is In_use.');
  return unfinished === null ? null : creatingSnapshot(unfinished, 'DiskCreatingSnapshot');
}
