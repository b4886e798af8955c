/** DescribeTags (`ecs-api.md` 2.6): each different tag once, with how many resources of each type have it. */
import type { TagCount } from '../../ecs/resources.ts';
import type { TagsOfResourcesFilter } from '../../ecs/list-filters.ts';
import { defineAction } from '../action.ts';
import { emptyPage } from '../filters.ts';
import { integer, noEffect, text, withDefault, type Values } from '../parameters.ts';
import { describedTags, findTaggedType, resourceType } from '../tag-parameters.ts';

const parameters = {
  ResourceType: resourceType(),
  ResourceId: text(),
  Tag: describedTags(),
  Category: noEffect('documented as obsolete'),
  PageNumber: withDefault(integer({ least: 1, most: 1_000_000_000 }), 1),
  PageSize: withDefault(integer({ least: 1, most: 100 }), 50),
};

export const describeTags = defineAction({
  name: 'DescribeTags',
  parameters,
  run: async (values, { control }) => {
    const { ResourceType: type, PageNumber: pageNumber, PageSize: pageSize } = values;
    const isEmpty = type !== null && findTaggedType(type) === null;
    const paging = { pageNumber, pageSize, nextToken: null };
    const page = isEmpty ? emptyPage : await control.countTags(filterOf(values), paging);
    return {
      PageNumber: pageNumber,
      PageSize: pageSize,
      TotalCount: page.totalCount,
      Tags: { Tag: page.items.map(renderTagCount) },
    };
  },
});

function filterOf(values: Values<typeof parameters>): TagsOfResourcesFilter {
  const type = values.ResourceType === null ? null : findTaggedType(values.ResourceType);
  return {
    ...(type !== null && { resourceType: type }),
    ...(values.ResourceId !== null && { resourceIds: [values.ResourceId] }),
    tags: values.Tag,
  };
}

function renderTagCount({ key, value, counts }: TagCount): object {
  return {
    TagKey: key,
    TagValue: value,
    ResourceTypeCount: {
      Instance: counts.instance,
      Disk: counts.disk,
      Snapshot: counts.snapshot,
      Image: counts.image,
      Ddh: 0,
      Eni: 0,
      KeyPair: 0,
      LaunchTemplate: 0,
      ReservedInstance: 0,
      Securitygroup: 0,
      SnapshotPolicy: 0,
      Volume: 0,
    },
  };
}
