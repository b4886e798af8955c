/**
 * RemoveTags (`ecs-api.md` 2.6): the old name of UntagResources, for one resource. A tag with a value goes only if it has that
 * value. What happens when no tag is named is not documented: it is refused, rather than every tag removed.
 */
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';
import { getTaggedType, resourceType, tagsToRemove } from '../tag-parameters.ts';

export const removeTags = defineAction({
  name: 'RemoveTags',
  parameters: {
    ResourceType: required(resourceType()),
    ResourceId: required(text()),
    Tag: tagsToRemove(),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const resourceIds = [values.ResourceId];
    await control.untagResources(
      { resourceType: getTaggedType(values.ResourceType, resourceIds), resourceIds, tags: values.Tag },
      options({ dryRun: values.DryRun }),
    );
    return {};
  },
});
