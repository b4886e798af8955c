/**
 * What a disk may do in a second, by its category, performance level and size: the formulas of ECS's page "Block storage
 * performance" (2025, "IOPS formula per disk" and "Throughput formula per disk"), which `ecs-api.md` 3.5 agrees with where it
 * has them. Of an AutoPL disk it is the baseline: nothing is provisioned here, and there are no bursts. For basic disks there
 * is no formula, only "hundreds" of operations and 30 to 40 MB/s: the upper ends of those.
 */
import { defaultPerformanceLevel } from './disk-categories.ts';

/** ECS counts throughput in MB/s. */
const MB = 1_000_000;

export interface DiskPerformance {
  /** Reads and writes together. */
  iops: number;
  bytesPerSecond: number;
}

/** `fixed + perGib × size`, at least `least` and at most `most`. */
interface Formula {
  fixed: number;
  perGib: number;
  least?: number;
  most: number;
}

interface Formulas {
  iops: Formula;
  /** MB/s. */
  throughput: Formula;
}

const formulas = (iops: Formula, throughput: Formula): Formulas => ({ iops, throughput });

const essd = (mostIops: number, mostThroughput: number) =>
  formulas({ fixed: 1800, perGib: 50, most: mostIops }, { fixed: 120, perGib: 0.5, most: mostThroughput });

/** By category, and performance level where it has levels. */
const FORMULAS: Readonly<Record<string, Formulas>> = {
  cloud: formulas({ fixed: 1000, perGib: 0, most: 1000 }, { fixed: 40, perGib: 0, most: 40 }),
  cloud_efficiency: formulas({ fixed: 1800, perGib: 8, most: 5000 }, { fixed: 100, perGib: 0.15, most: 140 }),
  cloud_ssd: formulas({ fixed: 1800, perGib: 30, most: 25_000 }, { fixed: 120, perGib: 0.5, most: 300 }),
  'cloud_essd PL0': formulas({ fixed: 1800, perGib: 12, most: 10_000 }, { fixed: 100, perGib: 0.25, most: 180 }),
  'cloud_essd PL1': essd(50_000, 350),
  'cloud_essd PL2': essd(100_000, 750),
  'cloud_essd PL3': essd(1_000_000, 4000),
  cloud_auto: formulas(
    { fixed: 1800, perGib: 50, least: 3000, most: 50_000 },
    { fixed: 120, perGib: 0.5, least: 125, most: 350 },
  ),
  cloud_essd_entry: formulas({ fixed: 1800, perGib: 8, most: 6000 }, { fixed: 100, perGib: 0.15, most: 150 }),
};

export interface DiskKind {
  category: string;
  performanceLevel: string | null;
  sizeGib: number;
}

/** Whole numbers; null for a category that is not offered. */
export function findDiskPerformance({ category, performanceLevel, sizeGib }: DiskKind): DiskPerformance | null {
  const level = performanceLevel ?? defaultPerformanceLevel(category);
  const found = FORMULAS[level === null ? category : `${category} ${level}`];
  if (found === undefined) return null;
  return {
    iops: evaluate(found.iops, sizeGib),
    bytesPerSecond: Math.floor(evaluate(found.throughput, sizeGib) * MB),
  };
}

function evaluate({ fixed, perGib, least = 0, most }: Formula, sizeGib: number): number {
  return Math.max(Math.min(fixed + perGib * sizeGib, most), least);
}
