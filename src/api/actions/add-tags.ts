/** AddTags (`ecs-api.md` 2.6): the old name of TagResources, for one resource. */
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';
import { getTaggedType, resourceType, tagsToPut } from '../tag-parameters.ts';

export const addTags = defineAction({
  name: 'AddTags',
  parameters: {
    ResourceType: required(resourceType()),
    ResourceId: required(text()),
    Tag: tagsToPut({ tooMany: 'InvalidTagCount', missing: 'InvalidTagCount' }),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const resourceIds = [values.ResourceId];
    await control.tagResources(
      { resourceType: getTaggedType(values.ResourceType, resourceIds), resourceIds, tags: values.Tag },
      options({ dryRun: values.DryRun }),
    );
    return {};
  },
});
