/**
 * What a lock of an instance keeps people from (`ecs-api.md` 4.10): `financial` when it has expired or is not paid, `security` when
 * something is wrong with it. Disks are concerned while they are attached to it. Whatever is not in the table goes on: deleting,
 * describing, tags and attributes of disks.
 */
import { refusal } from './states.ts';
import type { Refusal } from './states.ts';

export type LockReason = 'financial' | 'security';

/** Of each action, the reasons for which it is refused. */
export const refusedByLocks = {
  AttachDisk: ['security', 'financial'],
  CreateImage: ['security'],
  CreateSnapshot: ['security'],
  DetachDisk: ['security'],
  ModifyDiskSpec: ['financial'],
  ModifyInstanceAttribute: ['security'],
  ReInitDisk: ['security', 'financial'],
  ReplaceSystemDisk: ['security', 'financial'],
  ResetDisk: ['security', 'financial'],
  ResizeDisk: ['security', 'financial'],
  StartInstance: ['security', 'financial'],
  StopInstance: ['security', 'financial'],
  RebootInstance: ['security', 'financial'],
} as const satisfies Record<string, readonly LockReason[]>;

export type LockedAction = keyof typeof refusedByLocks;

export function refuseLocked(action: LockedAction, instanceId: string, locks: readonly LockReason[]): Refusal | null {
  const reasons: readonly LockReason[] = refusedByLocks[action];
  if (locks.includes('security') && reasons.includes('security')) {
    return refusal('InstanceLockedForSecurity', `The instance ${instanceId} is locked for security reasons.`);
  }
  if (!locks.includes('financial') || !reasons.includes('financial')) return null;
  return refusal(
    'InstanceExpiredOrInArrears',
    `The instance ${instanceId} is locked, for it has expired or is not paid: its data can be read from snapshots, and it can be deleted.`,
  );
}
