/**
 * When subscriptions can be renewed and charge types changed, as pure functions: each returns why not, or null. The codes are
 * those of the actions' documentation.
 */
import type { LockReason } from './operation-locks.ts';
import type { DiskStatus, DiskType, InstanceStatus } from './resources.ts';
import { refusal } from './states.ts';
import type { Refusal } from './states.ts';
import type { ChargeType, RenewalStatus } from './subscription.ts';

export interface SubscriptionFacts {
  instanceId: string;
  status: InstanceStatus;
  locks: readonly LockReason[];
  isPrePaid: boolean;
}

const isAtRest = (status: InstanceStatus) => status === 'Running' || status === 'Stopped';

/** RenewInstance: also of one that is over, until it is released. */
export function refuseRenew({ instanceId, status, locks, isPrePaid }: SubscriptionFacts): Refusal | null {
  if (!isPrePaid) return hasNone('ChargeTypeViolation', instanceId);
  if (locks.includes('security')) {
    return refusal('InstanceLockedForSecurity', `The instance ${instanceId} is locked for security reasons.`);
  }
  if (isAtRest(status)) return null;
  const message = `The instance ${instanceId} is ${status}. Renew it when it is Running or Stopped.`;
  return refusal('IncorrectInstanceStatus', message);
}

/** ModifyInstanceChargeType: one that is over can become PostPaid. */
export function refuseChangeCharge(
  { instanceId, status, locks, isPrePaid }: SubscriptionFacts,
  chargeType: ChargeType,
): Refusal | null {
  if (isPrePaid === (chargeType === 'PrePaid')) {
    const message = `The instance ${instanceId} is ${chargeType} already${isPrePaid ? ': RenewInstance renews it' : ''}.`;
    return refusal('InvalidInstanceChargeType.ValueNotSupported', message);
  }
  if (!isAtRest(status) || locks.includes('security')) {
    const why = isAtRest(status) ? 'locked for security reasons' : `${status}: wait until it is Running or Stopped`;
    return refusal('InvalidStatus.ValueNotSupported', `The instance ${instanceId} is ${why}.`);
  }
  if (isPrePaid || !locks.includes('financial')) return null;
  return refusal('Account.Arrearage', `The instance ${instanceId} is locked, for it is not paid.`);
}

/** ModifyDiskChargeType: data disks of a PrePaid instance. */
export function refuseChangeDiskCharge(facts: {
  instance: SubscriptionFacts;
  disk: { diskId: string; attachedTo: string | null; type: DiskType; status: DiskStatus };
}): Refusal | null {
  const { instance, disk } = facts;
  const { instanceId } = instance;
  if (!instance.isPrePaid) return hasNone('ChargeTypeViolation', instanceId);
  if (instance.locks.length > 0 || !isAtRest(instance.status)) {
    const why = instance.locks.length > 0 ? 'locked' : `${instance.status}: wait until it is Running or Stopped`;
    return refusal('InvalidInstanceStatus.NotSupported', `The instance ${instanceId} is ${why}.`);
  }
  if (disk.attachedTo !== instanceId) {
    return refusal('InvalidDiskIds.NotFound', `The disk ${disk.diskId} is not attached to ${instanceId}.`);
  }
  if (disk.type === 'data' && disk.status === 'In_use') return null;
  const why =
    disk.type === 'data' ? `${disk.status}: wait until it is In_use` : 'the system disk, which is as its instance is';
  return refusal('InvalidDiskIds.NotPortable', `The disk ${disk.diskId} is ${why}.`);
}

/** ModifyInstanceAutoRenewAttribute. */
export function refuseRenewalStatus(
  { instanceId, locks, isPrePaid }: SubscriptionFacts,
  status: RenewalStatus,
): Refusal | null {
  if (!isPrePaid) return hasNone('ChargeTypeViolation', instanceId);
  if (status !== 'AutoRenewal' || !locks.includes('financial')) return null;
  const message = `The subscription of ${instanceId} is over: renew it (RenewInstance) first.`;
  return refusal('IncorrectInstanceStatus', message);
}

function hasNone(code: string, instanceId: string): Refusal {
  return refusal(code, `The instance ${instanceId} is PostPaid: ModifyInstanceChargeType gives it a subscription.`);
}
