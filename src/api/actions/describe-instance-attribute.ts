/** DescribeInstanceAttribute (`ecs-api.md` 2.4): one instance, as a flat object. */
import { RequestError } from '../../lib/errors.ts';
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';
import { renderInstanceAttribute } from '../render/instance-attribute.ts';

export const describeInstanceAttribute = defineAction({
  name: 'DescribeInstanceAttribute',
  parameters: { InstanceId: required(text()) },
  run: async (values, { control, region }) => {
    const instanceIds = [values.InstanceId];
    const page = await control.listInstances({ instanceIds }, { pageNumber: 1, pageSize: 1, nextToken: null });
    const [instance] = page.items;
    if (instance !== undefined) return renderInstanceAttribute(instance, region.regionId);
    throw new RequestError(
      'InvalidInstanceId.NotFound',
      `There is no instance ${JSON.stringify(values.InstanceId.slice(0, 64))}: DescribeInstances lists those that there are.`,
    );
  },
});
