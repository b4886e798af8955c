/** HupoPreviewPolicy, an extension: the next runs of a policy, and what retention does to each of its disks' snapshots by then. */
import { formatSecond } from '../../ecs/times.ts';
import { defineAction } from '../action.ts';
import { finishDryRun } from '../filters.ts';
import { integer, required, text, withDefault } from '../parameters.ts';
import { policyId } from '../policy-parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const previewPolicy = defineAction({
  name: 'HupoPreviewPolicy',
  parameters: {
    AutoSnapshotPolicyId: required(policyId),
    DiskId: text(),
    Runs: withDefault(integer({ least: 1, most: 400 }), 10),
    DryRun: dryRun,
  },
  run: async (values, { control }) => {
    finishDryRun(values.DryRun);
    const { runsMs, disks } = await control.policies.preview({
      policyId: values.AutoSnapshotPolicyId,
      runCount: values.Runs,
      diskId: values.DiskId,
    });
    const dated = (one: { snapshotId: string; createdAtMs: number; reason: string }) => ({
      ...{ SnapshotId: one.snapshotId, CreationTime: formatSecond(one.createdAtMs), Reason: one.reason },
    });
    return {
      Runs: { Run: runsMs.map(formatSecond) },
      Disks: {
        Disk: disks.map((disk) => ({
          ...{ DiskId: disk.diskId, FreedSize: disk.freedBytes, HeldSnapshotIds: { SnapshotId: disk.heldIds } },
          DeletedSnapshots: {
            Snapshot: disk.ends.map((end) => ({
              ...dated(end),
              DeletionTime: formatSecond(end.atMs),
              NeedsApproval: end.decision === 'hold',
            })),
          },
          KeptSnapshots: { Snapshot: disk.kept.map(dated) },
        })),
      },
    };
  },
});
