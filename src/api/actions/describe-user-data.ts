/** DescribeUserData (`ecs-api.md` 2.4). */
import { defineAction } from '../action.ts';
import { required, text } from '../parameters.ts';

export const describeUserData = defineAction({
  name: 'DescribeUserData',
  parameters: { InstanceId: required(text()) },
  run: async ({ InstanceId: instanceId }, { control, region }) => ({
    RegionId: region.regionId,
    InstanceId: instanceId,
    UserData: await control.getUserData(instanceId),
  }),
});
