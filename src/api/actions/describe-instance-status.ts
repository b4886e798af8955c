/** DescribeInstanceStatus (`ecs-api.md` 2.4): pages by number only, as its answer has no token. */
import { checkZone, defineAction } from '../action.ts';
import { emptyPage, matchesNothing, noneHas } from '../filters.ts';
import { integer, repeated, text, withDefault } from '../parameters.ts';

export const describeInstanceStatus = defineAction({
  name: 'DescribeInstanceStatus',
  parameters: {
    InstanceId: repeated(100),
    ZoneId: text(),
    ClusterId: noneHas(),
    PageNumber: withDefault(integer({ least: 1, most: 1_000_000_000 }), 1),
    PageSize: withDefault(integer({ least: 1, most: 50 }), 10),
  },
  run: async (values, { control, region }) => {
    const { InstanceId: instanceIds, ZoneId: zoneId, PageNumber: pageNumber, PageSize: pageSize } = values;
    if (zoneId !== null) checkZone(zoneId, region);
    const filter = { ...(instanceIds.length > 0 && { instanceIds }), ...(zoneId !== null && { zoneId }) };
    const paging = { pageNumber, pageSize, nextToken: null };
    const page = matchesNothing(values) ? emptyPage : await control.listInstances(filter, paging);
    return {
      PageNumber: pageNumber,
      PageSize: pageSize,
      TotalCount: page.totalCount,
      InstanceStatuses: {
        InstanceStatus: page.items.map(({ instanceId, status }) => ({ InstanceId: instanceId, Status: status })),
      },
    };
  },
});
