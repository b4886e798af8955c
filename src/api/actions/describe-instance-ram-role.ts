/** DescribeInstanceRamRole: no instance has a role, and each that is asked for says so. */
import { RequestError } from '../../lib/errors.ts';
import { defineAction } from '../action.ts';
import { emptyPage, matchesNothing, noneHas, numberedPaging, pageNumbers } from '../filters.ts';
import { listNamedInstances } from '../named-instances.ts';
import { jsonList } from '../parameters.ts';

export const describeInstanceRamRole = defineAction({
  name: 'DescribeInstanceRamRole',
  parameters: {
    ...pageNumbers(50),
    InstanceIds: jsonList('InvalidInstanceIds.Malformed'),
    RamRoleName: noneHas(),
  },
  run: async (values, { control, region }) => {
    const { InstanceIds: instanceIds } = values;
    const isOfRole = matchesNothing(values);
    if (!isOfRole && instanceIds === null) {
      throw new RequestError('InvalidParameter.AllEmpty', 'InstanceIds or RamRoleName must be given.');
    }
    const asked = { paging: numberedPaging(values), code: 'InvalidInstanceId.NotFound' };
    const isEmpty = isOfRole || instanceIds === null || instanceIds.length === 0;
    const page = isEmpty ? emptyPage : await listNamedInstances(control, instanceIds, asked);
    return {
      RegionId: region.regionId,
      TotalCount: page.totalCount,
      InstanceRamRoleSets: {
        InstanceRamRoleSet: page.items.map(({ instanceId }) => ({ InstanceId: instanceId, RamRoleName: '' })),
      },
    };
  },
});
