/** DescribeInstanceAttachmentAttributes: which private pool each instance is in, and there are none. */
import { defineAction } from '../action.ts';
import { emptyPage, numberedFields, numberedPaging, pageNumbers } from '../filters.ts';
import { listNamedInstances } from '../named-instances.ts';
import { jsonList, required } from '../parameters.ts';

export const describeInstanceAttachmentAttributes = defineAction({
  name: 'DescribeInstanceAttachmentAttributes',
  parameters: { ...pageNumbers(), InstanceIds: required(jsonList()) },
  run: async (values, { control }) => {
    const asked = { paging: numberedPaging(values), code: 'InvalidInstanceIds.NotFound' };
    const isEmpty = values.InstanceIds.length === 0;
    const page = isEmpty ? emptyPage : await listNamedInstances(control, values.InstanceIds, asked);
    return {
      ...numberedFields(values, page),
      Instances: {
        Instance: page.items.map(({ instanceId }) => ({
          InstanceId: instanceId,
          PrivatePoolOptionsId: '',
          PrivatePoolOptionsMatchCriteria: 'None',
        })),
      },
    };
  },
});
