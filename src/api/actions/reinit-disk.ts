/** ReInitDisk (`ecs-api.md` 2.3): a disk as it was made, from its image, its snapshot, or empty. */
import { keyPair, password, securityAgent } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { boolean, required, text, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const reInitDisk = defineAction({
  name: 'ReInitDisk',
  parameters: {
    DiskId: required(text()),
    AutoStartInstance: withDefault(boolean(), false),
    KeyPairName: keyPair(),
    Password: password('InvalidPassword.Malformed'),
    SecurityEnhancementStrategy: securityAgent,
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const request = { diskId: values.DiskId, autoStartInstance: values.AutoStartInstance };
    await control.reInitDisk(request, options({ dryRun: values.DryRun }));
    return {};
  },
});
