/** ListTagResources (`ecs-api.md` 2.6): tags of the resources that match all that is asked for, in pages of 50. */
import type { TagsOfResourcesFilter } from '../../ecs/list-filters.ts';
import { RequestError } from '../../lib/errors.ts';
import { defineAction } from '../action.ts';
import { emptyPage, pagingParameters } from '../filters.ts';
import { required, type Values } from '../parameters.ts';
import { findTaggedType, listedTags, resourceIds, resourceType, tagPatterns } from '../tag-parameters.ts';

const PAGE_SIZE = 50;

const parameters = {
  ResourceType: required(resourceType(), 'MissingParameter.ResourceType'),
  ResourceId: resourceIds(),
  Tag: listedTags(),
  TagFilter: tagPatterns(),
  NextToken: pagingParameters(PAGE_SIZE).NextToken,
};

export const listTagResources = defineAction({
  name: 'ListTagResources',
  parameters,
  run: async (values, { control }) => {
    checkFilters(values);
    const type = findTaggedType(values.ResourceType);
    const paging = { pageNumber: 1, pageSize: PAGE_SIZE, nextToken: values.NextToken };
    const filter: TagsOfResourcesFilter = {
      ...(type !== null && { resourceType: type }),
      ...(values.ResourceId.length > 0 && { resourceIds: values.ResourceId }),
      tags: values.Tag,
      tagPatterns: values.TagFilter,
    };
    const page = type === null ? emptyPage : await control.listTagsOfResources(filter, paging);
    const rows = page.items.map(({ resourceId, key, value }) => ({
      ResourceId: resourceId,
      ResourceType: values.ResourceType,
      TagKey: key,
      TagValue: value,
    }));
    return { NextToken: page.nextToken ?? '', TagResources: { TagResource: rows } };
  },
});

function checkFilters({ ResourceId, Tag, TagFilter }: Values<typeof parameters>): void {
  if (ResourceId.length + Tag.length + TagFilter.length === 0) {
    throw new RequestError(
      'MissingParameter.Tags',
      'Nothing says whose tags to list: give ResourceId.N, Tag.N or TagFilter.N.',
    );
  }
  if (Tag.length > 0 && TagFilter.length > 0) {
    throw new RequestError('InvalidParameter.Conflict', 'Tag.N and TagFilter.N cannot be used together.');
  }
}
