/** Cases of instances that are locked: each action that a lock keeps people from, by its documented code. */
import type { ErrorCase, ErrorCases } from './case.ts';
import type { LockReason } from '../../../src/ecs/operation-locks.ts';

const locked =
  (reason: LockReason) =>
  (ask: Extract<ErrorCase, { after: unknown }>['ask'] = {}): ErrorCase => ({
    after: async ({ world, running, stopped }) => {
      for (const instanceId of [running, stopped]) {
        await world.control.instanceLocks.lock({ instanceId, reason, releaseDays: null });
      }
    },
    ask,
  });

const unsafe = { InstanceLockedForSecurity: locked('security')() };
const expired = { InstanceExpiredOrInArrears: locked('financial')() };
const attached: ErrorCase = ({ dataDisk }) => ({ DiskId: dataDisk });

export const lockCases: ErrorCases = {
  AttachDisk: { ...unsafe, ...expired },
  CreateImage: unsafe,
  CreateSnapshot: unsafe,
  CreateSnapshotGroup: unsafe,
  DetachDisk: unsafe,
  ModifyDiskSpec: { InstanceExpiredOrInArrears: locked('financial')(attached) },
  ModifyInstanceAttribute: unsafe,
  ReInitDisk: { ...unsafe, ...expired },
  ReplaceSystemDisk: { ...unsafe, ...expired },
  ResetDisk: { ...unsafe, ...expired },
  ResetDisks: { ...unsafe, ...expired },
  ResizeDisk: {
    InstanceLockedForSecurity: locked('security')(attached),
    InstanceExpiredOrInArrears: locked('financial')(attached),
  },
  StartInstance: { ...unsafe, InstanceExpired: locked('financial')() },
  StartInstances: { ...unsafe, ...expired },
  StopInstance: { ...unsafe, ...expired },
  StopInstances: { ...unsafe, ...expired },
  RebootInstance: { ...unsafe, ...expired },
};
