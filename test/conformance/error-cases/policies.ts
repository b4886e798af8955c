/** Errors of the actions on automatic snapshot policies. */
import { policyRequest } from '../../control/policies.ts';
import { elsewhere, newTagCases, tagFilterCases, type ErrorCases } from './case.ts';

const { 'QuotaExceed.Tags': _beyond, ...documentedTagCases } = newTagCases;

export const policyCases: ErrorCases = {
  CreateAutoSnapshotPolicy: {
    ...documentedTagCases,
    'AutoSnapshotPolicy.QuotaExceed': {
      after: async ({ world }) => {
        for (let count = 3; count < 100; count += 1) await world.control.policies.create(policyRequest());
      },
    },
    'InvalidParameter.CopiedSnapshotsRetentionDays': { CopiedSnapshotsRetentionDays: '0' },
    'InvalidParameter.EncryptedIllegal': { 'CopyEncryptionConfiguration.Encrypted': 'true' },
    'InvalidParameter.TargetCopyRegions': { EnableCrossRegionCopy: 'true', TargetCopyRegions: '["cn-mars"]' },
    'InvalidResourceGroup.NotFound': { ResourceGroupId: 'my group' },
    'InvalidSnapshotPolicyName.Malformed': { autoSnapshotPolicyName: 'x' },
    ParameterInvalid: { timePoints: '["24"]' },
  },
  ModifyAutoSnapshotPolicyEx: { ParameterInvalid: { autoSnapshotPolicyId: 'sp-none' } },
  DeleteAutoSnapshotPolicy: { ParameterInvalid: { autoSnapshotPolicyId: 'sp-none' } },
  DescribeAutoSnapshotPolicyEx: { ...tagFilterCases, 'InvalidRegionId.NotFound': elsewhere },
  ApplyAutoSnapshotPolicy: {
    'InvalidAutoSnapshotPolicyId.NotFound': { autoSnapshotPolicyId: 'sp-none' },
    'InvalidDiskId.NotFound': { diskIds: '["d-none"]' },
    'InvalidOperation.AutoSnapshotPolicyConflict': ({ tagPolicy }) => ({ autoSnapshotPolicyId: tagPolicy }),
    ParameterInvalid: { diskIds: '[]' },
    'QuotaExceed.AppliedAutoSnapshotPolicyQuota': {
      after: async ({ world, dataDisk }) => {
        const { policies } = world.control;
        for (let count = 1; count < 10; count += 1) {
          const { policyId } = await policies.create(policyRequest());
          await policies.apply({ policyId, diskIds: [dataDisk] });
        }
      },
    },
  },
  CancelAutoSnapshotPolicy: {
    'InvalidDiskId.NotFound': { diskIds: '["d-none"]' },
    ParameterInvalid: { autoSnapshotPolicyId: 'sp-none' },
  },
};
