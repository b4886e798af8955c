/** DescribeImages (`ecs-api.md` 2.5): pages by number only. */
import { findInstanceType, instanceTypes } from '../../ecs/instance-types.ts';
import { architectures } from '../../ecs/image-platforms.ts';
import { isUsable } from '../../ecs/image-rules.ts';
import type { ImageStatus } from '../../ecs/resources.ts';
import type { ImageFilter } from '../../ecs/list-filters.ts';
import { defineAction } from '../action.ts';
import {
  constantFilter,
  emptyPage,
  finishDryRun,
  matchesNothing,
  noneHas,
  numberedFields,
  numberedPaging,
  pageNumbers,
  resourceFilterOf,
  tagFilters,
} from '../filters.ts';
import {
  boolean,
  commaList,
  invalidParameter,
  noEffect,
  oneOf,
  text,
  type Parameter,
  type Values,
} from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';
import { renderImage } from '../render/image.ts';
import { imageFilters } from './describe-images-filters.ts';

const STATUSES: readonly ImageStatus[] = ['Creating', 'Available', 'CreateFailed', 'Deprecated'];
/** Documented states that no image is in here: those of imports and copies. */
const OTHER_STATUSES = ['Waiting', 'UnAvailable'];

const parameters = {
  ...pageNumbers(),
  ImageId: commaList(),
  ImageName: text(),
  ImageFamily: text(),
  ImageOwnerAlias: oneOf(['system', 'self', 'others', 'marketplace'], 'InvalidImageOwnerAlias.ValueNotSupported'),
  OSType: oneOf(['linux', 'windows'], 'InvalidOSType'),
  Architecture: oneOf(architectures, 'InvalidArchitecture'),
  Status: statuses(),
  Usable: boolean(),
  Usage: oneOf(['instance', 'none'], 'InvalidUsage'),
  SnapshotId: text(),
  InstanceType: text('InvalidInstanceType.ValueNotSupported', (value) =>
    findInstanceType(value) === undefined
      ? `it must be one of ${instanceTypes.map((x) => x.instanceTypeId).join(', ')}`
      : null,
  ),
  Filter: imageFilters(),
  Tag: tagFilters(),
  IsPublic: constantFilter({ all: ['false'], none: ['true'], code: 'InvalidParameter' }),
  IsSupportCloudinit: constantFilter({ all: ['false'], none: ['true'], code: 'InvalidParameter' }),
  IsSupportIoOptimized: constantFilter({ all: ['true'], none: ['false'], code: 'InvalidParameter' }),
  ImageOwnerId: ownerId(),
  ResourceGroupId: text(),
  ActionType: noEffect('every image can make an instance and replace a system'),
  ShowExpired: noEffect('no image expires'),
  DryRun: dryRun,
};

export const describeImages = defineAction({
  name: 'DescribeImages',
  parameters,
  run: async (values, { control, region }) => {
    finishDryRun(values.DryRun);
    const isEmpty = matchesNothing(values) || values.Filter.matchesNothing;
    const page = isEmpty ? emptyPage : await control.listImages(filterOf(values), numberedPaging(values));
    return {
      RegionId: region.regionId,
      ...numberedFields(values, page),
      Images: { Image: page.items.map(renderImage) },
    };
  },
});

/** Of another account, from which no image here is. */
function ownerId(): Parameter<symbol | null> {
  const number = text('InvalidParameter', (value) => (/^\d{1,19}$/.test(value) ? null : 'account ids are digits'));
  const filter = noneHas();
  return {
    ...filter,
    covers: [''],
    read: (set, name) => {
      number.read(set, name);
      return filter.read(set, name);
    },
  };
}

/** Words joined by commas, or `ALL`; `Available` by default. */
function statuses(): Parameter<ImageStatus[]> {
  const list = commaList();
  return {
    ...list,
    read: (set, name) => {
      const words = list.read(set, name) ?? ['Available'];
      return words.flatMap((word) => {
        const lower = word.toLowerCase();
        if (lower === 'all') return STATUSES;
        const known = STATUSES.find((status) => status.toLowerCase() === lower);
        if (known !== undefined) return known;
        if (OTHER_STATUSES.some((status) => status.toLowerCase() === lower)) return [];
        const rule = `it must be ALL or of ${[...STATUSES, ...OTHER_STATUSES].join(', ')}`;
        throw invalidParameter('InvalidParamter', name, word, rule);
      });
    },
  };
}

function filterOf(values: Values<typeof parameters>): ImageFilter {
  const { Usable } = values;
  return {
    ...resourceFilterOf(values),
    statuses: values.Status.filter((status) => Usable === null || isUsable(status) === Usable),
    ...architecturesOf(values),
    ...(values.ImageId !== null && { imageIds: values.ImageId }),
    ...(values.ImageName !== null && { imageName: values.ImageName }),
    ...(values.ImageFamily !== null && { imageFamily: values.ImageFamily }),
    ...(values.ImageOwnerAlias !== null && { ownerAlias: values.ImageOwnerAlias }),
    ...(values.OSType !== null && { osType: values.OSType }),
    ...(values.Usage !== null && { isUsed: values.Usage === 'instance' }),
    ...(values.SnapshotId !== null && { snapshotId: values.SnapshotId }),
  };
}

/** Those that are asked for, and that the instance type can start. */
function architecturesOf({ Architecture, InstanceType }: Values<typeof parameters>): { architectures?: string[] } {
  const startable = InstanceType === null ? undefined : findInstanceType(InstanceType)?.architectures;
  if (Architecture === null && startable === undefined) return {};
  return {
    architectures: architectures.filter(
      (one) => (Architecture === null || one === Architecture) && (startable?.includes(one) ?? true),
    ),
  };
}
