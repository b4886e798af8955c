/** CreateSnapshot (`ecs-api.md` 2.1): freezes a disk; the copy goes on after the answer. */
import { findSnapshotNameProblem } from '../../ecs/names.ts';
import { instantAccess, notPublic } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { integer, notBuilt, oneOf, required, text, withDefault } from '../parameters.ts';
import { clientToken, description, dryRun, resourceGroup, retentionDays, tags } from '../resource-parameters.ts';

export const createSnapshot = defineAction({
  name: 'CreateSnapshot',
  parameters: {
    DiskId: required(text()),
    SnapshotName: text('InvalidSnapshotName.Malformed', findSnapshotNameProblem),
    Description: withDefault(description, ''),
    RetentionDays: retentionDays(),
    Tag: tags(),
    ClientToken: clientToken('InvalidClientToken.Malformed'),
    Category: oneOf(['Standard'], 'InvalidSnapshotCategory.Malformed'),
    ResourceGroupId: resourceGroup,
    InstantAccess: instantAccess,
    InstantAccessRetentionDays: integer({ least: 1, most: 65535, code: 'InvalidInstantAccessRetentionDays.Malformed' }),
    StorageLocationArn: notPublic,
    Encrypted: notBuilt('this service does not encrypt snapshots yet', {
      code: 'InvalidParameter.EncryptedNotSupported',
      neutral: ['false'],
    }),
    KMSKeyId: notBuilt('this service does not encrypt snapshots yet', {
      code: 'InvalidParameter.EncryptedNotSupported',
    }),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const { snapshotId } = await control.createSnapshot(
      {
        diskId: values.DiskId,
        snapshotName: values.SnapshotName,
        description: values.Description,
        retentionDays: values.RetentionDays,
        resourceGroupId: values.ResourceGroupId,
        tags: values.Tag,
      },
      options({ clientToken: values.ClientToken, dryRun: values.DryRun }),
    );
    return { SnapshotId: snapshotId };
  },
});
