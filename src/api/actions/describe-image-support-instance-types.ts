/** DescribeImageSupportInstanceTypes: the instance types that can start an image. */
import { instanceTypes } from '../../ecs/instance-types.ts';
import { RequestError } from '../../lib/errors.ts';
import { defineAction } from '../action.ts';
import { groups, invalidParameter, noEffect, text, type Parameter } from '../parameters.ts';

export const describeImageSupportInstanceTypes = defineAction({
  name: 'DescribeImageSupportInstanceTypes',
  parameters: {
    ImageId: text(),
    Filter: imageIdFilter(),
    ActionType: noEffect('an instance keeps its type: it is about making one in any case'),
  },
  run: async (values, { control, region }) => {
    const imageId = values.ImageId ?? values.Filter;
    if (imageId === null) {
      throw new RequestError(
        'MissingParameter',
        'The input parameter "ImageId" that is mandatory for processing this request is not supplied; Filter.1.Key=imageId can stand for it.',
      );
    }
    const page = await control.listImages({ imageIds: [imageId] }, { pageNumber: 1, pageSize: 1, nextToken: null });
    const [image] = page.items;
    if (image === undefined) {
      throw new RequestError(
        'InvalidImageId.NotFound',
        `There is no image ${JSON.stringify(imageId.slice(0, 64))}: DescribeImages lists those that there are.`,
      );
    }
    const types = instanceTypes.filter(({ architectures }) => architectures.includes(image.architecture));
    return {
      RegionId: region.regionId,
      ImageId: imageId,
      InstanceTypes: {
        InstanceType: types.map((type) => ({
          InstanceTypeId: type.instanceTypeId,
          InstanceTypeFamily: type.family,
          CpuCoreCount: type.cpuCount,
          MemorySize: type.memoryGib,
        })),
      },
    };
  },
});

/** `Filter.N.Key=imageId` with the id as its value: the only documented key. */
function imageIdFilter(): Parameter<string | null> {
  const list = groups({ Key: text(), Value: text() }, { most: 1, code: 'InvalidParamter' });
  return {
    ...list,
    read: (set, name) => {
      const [filter] = list.read(set, name);
      if (filter === undefined || (filter.Key === null && filter.Value === null)) return null;
      if (filter.Key?.toLowerCase() === 'imageid') return filter.Value;
      throw invalidParameter('InvalidParamter', `${filter.name}.Key`, filter.Key ?? '', 'it must be imageId');
    },
  };
}
