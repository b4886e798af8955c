/** DescribeRegions (`ecs-api.md` 2.4): the regions of this server, all at the address that it answers on. */
import { defineAction } from '../action.ts';
import { constantFilter, offeredChargeTypes, matchesNothing } from '../filters.ts';
import { noEffect } from '../parameters.ts';
import { acceptLanguage } from '../resource-parameters.ts';

export const describeRegions = defineAction({
  name: 'DescribeRegions',
  regional: false,
  parameters: {
    AcceptLanguage: acceptLanguage(),
    InstanceChargeType: offeredChargeTypes,
    ResourceType: constantFilter({
      all: ['instance', 'disk'],
      none: ['reservedinstance', 'scu', 'ddh'],
      code: 'InvalidResourceType.NotFound',
    }),
    RegionId: noEffect('listing regions works from any region'),
  },
  run: (values, { regions }) => {
    const all = regions.map(({ regionId, endpoint }) => ({
      ...{ RegionId: regionId, LocalName: regionId, RegionEndpoint: endpoint, Status: 'available' },
    }));
    return Promise.resolve({ Regions: { Region: matchesNothing(values) ? [] : all } });
  },
});
