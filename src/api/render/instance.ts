/** An instance as DescribeInstances shows it (`ecs-api.md` 2.4). */
import { findInstanceType } from '../../ecs/instance-types.ts';
import type { Image, Instance } from '../../ecs/resources.ts';
import { formatMinute } from '../../ecs/times.ts';
import { sharedInstanceFields } from './instance-shared.ts';
import { renderTags } from './list.ts';

/** With when a lock has it released; null: it is not. */
type ReleasedInstance = Instance & { releaseAtMs: number | null };

/** `image` is the one it was made from, if it is still there. */
export function renderInstance(instance: ReleasedInstance, image: Image | undefined, regionId: string): object {
  return {
    ...sharedInstanceFields(instance, regionId),
    ...life(instance),
    ...machine(instance, image),
    ...charging(),
    ...network(instance),
    ...placement(),
    Tags: renderTags(instance.tags),
  };
}

function life(instance: ReleasedInstance): object {
  return {
    ResourceGroupId: instance.resourceGroupId,
    StartTime: instance.startedAtMs === null ? '' : formatMinute(instance.startedAtMs),
    AutoReleaseTime: instance.releaseAtMs === null ? '' : formatMinute(instance.releaseAtMs),
    DeletionProtection: instance.deletionProtection,
    Recyclable: false,
  };
}

function machine(instance: Instance, image: Image | undefined): object {
  const type = findInstanceType(instance.instanceType);
  return {
    InstanceTypeFamily: type?.family ?? '',
    CpuOptions: { CoreCount: type?.cpuCount ?? 0, ThreadsPerCore: 1, Numa: '' },
    GPUAmount: 0,
    GPUSpec: '',
    LocalStorageAmount: 0,
    LocalStorageCapacity: 0,
    IoOptimized: true,
    DeviceAvailable: true,
    OSName: image?.osName ?? '',
    OSNameEn: image?.osName ?? '',
    OSType: image?.osType ?? '',
    KeyPairName: '',
    MetadataOptions: { HttpEndpoint: 'disabled', HttpTokens: 'optional', HttpPutResponseHopLimit: 0 },
    HibernationOptions: { Configured: false },
    ImageOptions: { LoginAsNonRoot: false },
  };
}

function charging(): object {
  return { SpotStrategy: 'NoSpot', SpotPriceLimit: 0, SpotDuration: 0, SaleCycle: '' };
}

function network(instance: Instance): object {
  const primary = { PrivateIpAddress: instance.privateIp, Primary: true };
  return {
    RdmaIpAddress: { IpAddress: [] },
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
