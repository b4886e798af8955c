/** HupoDescribeRecycleBin, an extension: the deleted snapshots and disks that can be restored, what was deleted last first. */
import type { RecycledFilter } from '../../ecs/list-filters.ts';
import type { Recycled, RecycledType } from '../../ecs/resources.ts';
import { formatSecond } from '../../ecs/times.ts';
import { defineAction } from '../action.ts';
import { pagingOf, pagingParameters } from '../filters.ts';
import { oneOf, repeated, text, type Values } from '../parameters.ts';

const TYPES: readonly RecycledType[] = ['snapshot', 'disk'];

const parameters = {
  ResourceType: oneOf(TYPES, 'InvalidResourceType.NotFound'),
  ResourceId: repeated(100),
  DiskId: text(),
  ...pagingParameters(100),
};

export const describeRecycleBin = defineAction({
  name: 'HupoDescribeRecycleBin',
  parameters,
  run: async (values, { control }) => {
    const paging = pagingOf(values);
    const page = await control.recycleBin.list(filterOf(values), paging);
    return {
      ...{ TotalCount: page.totalCount, PageNumber: paging.pageNumber, PageSize: paging.pageSize },
      NextToken: page.nextToken ?? '',
      Resources: { Resource: page.items.map(render) },
    };
  },
});

function filterOf({ ResourceType, ResourceId, DiskId }: Values<typeof parameters>): RecycledFilter {
  return {
    ...(ResourceType !== null && { resourceType: ResourceType }),
    ...(ResourceId.length > 0 && { resourceIds: ResourceId }),
    ...(DiskId !== null && { diskId: DiskId }),
  };
}

function render(item: Recycled): object {
  return {
    ResourceId: item.resourceId,
    ResourceType: item.resourceType,
    Name: item.name ?? '',
    Size: item.sizeGib,
    SourceDiskId: item.diskId,
    DeletionTime: formatSecond(item.deletedAtMs),
    ExpirationTime: formatSecond(item.goesAtMs),
    ...(item.heldBytes !== null && { HeldSize: item.heldBytes }),
  };
}
