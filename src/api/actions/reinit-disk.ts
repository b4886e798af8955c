/** ReInitDisk (`ecs-api.md` 2.3): a disk as it was made, from its image, its snapshot, or empty. */
import { defineAction } from '../action.ts';
import { boolean, noEffect, notBuilt, required, text, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const reInitDisk = defineAction({
  name: 'ReInitDisk',
  parameters: {
    DiskId: required(text()),
    AutoStartInstance: withDefault(boolean(), false),
    KeyPairName: notBuilt('there are no key pairs', { code: 'InvalidKeyPairName.NotFound' }),
    Password: notBuilt('a password cannot be set in a machine that its user runs; leave it out', {
      code: 'InvalidPassword.Malformed',
    }),
    SecurityEnhancementStrategy: noEffect('it is about an agent in images of Alibaba Cloud, and there are none'),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const request = { diskId: values.DiskId, autoStartInstance: values.AutoStartInstance };
    await control.reInitDisk(request, options({ dryRun: values.DryRun }));
    return {};
  },
});
