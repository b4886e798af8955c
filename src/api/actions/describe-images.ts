/** DescribeImages (`ecs-api.md` 2.5). The public image is the only one there is; it is always Available. */
import { findInstanceType, instanceTypes } from '../../ecs/instance-types.ts';
import type { ImageFilter } from '../../control/requests.ts';
import { defineAction } from '../action.ts';
import {
  constantFilter,
  dryRun,
  emptyPage,
  finishDryRun,
  matchesNothing,
  noneHas,
  pagingOf,
  pagingParameters,
  tagFilters,
  timeFilters,
} from '../filters.ts';
import {
  commaList,
  invalidParameter,
  noEffect,
  notBuilt,
  oneOf,
  text,
  type Parameter,
  type Values,
} from '../parameters.ts';
import { renderImage } from '../render/image.ts';

const STATUSES = ['ALL', 'Creating', 'Waiting', 'Available', 'UnAvailable', 'CreateFailed', 'Deprecated'];

const { PageNumber, PageSize } = pagingParameters(100);

const parameters = {
  PageNumber,
  PageSize,
  ImageId: commaList(),
  ImageName: text(),
  ImageOwnerAlias: oneOf(['system', 'self', 'others', 'marketplace'], 'InvalidImageOwnerAlias.ValueNotSupported'),
  OSType: oneOf(['linux', 'windows'], 'InvalidOSType'),
  Architecture: oneOf(['x86_64', 'i386', 'arm64'], 'InvalidArchitecture'),
  Status: statuses(),
  Usable: constantFilter({ all: ['true'], none: ['false'], code: 'InvalidParameter' }),
  InstanceType: text('InvalidInstanceType.ValueNotSupported', (value) =>
    findInstanceType(value) === undefined
      ? `it must be one of ${instanceTypes.map((x) => x.instanceTypeId).join(', ')}`
      : null,
  ),
  IsPublic: constantFilter({ all: ['false'], none: ['true'], code: 'InvalidParameter' }),
  IsSupportCloudinit: constantFilter({ all: ['false'], none: ['true'], code: 'InvalidParameter' }),
  IsSupportIoOptimized: constantFilter({ all: ['true'], none: ['false'], code: 'InvalidParameter' }),
  ImageFamily: noneHas(),
  ImageOwnerId: noneHas(),
  SnapshotId: noneHas(),
  ResourceGroupId: noneHas(),
  ActionType: noEffect('every image can make an instance and replace a system'),
  ShowExpired: noEffect('no image expires'),
  Usage: notBuilt('images cannot be searched by use yet', { code: 'InvalidUsage' }),
  Filter: timeFilters([]),
  Tag: tagFilters(),
  DryRun: dryRun(),
};

export const describeImages = defineAction({
  name: 'DescribeImages',
  parameters,
  run: async (values, { control, region }) => {
    const paging = pagingOf({ ...values, MaxResults: null, NextToken: null });
    finishDryRun(values.DryRun);
    const isEmpty = matchesNothing(values) || values.Tag.length > 0;
    const page = isEmpty ? emptyPage : await control.listImages(filterOf(values), paging);
    const images = [];
    for (const image of page.items) {
      const users = await control.listInstances(
        { imageId: image.imageId },
        { pageNumber: 1, pageSize: 1, nextToken: null },
      );
      images.push(renderImage(image, users.totalCount > 0));
    }
    const { pageNumber, pageSize } = paging;
    return {
      RegionId: region.regionId,
      PageNumber: pageNumber,
      PageSize: pageSize,
      TotalCount: page.totalCount,
      Images: { Image: images },
    };
  },
});

/** Words joined by commas, `Available` by default: as no image is in another state, either all match or none. */
function statuses(): Parameter<symbol | null> {
  const filter = constantFilter({ all: ['ALL', 'Available'] });
  const list = commaList();
  return {
    ...filter,
    read: (set, name) => {
      const words = (list.read(set, name) ?? []).map((word) => word.toLowerCase());
      const unknown = words.find((word) => !STATUSES.some((status) => status.toLowerCase() === word));
      if (unknown !== undefined)
        throw invalidParameter('InvalidParamter', name, unknown, `it must be of ${STATUSES.join(', ')}`);
      return words.includes('all') || words.includes('available') ? null : filter.read(set, name);
    },
  };
}

function filterOf(values: Values<typeof parameters>): ImageFilter {
  return {
    ...(values.ImageId !== null && { imageIds: values.ImageId }),
    ...(values.ImageName !== null && { imageName: values.ImageName }),
    ...(values.ImageOwnerAlias !== null && { ownerAlias: values.ImageOwnerAlias }),
    ...(values.OSType !== null && { osType: values.OSType }),
    ...(values.Architecture !== null && { architecture: values.Architecture }),
  };
}
