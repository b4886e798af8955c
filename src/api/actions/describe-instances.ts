/** DescribeInstances (`ecs-api.md` 2.4). */
import { instanceTypes } from '../../ecs/instance-types.ts';
import type { Image, Instance } from '../../ecs/resources.ts';
import { chargeTypes } from '../../ecs/subscription.ts';
import type { InstanceFilter } from '../../ecs/list-filters.ts';
import { allFieldsAreShown, notPublic } from '../absent-features.ts';
import { checkZone, defineAction, type Region } from '../action.ts';
import type { ControlPlane } from '../control-plane.ts';
import {
  constantFilter,
  emptyPage,
  finishDryRun,
  matchesNothing,
  noneHas,
  pageFields,
  pagingOf,
  pagingParameters,
  resourceFilterOf,
  tagFilters,
  timeFilters,
} from '../filters.ts';
import { jsonList, notBuilt, oneOf, text, type Values } from '../parameters.ts';
import { dryRun, zonesOfNetwork } from '../resource-parameters.ts';
import { renderInstance } from '../render/instance.ts';

const parameters = {
  ...pagingParameters(100),
  InstanceIds: jsonList(),
  InstanceName: text(),
  InstanceType: text(),
  InstanceTypeFamily: constantFilter({ all: instanceTypes.map((type) => type.family) }),
  ImageId: text(),
  Status: oneOf(['Pending', 'Starting', 'Running', 'Stopping', 'Stopped'], 'InvalidStatus.NotFound'),
  ZoneId: text(),
  PrivateIpAddresses: jsonList(),
  VpcId: text(),
  VSwitchId: text(),
  SecurityGroupId: text(),
  InstanceChargeType: oneOf(chargeTypes, 'InvalidInstanceChargeType.NotFound'),
  InternetChargeType: constantFilter({
    all: ['PayByTraffic'],
    none: ['PayByBandwidth'],
    code: 'InvalidInternetChargeType.ValueNotSupported',
  }),
  InstanceNetworkType: constantFilter({ all: ['vpc'], none: ['classic'], code: 'InvalidNetworkType.NotFound' }),
  IoOptimized: constantFilter({ all: ['true', 'optimized'], none: ['false', 'none'], code: 'InvalidParameter' }),
  HttpEndpoint: constantFilter({ all: ['disabled'], none: ['enabled'], code: 'InvalidParameter' }),
  HttpTokens: constantFilter({ all: ['optional'], none: ['required'], code: 'InvalidParameter' }),
  LockReason: oneOf(
    ['financial', 'security', 'Recycling', 'dedicatedhostfinancial', 'refunded'],
    'InvalidLockReason.NotFound',
  ),
  EipAddresses: noneHas(),
  InnerIpAddresses: noneHas(),
  PublicIpAddresses: noneHas(),
  RdmaIpAddresses: noneHas(),
  Ipv6Address: noneHas(),
  KeyPairName: noneHas(),
  ResourceGroupId: text(),
  HpcClusterId: notBuilt('there are no HPC clusters', { code: 'InvalidHpcClusterId.NotFound' }),
  AdditionalAttributes: allFieldsAreShown,
  DeviceAvailable: notPublic,
  HttpPutResponseHopLimit: notPublic,
  NeedSaleCycle: notPublic,
  Filter: timeFilters(['CreationStartTime', 'CreationEndTime', 'ExpiredStartTime', 'ExpiredEndTime']),
  Tag: tagFilters(),
  DryRun: dryRun,
};

export const describeInstances = defineAction({
  name: 'DescribeInstances',
  parameters,
  run: async (values, { control, region }) => {
    const paging = pagingOf(values);
    if (values.ZoneId !== null) checkZone(values.ZoneId, region);
    finishDryRun(values.DryRun);
    const zones = zonesOfNetwork(values, region);
    const isEmpty = matchesNothing(values) || values.InstanceIds?.length === 0 || zones.length === 0;
    const page = isEmpty ? emptyPage : await control.listInstances(filterOf(values, zones, region), paging);
    const images = await imagesOf(page.items, control);
    const releases = await control.instanceLocks.releaseTimes(page.items.map(({ instanceId }) => instanceId));
    const instances = page.items.map((item) => {
      const releaseAtMs = releases.get(item.instanceId) ?? null;
      return renderInstance({ ...item, releaseAtMs }, images.get(item.imageId), region.regionId);
    });
    return { ...pageFields(paging, page), Instances: { Instance: instances } };
  },
});

function filterOf(values: Values<typeof parameters>, zones: string[], region: Region): InstanceFilter {
  const [zoneId] = zones;
  const { ExpiredStartTime: expiresFromMs, ExpiredEndTime: expiresUntilMs } = values.Filter;
  return {
    ...resourceFilterOf(values),
    ...(zoneId !== undefined && zones.length < region.zoneIds.length && { zoneId }),
    ...(values.InstanceIds !== null && { instanceIds: values.InstanceIds }),
    ...(values.InstanceName !== null && { instanceName: values.InstanceName }),
    ...(values.InstanceType !== null && { instanceType: values.InstanceType }),
    ...(values.ImageId !== null && { imageId: values.ImageId }),
    ...(values.Status !== null && { status: values.Status }),
    ...(values.LockReason !== null && { lockReason: values.LockReason }),
    ...(values.InstanceChargeType !== null && { chargeType: values.InstanceChargeType }),
    ...(expiresFromMs !== undefined && { expiresFromMs }),
    ...(expiresUntilMs !== undefined && { expiresUntilMs }),
    ...(values.PrivateIpAddresses !== null && { privateIps: values.PrivateIpAddresses }),
  };
}

/** The images that a page of instances was made from, for the fields about the system. */
async function imagesOf(instances: readonly Instance[], control: ControlPlane): Promise<Map<string, Image>> {
  const imageIds = [...new Set(instances.map((instance) => instance.imageId))];
  if (imageIds.length === 0) return new Map();
  const page = await control.listImages({ imageIds }, { pageNumber: 1, pageSize: imageIds.length, nextToken: null });
  return new Map(page.items.map((image) => [image.imageId, image]));
}
