/** DeleteImage (`ecs-api.md` 2.5). Its snapshots stay, and so do the disks that were made from it. */
import { defineAction } from '../action.ts';
import { boolean, required, text, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const deleteImage = defineAction({
  name: 'DeleteImage',
  parameters: { ImageId: required(text()), Force: withDefault(boolean(), false), DryRun: dryRun },
  run: async (values, { control, options }) => {
    await control.deleteImage({ imageId: values.ImageId, force: values.Force }, options({ dryRun: values.DryRun }));
    return {};
  },
});
