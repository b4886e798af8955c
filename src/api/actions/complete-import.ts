/** HupoCompleteImport, an extension: the disk that HupoBeginImport made has all its bytes and becomes Available. */
import { defineAction } from '../action.ts';
import { notBuilt, required, text } from '../parameters.ts';

export const completeImport = defineAction({
  name: 'HupoCompleteImport',
  parameters: {
    DiskId: required(text()),
    DryRun: notBuilt('an import cannot be completed on trial', { neutral: ['false'] }),
  },
  run: async (values, { control }) => {
    await control.completeImport({ diskId: values.DiskId });
    return {};
  },
});
