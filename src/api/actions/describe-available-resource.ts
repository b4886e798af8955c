/** DescribeAvailableResource (`ecs-api.md` 2.4): what of one kind can be made in each zone. Nothing is ever sold out. */
import {
  destinations,
  listAvailable,
  type AvailableResource,
  type Destination,
} from '../../ecs/available-resources.ts';
import { RequestError } from '../../lib/errors.ts';
import { defineAction, type Region } from '../action.ts';
import { constantFilter, matchesNothing } from '../filters.ts';
import { decimalNumber, integer, noEffect, notBuilt, oneOf, required, text, type Values } from '../parameters.ts';

const parameters = {
  DestinationResource: required(oneOf(destinations, 'Invalid.DestinationResource'), 'Invalid.Param'),
  ResourceType: oneOf(['instance', 'disk', 'reservedinstance', 'ddh'], 'Invalid.ResourceType'),
  ZoneId: text(),
  InstanceType: text(),
  Cores: integer({ least: 0, most: 999_999, code: 'InvalidParam.Cores' }),
  Memory: decimalNumber('InvalidParam.Memory'),
  SystemDiskCategory: text(),
  DataDiskCategory: text(),
  InstanceChargeType: constantFilter({ all: ['PostPaid', 'PrePaid'], code: 'Invalid.InstanceChargeType' }),
  SpotStrategy: constantFilter({
    all: ['NoSpot'],
    none: ['SpotWithPriceLimit', 'SpotAsPriceGo'],
    code: 'Invalid.SpotStrategy',
  }),
  IoOptimized: constantFilter({ all: ['optimized'], none: ['none'], code: 'Invalid.IoOptimized' }),
  NetworkCategory: constantFilter({ all: ['vpc'], none: ['classic'], code: 'Invalid.NetworkCategory' }),
  Scope: constantFilter({ all: ['zone'] }),
  SpotDuration: noEffect('only matters with SpotStrategy'),
  DedicatedHostId: notBuilt('there are no dedicated hosts', { code: 'InvalidDedicatedHostId.NotFound' }),
};

export const describeAvailableResource = defineAction({
  name: 'DescribeAvailableResource',
  parameters,
  run: (values, { region }) => {
    checkWhatBelongsTogether(values);
    const isForOthers = values.ResourceType === 'reservedinstance' || values.ResourceType === 'ddh';
    const zones = isForOthers || matchesNothing(values) ? [] : zonesOf(values, region);
    return Promise.resolve({ AvailableZones: { AvailableZone: zones } });
  },
});

function checkWhatBelongsTogether({
  DestinationResource,
  ResourceType,
  InstanceType,
  Cores,
  Memory,
}: Values<typeof parameters>): void {
  const isOfTypes = DestinationResource === 'InstanceType';
  for (const [name, value] of [
    ['Cores', Cores],
    ['Memory', Memory],
  ] as const) {
    if (value === null || isOfTypes) continue;
    throw new RequestError(`InvalidParam.${name}`, `${name} only matters with DestinationResource=InstanceType.`);
  }
  if (InstanceType !== null && (Cores !== null || Memory !== null)) {
    throw new RequestError(
      'InvalidParam.TypeAndCpuMem.Conflict',
      'InstanceType is given beside Cores or Memory: give the type, or what it has.',
    );
  }
  const ofInstance = DestinationResource === 'DataDisk' && ResourceType === 'instance';
  if (InstanceType !== null || !(ofInstance || DestinationResource === 'SystemDisk')) return;
  throw new RequestError(
    'MissingParameter',
    'The input parameter "InstanceType" that is mandatory for processing this request is not supplied: the disks of an instance are asked for.',
  );
}

function zonesOf(values: Values<typeof parameters>, { regionId, zoneIds }: Region): object[] {
  const { DestinationResource: destination, ZoneId: wantedZone } = values;
  const wanted = {
    instanceType: values.InstanceType,
    cpuCount: values.Cores,
    memoryGib: values.Memory,
    systemDiskCategory: values.SystemDiskCategory,
    dataDiskCategory: values.DataDiskCategory,
  };
  return zoneIds.flatMap((zoneId) => {
    const resources = (wantedZone ?? zoneId) === zoneId ? listAvailable(destination, zoneId, wanted) : [];
    return resources.length === 0 ? [] : [renderZone({ regionId, zoneId, destination }, resources)];
  });
}

const inStock = { Status: 'Available', StatusCategory: 'WithStock' };

function renderZone(
  { regionId, zoneId, destination }: { regionId: string; zoneId: string; destination: Destination },
  resources: AvailableResource[],
): object {
  const supported = resources.map(({ value, sizes }) => ({
    Value: value,
    ...inStock,
    ...(sizes !== null && { Min: sizes.leastGib, Max: sizes.mostGib, Unit: 'GiB' }),
  }));
  const resource = { Type: destination, SupportedResources: { SupportedResource: supported } };
  return {
    RegionId: regionId,
    ZoneId: zoneId,
    ...inStock,
    AvailableResources: { AvailableResource: [resource] },
  };
}
