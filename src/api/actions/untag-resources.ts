/** UntagResources (`ecs-api.md` 2.6). */
import { RequestError } from '../../lib/errors.ts';
import { defineAction } from '../action.ts';
import { boolean, required, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';
import { atLeastOneOf, getTaggedType, resourceIds, resourceType, tagKeys } from '../tag-parameters.ts';

export const untagResources = defineAction({
  name: 'UntagResources',
  parameters: {
    ResourceType: required(resourceType(), 'MissingParameter.ResourceType'),
    ResourceId: atLeastOneOf(resourceIds(), 'ResourceId.N', 'MissingParameter.ResourceIds'),
    TagKey: tagKeys(),
    All: withDefault(boolean(), false),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    if (values.TagKey.length === 0 && !values.All) {
      throw new RequestError('MissingParameter.Tags', 'Nothing says which tags to remove: give TagKey.N, or All=true.');
    }
    await control.untagResources(
      {
        resourceType: getTaggedType(values.ResourceType, values.ResourceId),
        resourceIds: values.ResourceId,
        tags: values.TagKey.length > 0 ? values.TagKey : null, // All counts only without keys
      },
      options({ dryRun: values.DryRun }),
    );
    return {};
  },
});
