/** CreateSnapshot (`ecs-api.md` 2.1): freezes a disk; the copy goes on after the answer. */
import { findDescriptionProblem, findSnapshotNameProblem } from '../../ecs/names.ts';
import { defineAction } from '../action.ts';
import { integer, noEffect, notBuilt, oneOf, required, text, withDefault } from '../parameters.ts';
import { clientToken, resourceGroup, tags, dryRun } from '../resource-parameters.ts';

export const createSnapshot = defineAction({
  name: 'CreateSnapshot',
  parameters: {
    DiskId: required(text()),
    SnapshotName: text('InvalidSnapshotName.Malformed', findSnapshotNameProblem),
    Description: withDefault(text('InvalidDescription.Malformed', findDescriptionProblem), ''),
    RetentionDays: notBuilt('snapshots are not released by themselves yet; leave it out and delete the snapshot', {
      code: 'InvalidRetentionDays.Malformed',
    }),
    Tag: tags(),
    ClientToken: clientToken('InvalidClientToken.Malformed'),
    Category: oneOf(['Standard'], 'InvalidSnapshotCategory.Malformed'),
    ResourceGroupId: resourceGroup,
    InstantAccess: noEffect('documented as having no effect any more: every snapshot can be used at once'),
    InstantAccessRetentionDays: integer({ least: 1, most: 65535, code: 'InvalidInstantAccessRetentionDays.Malformed' }),
    StorageLocationArn: noEffect('not public; the documentation says to ignore it'),
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
        retentionDays: null,
        tags: values.Tag,
      },
      options({ clientToken: values.ClientToken, dryRun: values.DryRun }),
    );
    return { SnapshotId: snapshotId };
  },
});
