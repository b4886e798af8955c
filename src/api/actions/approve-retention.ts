/**
 * HupoApproveRetention, an extension: agrees that retention deletes what it holds back of a disk, for being more at once than is done
 * without being told. Exactly those that were held then; anything more is held again.
 */
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';

export const approveRetention = defineAction({
  name: 'HupoApproveRetention',
  parameters: { DiskId: required(text()) },
  run: async (values, { control }) => {
    const snapshotIds = await control.policies.approve(values.DiskId);
    return { SnapshotIds: { SnapshotId: snapshotIds } };
  },
});
