/** ExportImage (`ecs-api.md` 2.5): each disk of a custom image becomes a file in a bucket, a folder of the exchange folder. */
import { exportFormats } from '../../ecs/exchange-names.ts';
import { noRoles } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { oneOf, required, text, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const exportImage = defineAction({
  name: 'ExportImage',
  parameters: {
    ImageId: required(text()),
    OSSBucket: required(text()),
    OSSPrefix: withDefault(
      text('InvalidOSSPrefix.Malformed', (prefix) =>
        /^[A-Za-z0-9]{1,30}$/.test(prefix) ? null : 'a prefix has 1 to 30 letters and digits',
      ),
      '',
    ),
    ImageFormat: withDefault(oneOf(exportFormats, 'InvalidImageFormat.Malformed'), 'raw'),
    RoleName: noRoles,
    DryRun: dryRun,
  },
  run: async (values, { control, region, options }) => {
    const { ImageId: imageId, OSSBucket: bucket, OSSPrefix: prefix, ImageFormat: format } = values;
    const asked = options({ dryRun: values.DryRun });
    const { taskId } = await control.exportImage({ imageId, bucket, prefix, format }, asked);
    return { TaskId: taskId, RegionId: region.regionId };
  },
});
