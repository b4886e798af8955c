/** CopyImage (`ecs-api.md` 2.5): the image, with snapshots of its own, in another region or once more in its own. */
import { findImageNameProblem } from '../../ecs/image-rules.ts';
import { notPublic } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { notBuilt, required, text, withDefault } from '../parameters.ts';
import { clientToken, description, dryRun, resourceGroup, tags } from '../resource-parameters.ts';

const encryption = { code: 'InvalidParameter.EncryptedIllegal' };

export const copyImage = defineAction({
  name: 'CopyImage',
  ownCodes: { 'QuotaExceed.SnapshotQuota': 'QuotaExceed.Snapshot' },
  parameters: {
    ImageId: required(text()),
    DestinationRegionId: text(),
    DestinationImageName: text('InvalidImageName.Malformed', findImageNameProblem),
    DestinationDescription: withDefault(description, ''),
    ResourceGroupId: resourceGroup,
    Tag: tags(),
    ClientToken: clientToken('InvalidParameter'),
    Encrypted: notBuilt('this service does not encrypt images yet', { ...encryption, neutral: ['false'] }),
    KMSKeyId: notBuilt('this service does not encrypt images yet', encryption),
    EncryptAlgorithm: notPublic,
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const { imageId } = await control.copyImage(
      {
        imageId: values.ImageId,
        destinationRegionId: values.DestinationRegionId,
        imageName: values.DestinationImageName,
        description: values.DestinationDescription,
        resourceGroupId: values.ResourceGroupId,
        tags: values.Tag,
      },
      options({ clientToken: values.ClientToken, dryRun: values.DryRun }),
    );
    return { ImageId: imageId };
  },
});
