/** HupoCompleteImport, an extension: the disk that HupoBeginImport made has all its bytes and becomes Available. */
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';

export const completeImport = defineAction({
  name: 'HupoCompleteImport',
  parameters: { DiskId: required(text()) },
  run: async (values, { control }) => {
    await control.completeImport({ diskId: values.DiskId });
    return {};
  },
});
