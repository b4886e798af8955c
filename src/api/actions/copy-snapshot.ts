/** CopySnapshot (`ecs-api.md` 2.1): the snapshot is in another region too, or once more in its own. */
import { findSnapshotNameProblem } from '../../ecs/names.ts';
import { noRoles, notPublic } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { notBuilt, required, text } from '../parameters.ts';
import { clientToken, description, dryRun, resourceGroup, retentionDays, tags } from '../resource-parameters.ts';

export const copySnapshot = defineAction({
  name: 'CopySnapshot',
  parameters: {
    SnapshotId: required(text()),
    DestinationRegionId: required(text()),
    DestinationSnapshotName: required(text('InvalidSnapshotName.Malformed', findSnapshotNameProblem)),
    DestinationSnapshotDescription: required(description),
    RetentionDays: retentionDays(),
    ResourceGroupId: resourceGroup,
    Tag: tags(),
    ClientToken: clientToken('InvalidParameter'),
    Encrypted: notBuilt('this service does not encrypt snapshots yet', {
      code: 'InvalidSnapshotId.EncryptedNotSupport',
      neutral: ['false'],
    }),
    KMSKeyId: notBuilt('this service does not encrypt snapshots yet', {
      code: 'InvalidSnapshotId.EncryptedNotSupport',
    }),
    Arn: noRoles,
    DestinationStorageLocationArn: notPublic,
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const { snapshotId } = await control.copySnapshot(
      {
        snapshotId: values.SnapshotId,
        destinationRegionId: values.DestinationRegionId,
        snapshotName: values.DestinationSnapshotName,
        description: values.DestinationSnapshotDescription,
        retentionDays: values.RetentionDays,
        resourceGroupId: values.ResourceGroupId,
        tags: values.Tag,
      },
      options({ clientToken: values.ClientToken, dryRun: values.DryRun }),
    );
    return { SnapshotId: snapshotId };
  },
});
