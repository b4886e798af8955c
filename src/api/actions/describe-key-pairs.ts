/** DescribeKeyPairs: there are no key pairs. */
import { defineAction } from '../action.ts';
import { emptyPage, numberedFields, pageNumbers } from '../filters.ts';
import { noEffect } from '../parameters.ts';

const filter = noEffect('there are no key pairs: the list is always empty');

export const describeKeyPairs = defineAction({
  name: 'DescribeKeyPairs',
  parameters: {
    ...pageNumbers(50),
    KeyPairName: filter,
    KeyPairFingerPrint: filter,
    IncludePublicKey: filter,
    ResourceGroupId: filter,
    Tag: filter,
  },
  run: (values) => Promise.resolve({ ...numberedFields(values, emptyPage), KeyPairs: { KeyPair: [] } }),
});
