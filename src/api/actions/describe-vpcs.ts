/** DescribeVpcs: the one VPC, which is the default one. */
import { NETWORK_CIDR, defaultNetwork } from '../../ecs/default-network.ts';
import { defineAction } from '../action.ts';
import { constantFilter, matchesNothing, numberedFields, numberedPaging, pageNumbers, pageOf } from '../filters.ts';
import { networkCreationTime } from '../network.ts';
import { commaList } from '../parameters.ts';

export const describeVpcs = defineAction({
  name: 'DescribeVpcs',
  parameters: {
    ...pageNumbers(50),
    VpcId: commaList(20),
    IsDefault: constantFilter({ all: ['true'], none: ['false'], code: 'InvalidParameter' }),
  },
  run: async (values, { control, region: { regionId, zoneIds } }) => {
    const networks = zoneIds.map((zoneId) => defaultNetwork(regionId, zoneId));
    const vpcIds = [...new Set(networks.map(({ vpcId }) => vpcId))];
    const wanted = vpcIds.filter((vpcId) => !matchesNothing(values) && (values.VpcId?.includes(vpcId) ?? true));
    const page = pageOf(wanted, numberedPaging(values));
    const creationTime = await networkCreationTime(control);
    const vpcs = page.items.map((vpcId) => ({
      VpcId: vpcId,
      VpcName: 'default',
      Description: '',
      RegionId: regionId,
      Status: 'Available',
      CidrBlock: NETWORK_CIDR,
      IsDefault: true,
      CreationTime: creationTime,
      VRouterId: '',
      VSwitchIds: { VSwitchId: networks.map(({ vSwitchId }) => vSwitchId) },
      UserCidrs: { UserCidr: [] },
    }));
    return { ...numberedFields(values, page), Vpcs: { Vpc: vpcs } };
  },
});
