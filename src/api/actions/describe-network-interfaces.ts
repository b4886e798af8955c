/** DescribeNetworkInterfaces: the one interface of each instance, with the instance's tags. */
import { isIPv4 } from 'node:net';
import type { InstanceFilter } from '../../ecs/list-filters.ts';
import { defineAction, type Region } from '../action.ts';
import {
  constantFilter,
  emptyPage,
  matchesNothing,
  noneHas,
  pageFields,
  pagingOf,
  pagingParameters,
  resourceFilterOf,
  tagFilters,
} from '../filters.ts';
import { repeated, text, type Values } from '../parameters.ts';
import { renderNetworkInterface } from '../render/network-interface.ts';
import { zonesOfNetwork } from '../resource-parameters.ts';

/** Documented states that no interface is in: it comes and goes with its instance. */
const OTHER_STATUSES = ['Creating', 'Available', 'Attaching', 'Detaching', 'Deleting', 'CreateFailed'];

const parameters = {
  ...pagingParameters(500),
  InstanceId: text(),
  NetworkInterfaceId: repeated(100),
  PrimaryIpAddress: text('InvalidParameter', (value) => (isIPv4(value) ? null : 'it must be an IPv4 address')),
  PrivateIpAddress: repeated(100),
  VpcId: text(),
  VSwitchId: text(),
  SecurityGroupId: text(),
  Type: constantFilter({ all: ['Primary'], none: ['Secondary'], code: 'InvalidParameter' }),
  Status: constantFilter({ all: ['InUse'], none: OTHER_STATUSES, code: 'InvalidParameter' }),
  ServiceManaged: constantFilter({ all: ['false'], none: ['true'], code: 'InvalidParameter' }),
  NetworkInterfaceName: noneHas(),
  Ipv6Address: noneHas(),
  ResourceGroupId: text(),
  Tag: tagFilters(),
};

export const describeNetworkInterfaces = defineAction({
  name: 'DescribeNetworkInterfaces',
  parameters,
  run: async (values, { control, region }) => {
    const paging = pagingOf(values);
    const filter = matchesNothing(values) ? null : filterOf(values, region);
    const page = filter === null ? emptyPage : await control.listInstances(filter, paging);
    const interfaces = page.items.map((instance) => renderNetworkInterface(instance, region.regionId));
    return { ...pageFields(paging, page), NetworkInterfaceSets: { NetworkInterfaceSet: interfaces } };
  },
});

/** The instances whose interfaces are asked for; null when that can be none. */
function filterOf(values: Values<typeof parameters>, region: Region): InstanceFilter | null {
  const zones = zonesOfNetwork(values, region);
  const [zoneId] = zones;
  if (zoneId === undefined) return null;
  const { PrimaryIpAddress: primary, PrivateIpAddress: several } = values;
  const isContradiction = primary !== null && several.length > 0 && !several.includes(primary);
  if (isContradiction) return null;
  const privateIps = primary === null ? several : [primary];
  return {
    ...(zones.length < region.zoneIds.length && { zoneId }),
    ...(values.InstanceId !== null && { instanceIds: [values.InstanceId] }),
    ...(values.NetworkInterfaceId.length > 0 && { networkInterfaceIds: values.NetworkInterfaceId }),
    ...(privateIps.length > 0 && { privateIps }),
    ...resourceFilterOf({ ...values, Filter: {} }),
  };
}
