/** ReplaceSystemDisk (`ecs-api.md` 2.3): the instance gets a new system disk, made from an image; the old one is released. */
import { keyPair, notPublic, password, securityAgent, unbuiltDiskFeatures } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { group, integer, noEffect, required, text } from '../parameters.ts';
import { clientToken, dryRun } from '../resource-parameters.ts';

/** Beyond any category's most, which is told with a code of its own. */
const MOST_GIB = 1_000_000;

export const replaceSystemDisk = defineAction({
  name: 'ReplaceSystemDisk',
  parameters: {
    InstanceId: required(text()),
    ImageId: required(text()),
    SystemDisk: group({ Size: integer({ least: 1, most: MOST_GIB, code: 'InvalidSystemDiskSize.ValueNotSupported' }) }),
    ClientToken: clientToken('InvalidParameter'),
    Encrypted: unbuiltDiskFeatures.Encrypted,
    KMSKeyId: unbuiltDiskFeatures.KMSKeyId,
    EncryptAlgorithm: unbuiltDiskFeatures.EncryptAlgorithm,
    KeyPairName: keyPair(),
    Password: password('InvalidPassword.Malformed'),
    PasswordInherit: noEffect('the system keeps the password that its image has in any case'),
    SecurityEnhancementStrategy: securityAgent,
    UseAdditionalService: noEffect('it is about services inside images of Alibaba Cloud, and there are none'),
    DiskId: noEffect('documented as deprecated: the instance says which its system disk is'),
    Architecture: noEffect('documented as deprecated: the image says it'),
    Platform: noEffect('documented as deprecated: the image says it'),
    Arn: notPublic,
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const request = { instanceId: values.InstanceId, imageId: values.ImageId, sizeGib: values.SystemDisk.Size };
    const asked = options({ clientToken: values.ClientToken, dryRun: values.DryRun });
    const { diskId } = await control.replaceSystemDisk(request, asked);
    return { DiskId: diskId };
  },
});
