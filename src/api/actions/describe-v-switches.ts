/** DescribeVSwitches: the default one of each zone. */
import { ADDRESS_COUNT, NETWORK_CIDR, defaultNetwork } from '../../ecs/default-network.ts';
import { DEFAULT_RESOURCE_GROUP_ID } from '../../ecs/resource-groups.ts';
import { defineAction } from '../action.ts';
import { constantFilter, matchesNothing, numberedFields, numberedPaging, pageNumbers, pageOf } from '../filters.ts';
import { countInstances, networkCreationTime } from '../network.ts';
import { commaList, text } from '../parameters.ts';

export const describeVSwitches = defineAction({
  name: 'DescribeVSwitches',
  parameters: {
    ...pageNumbers(50),
    VSwitchId: commaList(20),
    VpcId: text(),
    ZoneId: text(),
    IsDefault: constantFilter({ all: ['true'], none: ['false'], code: 'InvalidParameter' }),
  },
  run: async (values, { control, region: { regionId, zoneIds } }) => {
    const networks = zoneIds.map((zoneId) => ({ zoneId, ...defaultNetwork(regionId, zoneId) }));
    const wanted = networks.filter(
      ({ zoneId, vpcId, vSwitchId }) =>
        !matchesNothing(values) &&
        (values.VSwitchId?.includes(vSwitchId) ?? true) &&
        (values.VpcId ?? vpcId) === vpcId &&
        (values.ZoneId ?? zoneId) === zoneId,
    );
    const page = pageOf(wanted, numberedPaging(values));
    const creationTime = await networkCreationTime(control);
    const availableCount = ADDRESS_COUNT - (await countInstances(control));
    const vSwitches = page.items.map(({ zoneId, vpcId, vSwitchId }) => ({
      VSwitchId: vSwitchId,
      VSwitchName: 'default',
      Description: '',
      VpcId: vpcId,
      ZoneId: zoneId,
      Status: 'Available',
      CidrBlock: NETWORK_CIDR,
      AvailableIpAddressCount: availableCount,
      IsDefault: true,
      CreationTime: creationTime,
      ResourceGroupId: DEFAULT_RESOURCE_GROUP_ID,
    }));
    return { ...numberedFields(values, page), VSwitches: { VSwitch: vSwitches } };
  },
});
