/** DescribeInstanceStatus (`ecs-api.md` 2.4): pages by number only, as its answer has no token. */
import { checkZone, defineAction } from '../action.ts';
import { emptyPage, matchesNothing, noneHas, numberedFields, numberedPaging, pageNumbers } from '../filters.ts';
import { repeated, text } from '../parameters.ts';

export const describeInstanceStatus = defineAction({
  name: 'DescribeInstanceStatus',
  parameters: {
    InstanceId: repeated(100),
    ZoneId: text(),
    ClusterId: noneHas(),
    ...pageNumbers(50),
  },
  run: async (values, { control, region }) => {
    const { InstanceId: instanceIds, ZoneId: zoneId } = values;
    if (zoneId !== null) checkZone(zoneId, region);
    const filter = { ...(instanceIds.length > 0 && { instanceIds }), ...(zoneId !== null && { zoneId }) };
    const page = matchesNothing(values) ? emptyPage : await control.listInstances(filter, numberedPaging(values));
    return {
      ...numberedFields(values, page),
      InstanceStatuses: {
        InstanceStatus: page.items.map(({ instanceId, status }) => ({ InstanceId: instanceId, Status: status })),
      },
    };
  },
});
