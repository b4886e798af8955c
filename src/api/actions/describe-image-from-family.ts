/** DescribeImageFromFamily: the newest custom image of a family that is Available, as far as it is documented; nothing without one. */
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';
import { renderFamilyImage } from '../render/image.ts';

export const describeImageFromFamily = defineAction({
  name: 'DescribeImageFromFamily',
  parameters: { ImageFamily: required(text()) },
  run: async (values, { control }) => {
    const filter = { imageFamily: values.ImageFamily, ownerAlias: 'self', statuses: ['Available' as const] };
    const { items } = await control.listImages(filter, { pageNumber: 1, pageSize: 1, nextToken: null });
    const [image] = items;
    return image === undefined ? {} : { Image: renderFamilyImage(image) };
  },
});
