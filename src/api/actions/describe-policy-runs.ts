/** HupoDescribePolicyRuns, an extension: what the runs of automatic snapshot policies did, disk by disk, the latest run first. */
import { formatSecond } from '../../ecs/times.ts';
import { defineAction } from '../action.ts';
import { finishDryRun, pageFields, pagingOf, pagingParameters } from '../filters.ts';
import { text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const describePolicyRuns = defineAction({
  name: 'HupoDescribePolicyRuns',
  parameters: { ...pagingParameters(100), AutoSnapshotPolicyId: text(), DryRun: dryRun },
  run: async (values, { control }) => {
    finishDryRun(values.DryRun);
    const paging = pagingOf(values);
    const { AutoSnapshotPolicyId: policyId } = values;
    const page = await control.policies.listRuns(policyId === null ? {} : { policyId }, paging);
    const runs = page.items.map((run) => ({
      ...{ AutoSnapshotPolicyId: run.policyId, TimePoint: formatSecond(run.slotMs) },
      ...{ StartTime: formatSecond(run.begunAtMs), MissedRuns: run.missedCount },
      Disks: {
        Disk: run.disks.map((disk) => ({
          ...{ DiskId: disk.diskId, State: disk.state, SnapshotId: disk.snapshotId ?? '', Reason: disk.reason ?? '' },
        })),
      },
    }));
    return { ...pageFields(paging, page), Runs: { Run: runs } };
  },
});
