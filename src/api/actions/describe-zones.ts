/** DescribeZones (`ecs-api.md` 2.4): each zone with all that can be made in it. */
import { offeredCategories } from '../../ecs/disk-categories.ts';
import { instanceTypes } from '../../ecs/instance-types.ts';
import { defineAction } from '../action.ts';
import { constantFilter, offeredChargeTypes, matchesNothing } from '../filters.ts';
import { boolean, withDefault } from '../parameters.ts';
import { acceptLanguage } from '../resource-parameters.ts';

export const describeZones = defineAction({
  name: 'DescribeZones',
  parameters: {
    AcceptLanguage: acceptLanguage(),
    InstanceChargeType: offeredChargeTypes,
    SpotStrategy: constantFilter({
      all: ['NoSpot'],
      none: ['SpotWithPriceLimit', 'SpotAsPriceGo'],
      code: 'InvalidSpotStrategy',
    }),
    Verbose: withDefault(boolean(), true),
  },
  run: (values, { region }) => {
    const zones = matchesNothing(values) ? [] : region.zoneIds;
    const isEnglish = values.AcceptLanguage.startsWith('en');
    return Promise.resolve({
      Zones: {
        Zone: zones.map((zoneId) => ({
          ZoneId: zoneId,
          LocalName: localName(zoneId, isEnglish),
          ZoneType: 'AvailabilityZone',
          ...(values.Verbose ? resourcesOfZone() : {}),
        })),
      },
    });
  },
});

function localName(zoneId: string, isEnglish: boolean): string {
  const letter = zoneId.slice(-1).toUpperCase();
  return isEnglish ? `Zone ${letter}` : `可用区 ${letter}`;
}

function resourcesOfZone(): object {
  const typeIds = instanceTypes.map((type) => type.instanceTypeId);
  const families = [...new Set(instanceTypes.map((type) => type.family))];
  return {
    AvailableResourceCreation: { ResourceTypes: ['Instance', 'Disk', 'IoOptimized'] },
    AvailableDiskCategories: { DiskCategories: offeredCategories },
    AvailableInstanceTypes: { InstanceTypes: typeIds },
    AvailableVolumeCategories: { VolumeCategories: [] },
    AvailableDedicatedHostTypes: { DedicatedHostType: [] },
    DedicatedHostGenerations: { DedicatedHostGeneration: [] },
    AvailableResources: {
      ResourcesInfo: [
        {
          IoOptimized: true,
          NetworkTypes: { supportedNetworkCategory: ['vpc'] },
          InstanceGenerations: { supportedInstanceGeneration: families },
          InstanceTypeFamilies: { supportedInstanceTypeFamily: families },
          InstanceTypes: { supportedInstanceType: typeIds },
          SystemDiskCategories: { supportedSystemDiskCategory: offeredCategories },
          DataDiskCategories: { supportedDataDiskCategory: offeredCategories },
        },
      ],
    },
  };
}
