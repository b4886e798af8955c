/**
 * An instance as DescribeInstances shows it (`ecs-api.md` 2.4). Its network is the region's default one; times have
 * minutes only.
 */
import { defaultNetwork } from '../../ecs/default-network.ts';
import { findInstanceType } from '../../ecs/instance-types.ts';
import type { Image, Instance } from '../../ecs/resources.ts';
import { formatMinute } from '../../ecs/times.ts';
import { NEVER_EXPIRES, renderTags } from './list.ts';

/** `image` is the one it was made from, if it is still there. */
export function renderInstance(instance: Instance, image: Image | undefined, regionId: string): object {
  return {
    ...identity(instance, regionId),
    ...machine(instance, image),
    ...charging(),
    ...network(instance, regionId),
    ...placement(),
    Tags: renderTags(instance.tags),
    OperationLocks: { LockReason: [] },
  };
}

function identity(instance: Instance, regionId: string): object {
  return {
    InstanceId: instance.instanceId,
    InstanceName: instance.instanceName,
    HostName: instance.hostName,
    Description: instance.description,
    RegionId: regionId,
    ZoneId: instance.zoneId,
    ClusterId: '',
    ResourceGroupId: '',
    SerialNumber: instance.serialNumber,
    Status: instance.status,
    StoppedMode: 'Not-applicable',
    CreationTime: formatMinute(instance.createdAtMs),
    StartTime: instance.startedAtMs === null ? '' : formatMinute(instance.startedAtMs),
    ExpiredTime: NEVER_EXPIRES,
    AutoReleaseTime: '',
  };
}

function machine(instance: Instance, image: Image | undefined): object {
  const type = findInstanceType(instance.instanceType);
  const cpuCount = type?.cpuCount ?? 0;
  return {
    InstanceType: instance.instanceType,
    InstanceTypeFamily: type?.family ?? '',
    Cpu: cpuCount,
    CpuOptions: { CoreCount: cpuCount, ThreadsPerCore: 1, Numa: '' },
    Memory: (type?.memoryGib ?? 0) * 1024,
    GPUAmount: 0,
    GPUSpec: '',
    LocalStorageAmount: 0,
    LocalStorageCapacity: 0,
    IoOptimized: true,
    DeviceAvailable: true,
    ImageId: instance.imageId,
    OSName: image?.osName ?? '',
    OSNameEn: image?.osName ?? '',
    OSType: image?.osType ?? '',
    KeyPairName: '',
    MetadataOptions: { HttpEndpoint: 'disabled', HttpTokens: 'optional', HttpPutResponseHopLimit: 0 },
    HibernationOptions: { Configured: false },
    ImageOptions: { LoginAsNonRoot: false },
    SecurityOptions: { EnableSecureBoot: false },
  };
}

function charging(): object {
  return {
    InstanceChargeType: 'PostPaid',
    InternetChargeType: 'PayByTraffic',
    CreditSpecification: '',
    SpotStrategy: 'NoSpot',
    SpotPriceLimit: 0,
    SpotDuration: 0,
    SaleCycle: '',
    Recyclable: false,
    DeletionProtection: false,
  };
}

function network(instance: Instance, regionId: string): object {
  const { vpcId, vSwitchId, securityGroupId } = defaultNetwork(regionId, instance.zoneId);
  const primary = { PrivateIpAddress: instance.privateIp, Primary: true };
  return {
    InstanceNetworkType: 'vpc',
    InternetMaxBandwidthIn: 0,
    InternetMaxBandwidthOut: 0,
    VlanId: '',
    InnerIpAddress: { IpAddress: [] },
    PublicIpAddress: { IpAddress: [] },
    RdmaIpAddress: { IpAddress: [] },
    EipAddress: { AllocationId: '', IpAddress: '', InternetChargeType: '', Bandwidth: 0 },
    SecurityGroupIds: { SecurityGroupId: [securityGroupId] },
    VpcAttributes: {
      VpcId: vpcId,
      VSwitchId: vSwitchId,
      NatIpAddress: '',
      PrivateIpAddress: { IpAddress: [instance.privateIp] },
    },
    NetworkInterfaces: {
      NetworkInterface: [
        {
          NetworkInterfaceId: instance.networkInterfaceId,
          MacAddress: instance.macAddress,
          Type: 'Primary',
          PrimaryIpAddress: instance.privateIp,
          PrivateIpSets: { PrivateIpSet: [primary] },
          Ipv6Sets: { Ipv6Set: [] },
          Ipv4PrefixSets: { Ipv4PrefixSet: [] },
          Ipv6PrefixSets: { Ipv6PrefixSet: [] },
        },
      ],
    },
  };
}

function placement(): object {
  return {
    HpcClusterId: '',
    DeploymentSetId: '',
    DedicatedHostAttribute: { DedicatedHostId: '', DedicatedHostName: '', DedicatedHostClusterId: '' },
    DedicatedInstanceAttribute: { Affinity: '', Tenancy: '' },
    EcsCapacityReservationAttr: { CapacityReservationId: '', CapacityReservationPreference: '' },
  };
}
