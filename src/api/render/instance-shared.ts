/**
 * What DescribeInstances and DescribeInstanceAttribute show of an instance alike (`ecs-api.md` 2.4). Its network is the
 * region's default one; times have minutes only.
 */
import { defaultNetwork } from '../../ecs/default-network.ts';
import { findInstanceType } from '../../ecs/instance-types.ts';
import type { Instance } from '../../ecs/resources.ts';
import { formatMinute } from '../../ecs/times.ts';
import { renderCharge } from './list.ts';

export function sharedInstanceFields(instance: Instance, regionId: string): object {
  return { ...identity(instance, regionId), ...machine(instance), ...network(instance, regionId) };
}

function identity(instance: Instance, regionId: string): object {
  const { expiredTime, chargeType } = renderCharge(instance.expiresAtMs);
  return {
    InstanceId: instance.instanceId,
    InstanceName: instance.instanceName,
    HostName: instance.hostName,
    Description: instance.description,
    RegionId: regionId,
    ZoneId: instance.zoneId,
    ClusterId: '',
    SerialNumber: instance.serialNumber,
    Status: instance.status,
    StoppedMode: 'Not-applicable',
    CreationTime: formatMinute(instance.createdAtMs),
    ExpiredTime: expiredTime,
    InstanceChargeType: chargeType,
    OperationLocks: { LockReason: instance.locks.map((reason) => ({ LockReason: reason })) },
  };
}

function machine(instance: Instance): object {
  const type = findInstanceType(instance.instanceType);
  return {
    InstanceType: instance.instanceType,
    Cpu: type?.cpuCount ?? 0,
    Memory: (type?.memoryGib ?? 0) * 1024,
    ImageId: instance.imageId,
    CreditSpecification: '',
    SecurityOptions: { EnableSecureBoot: false },
  };
}

function network(instance: Instance, regionId: string): object {
  const { vpcId, vSwitchId, securityGroupId } = defaultNetwork(regionId, instance.zoneId);
  return {
    InstanceNetworkType: 'vpc',
    InternetChargeType: 'PayByTraffic',
    InternetMaxBandwidthIn: 0,
    InternetMaxBandwidthOut: 0,
    VlanId: '',
    InnerIpAddress: { IpAddress: [] },
    PublicIpAddress: { IpAddress: [] },
    EipAddress: { AllocationId: '', IpAddress: '', InternetChargeType: '', Bandwidth: 0 },
    SecurityGroupIds: { SecurityGroupId: [securityGroupId] },
    VpcAttributes: {
      VpcId: vpcId,
      VSwitchId: vSwitchId,
      NatIpAddress: '',
      PrivateIpAddress: { IpAddress: [instance.privateIp] },
    },
  };
}
