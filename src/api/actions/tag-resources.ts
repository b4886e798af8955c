/** TagResources (`ecs-api.md` 2.6). */
import { defineAction } from '../action.ts';
import { required } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';
import { atLeastOneOf, getTaggedType, resourceIds, resourceType, tagsToPut } from '../tag-parameters.ts';

export const tagResources = defineAction({
  name: 'TagResources',
  parameters: {
    ResourceType: required(resourceType(), 'MissingParameter.ResourceType'),
    ResourceId: atLeastOneOf(resourceIds(), 'ResourceId.N', 'MissingParameter.ResourceIds'),
    Tag: tagsToPut({ tooMany: 'NumberExceed.Tags', missing: 'MissingParameter.Tags' }),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    await control.tagResources(
      {
        resourceType: getTaggedType(values.ResourceType, values.ResourceId),
        resourceIds: values.ResourceId,
        tags: values.Tag,
      },
      options({ dryRun: values.DryRun }),
    );
    return {};
  },
});
