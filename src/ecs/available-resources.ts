/** What can be made in a zone, which is the same in every zone (`ecs-api.md` 2.4, DescribeAvailableResource). */
import { categorySizes, offeredCategories, type SizeRange } from './disk-categories.ts';
import { instanceTypes } from './instance-types.ts';
import type { DiskType } from './resources.ts';

/** `ddh`: dedicated hosts, of which there are none. */
export const destinations = [
  'Zone',
  'IoOptimized',
  'InstanceType',
  'Network',
  'ddh',
  'SystemDisk',
  'DataDisk',
] as const;
export type Destination = (typeof destinations)[number];

export interface AvailableResource {
  value: string;
  /** Of disks. */
  sizes: SizeRange | null;
}

/** Null members do not narrow. */
export interface WantedResource {
  instanceType: string | null;
  cpuCount: number | null;
  memoryGib: number | null;
  systemDiskCategory: string | null;
  dataDiskCategory: string | null;
}

/** Empty when something that is wanted beside it is not there. */
export function listAvailable(destination: Destination, zoneId: string, wanted: WantedResource): AvailableResource[] {
  const types = instanceTypes.filter(
    (type) =>
      (wanted.instanceType ?? type.instanceTypeId) === type.instanceTypeId &&
      (wanted.cpuCount ?? type.cpuCount) === type.cpuCount &&
      (wanted.memoryGib ?? type.memoryGib) === type.memoryGib,
  );
  const systemDisks = disks('system', wanted.systemDiskCategory);
  const dataDisks = disks('data', wanted.dataDiskCategory);
  if (types.length === 0 || systemDisks.length === 0 || dataDisks.length === 0) return [];
  switch (destination) {
    case 'Zone':
      return [plain(zoneId)];
    case 'IoOptimized':
      return [plain('optimized')];
    case 'Network':
      return [plain('vpc')];
    case 'InstanceType':
      return types.map((type) => plain(type.instanceTypeId));
    case 'SystemDisk':
      return systemDisks;
    case 'DataDisk':
      return dataDisks;
    case 'ddh':
      return [];
  }
}

function plain(value: string): AvailableResource {
  return { value, sizes: null };
}

function disks(type: DiskType, category: string | null): AvailableResource[] {
  const wanted = offeredCategories.filter((offered) => (category ?? offered) === offered);
  return wanted.map((value) => ({ value, sizes: categorySizes(value, type) }));
}
