/** DescribeTaskAttribute (`ecs-api.md` 2.6): one task, with what each of its parts came to. */
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';
import { renderTaskAttribute } from '../render/task.ts';

export const describeTaskAttribute = defineAction({
  name: 'DescribeTaskAttribute',
  parameters: { TaskId: required(text()) },
  run: async (values, { control, region }) => ({
    RegionId: region.regionId,
    ...renderTaskAttribute(await control.getTask(values.TaskId)),
  }),
});
