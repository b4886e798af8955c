/** ModifyImageSharePermission: with whom an image is shared. There is one account here: others are written down and shown. */
import { notPublic } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { notBuilt, repeated, required, text, type Parameter } from '../parameters.ts';
import { invalidParameter } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

/** What is beyond that is ignored, as documented. */
const ACCOUNTS_AT_ONCE = 10;

export const modifyImageSharePermission = defineAction({
  name: 'ModifyImageSharePermission',
  parameters: {
    ImageId: required(text()),
    AddAccount: accounts(),
    RemoveAccount: accounts(),
    IsPublic: notBuilt('there is one account, to which there is no community', { neutral: ['false'] }),
    LaunchPermission: notPublic,
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const { ImageId: imageId, AddAccount: added, RemoveAccount: removed } = values;
    await control.shareImage({ imageId, added, removed }, options({ dryRun: values.DryRun }));
    return {};
  },
});

function accounts(): Parameter<string[]> {
  const list = repeated(100);
  return {
    ...list,
    shape: `account ids; the first ${ACCOUNTS_AT_ONCE} count`,
    read: (set, name) => {
      const found = list.read(set, name);
      const wrong = found.find((id) => !/^\d{1,19}$/.test(id));
      if (wrong === undefined) return found.slice(0, ACCOUNTS_AT_ONCE);
      throw invalidParameter('InvalidParameter', `${name}.N`, wrong, 'account ids are digits');
    },
  };
}
