/** The network interface of an instance as DescribeNetworkInterfaces shows it; what clients read is in `clients.md` 2.3. */
import { defaultNetwork } from '../../ecs/default-network.ts';
import type { Instance } from '../../ecs/resources.ts';
import { formatSecond } from '../../ecs/times.ts';
import { noPublicAddress, renderTags } from './list.ts';

export function renderNetworkInterface(instance: Instance, regionId: string): object {
  const { vpcId, vSwitchId, securityGroupId } = defaultNetwork(regionId, instance.zoneId);
  return {
    NetworkInterfaceId: instance.networkInterfaceId,
    NetworkInterfaceName: '',
    Description: '',
    Type: 'Primary',
    Status: 'InUse',
    InstanceId: instance.instanceId,
    Attachment: {
      InstanceId: instance.instanceId,
      DeviceIndex: 0,
      NetworkCardIndex: 0,
      TrunkNetworkInterfaceId: '',
    },
    CreationTime: formatSecond(instance.createdAtMs),
    DeleteOnRelease: true,
    VpcId: vpcId,
    VSwitchId: vSwitchId,
    ZoneId: instance.zoneId,
    SecurityGroupIds: { SecurityGroupId: [securityGroupId] },
    MacAddress: instance.macAddress,
    ...addresses(instance),
    QueueNumber: 1,
    QueuePairNumber: 0,
    NetworkInterfaceTrafficMode: 'Standard',
    SourceDestCheck: false,
    ServiceManaged: false,
    ResourceGroupId: instance.resourceGroupId,
    Tags: renderTags(instance.tags),
  };
}

function addresses({ privateIp }: Instance): object {
  return {
    PrivateIpAddress: privateIp,
    PrivateIpSets: {
      PrivateIpSet: [{ PrivateIpAddress: privateIp, Primary: true, AssociatedPublicIp: noPublicAddress }],
    },
    AssociatedPublicIp: noPublicAddress,
    Ipv6Sets: { Ipv6Set: [] },
    Ipv4PrefixSets: { Ipv4PrefixSet: [] },
    Ipv6PrefixSets: { Ipv6PrefixSet: [] },
  };
}
