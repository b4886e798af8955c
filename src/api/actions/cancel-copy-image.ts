/** CancelCopyImage (`ecs-api.md` 2.5), asked in the destination's region: the copy that is being made goes. */
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const cancelCopyImage = defineAction({
  name: 'CancelCopyImage',
  parameters: { ImageId: required(text()), DryRun: dryRun },
  run: async (values, { control, options }) => {
    await control.cancelCopyImage({ imageId: values.ImageId }, options({ dryRun: values.DryRun }));
    return {};
  },
});
