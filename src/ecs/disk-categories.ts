/** Disk categories: which are offered, and how large a disk of each may be (`ecs-api.md` 3.5). Sizes are GiB. */
import type { DiskType } from './resources.ts';

export interface SizeRange {
  leastGib: number;
  mostGib: number;
}

interface Category {
  /** Ranges by performance level; `''` where the category has none. */
  data: Readonly<Record<string, SizeRange>>;
  system: Readonly<Record<string, SizeRange>>;
}

const range = (leastGib: number, mostGib: number): SizeRange => ({ leastGib, mostGib });

const OFFERED: Readonly<Record<string, Category>> = {
  cloud: { data: { '': range(5, 2000) }, system: { '': range(20, 500) } },
  cloud_efficiency: { data: { '': range(20, 32768) }, system: { '': range(20, 2048) } },
  cloud_ssd: { data: { '': range(20, 32768) }, system: { '': range(20, 2048) } },
  cloud_essd: {
    data: { PL0: range(1, 65536), PL1: range(20, 65536), PL2: range(461, 65536), PL3: range(1261, 65536) },
    system: { PL0: range(1, 2048), PL1: range(20, 2048), PL2: range(461, 2048), PL3: range(1261, 2048) },
  },
  cloud_auto: { data: { '': range(1, 65536) }, system: { '': range(1, 2048) } },
  cloud_essd_entry: { data: { '': range(10, 32768) }, system: { '': range(20, 2048) } },
};

/** Real categories that this service does not have: regional disks, and local ones that can have no snapshots. */
const NOT_OFFERED: readonly string[] = [
  'cloud_regional_disk_auto',
  'elastic_ephemeral_disk_standard',
  'elastic_ephemeral_disk_premium',
  'local_ssd_pro',
  'local_hdd_pro',
  'ephemeral',
  'ephemeral_ssd',
];

export const offeredCategories: readonly string[] = Object.keys(OFFERED);
export const performanceLevels: readonly string[] = ['PL0', 'PL1', 'PL2', 'PL3'];

export function isOfferedCategory(category: string): boolean {
  return Object.hasOwn(OFFERED, category);
}

/** A category of ECS, offered here or not. */
export function isKnownCategory(category: string): boolean {
  return isOfferedCategory(category) || NOT_OFFERED.includes(category);
}

export function hasPerformanceLevels(category: string): boolean {
  return category === 'cloud_essd';
}

/**
 * The ESSD family, whose snapshots are Available as soon as they are frozen durably, and of whose disks several may be
 * progressing (`ecs-api.md` 3.8, 4.2, 4.7).
 */
export function hasInstantSnapshots(category: string): boolean {
  return category === 'cloud_essd' || category === 'cloud_auto' || category === 'cloud_essd_entry';
}

/** `PL1` where the category has levels, else null. */
export function defaultPerformanceLevel(category: string): string | null {
  return hasPerformanceLevels(category) ? 'PL1' : null;
}

/** What a disk of this kind may be; null for a category that is not offered. */
export function findSizeRange(category: string, performanceLevel: string | null, type: DiskType): SizeRange | null {
  if (!isOfferedCategory(category)) return null;
  const level = performanceLevel ?? defaultPerformanceLevel(category) ?? '';
  return OFFERED[category]?.[type][level] ?? null;
}

/** What a disk of the category may be at any level of performance. */
export function categorySizes(category: string, type: DiskType): SizeRange {
  const ranges = Object.values(OFFERED[category]?.[type] ?? {});
  return range(Math.min(...ranges.map(({ leastGib }) => leastGib)), Math.max(...ranges.map(({ mostGib }) => mostGib)));
}

/** The least size of a data disk; 1 for a category that is not offered. */
export function leastSizeGib(category: string, performanceLevel: string | null): number {
  return findSizeRange(category, performanceLevel, 'data')?.leastGib ?? 1;
}
