/**
 * ModifyDiskSpec (`ecs-api.md` 2.3, 3.5): what a disk is to become, and why it may not, as pure functions. Basic disks keep
 * their category; every other that is offered can become every other that its size fits.
 */
import {
  defaultPerformanceLevel,
  findSizeRange,
  hasPerformanceLevels,
  isKnownCategory,
  isOfferedCategory,
  offeredCategories,
  performanceLevels,
} from './disk-categories.ts';
import type { DiskType } from './resources.ts';
import { creatingSnapshot, refusal, wrongDiskStatus } from './states.ts';
import type { DiskFacts, InstanceFacts, Refusal, UnfinishedSnapshot } from './states.ts';

export interface DiskSpec {
  category: string;
  performanceLevel: string | null;
}

/** What is null stays as it is. */
export interface WantedSpec {
  category: string | null;
  performanceLevel: string | null;
}

const BASIC = 'cloud';
/** What a disk can become. */
export const targetCategories: readonly string[] = offeredCategories.filter((category) => category !== BASIC);

/** What the disk is afterwards; what is wanted has no problem. */
export function planDiskSpec(present: DiskSpec, wanted: WantedSpec): DiskSpec {
  const category = wanted.category ?? present.category;
  const level = category === present.category ? present.performanceLevel : defaultPerformanceLevel(category);
  return { category, performanceLevel: wanted.performanceLevel ?? level };
}

/** What is wrong with the words alone. */
export function findSpecProblem(present: DiskSpec, { category, performanceLevel }: WantedSpec): Refusal | null {
  if (category !== null && !targetCategories.includes(category)) {
    const isElsewhere = isKnownCategory(category) && !isOfferedCategory(category);
    return refusal(
      isElsewhere ? 'InvalidDiskCategory.NotSupported' : 'InvalidDiskCategory.ValueNotSupported',
      `A disk cannot become ${JSON.stringify(category.slice(0, 64))}: only one of ${targetCategories.join(', ')}.`,
    );
  }
  if (performanceLevel === null) return null;
  if (!performanceLevels.includes(performanceLevel)) {
    return refusal(
      'InvalidPerformanceLevel.Malformed',
      `There is no performance level ${JSON.stringify(performanceLevel.slice(0, 64))}: only ${performanceLevels.join(', ')}.`,
    );
  }
  const own = category ?? present.category;
  if (hasPerformanceLevels(own)) return null;
  return refusal(
    'InvalidPerformanceLevelParam.Mismatch',
    `Only cloud_essd has performance levels, ${own} has none: leave PerformanceLevel out.`,
  );
}

export function refuseModifyDiskSpec(facts: {
  disk: DiskFacts;
  instance: InstanceFacts | null;
  unfinished: UnfinishedSnapshot | null;
  size: { sizeGib: number; type: DiskType };
  present: DiskSpec;
  wanted: WantedSpec;
}): Refusal | null {
  const { disk, instance, unfinished, size, present, wanted } = facts;
  const problem = findSpecProblem(present, wanted);
  if (problem !== null) return problem;
  if (disk.status !== 'In_use' && disk.status !== 'Available') {
    return wrongDiskStatus(disk, 'Its category and performance can be changed while it is In_use or Available.');
  }
  if (instance !== null && instance.status !== 'Running' && instance.status !== 'Stopped') {
    return refusal(
      'InvalidOperation.InstanceStatusUnsupported',
      `The instance ${instance.instanceId} is ${instance.status}: wait until it is Running or Stopped.`,
    );
  }
  if (unfinished !== null) return creatingSnapshot(unfinished, 'DiskCreatingSnapshot');
  const target = planDiskSpec(present, wanted);
  return refuseTarget(disk.diskId, present, target) ?? refuseSizeFor(disk.diskId, size, target);
}

function refuseTarget(diskId: string, present: DiskSpec, target: DiskSpec): Refusal | null {
  const isSameCategory = target.category === present.category;
  if (isSameCategory && target.performanceLevel === present.performanceLevel) {
    return refusal(
      'NoChangeInDiskCategoryAndPerformanceLevel',
      `The disk ${diskId} is ${describe(present)} already: give another DiskCategory or PerformanceLevel.`,
    );
  }
  if (present.category === BASIC) {
    return refusal(
      'InvalidDiskCategory.NotSupported',
      `The disk ${diskId} is a basic disk (${BASIC}), which stays one: make another disk of it by a snapshot.`,
    );
  }
  if (!isSameCategory || target.performanceLevel !== 'PL0') return null;
  return refusal(
    'InvalidPerformanceLevel.TooLow',
    `The disk ${diskId} is ${describe(present)}: the performance level can be lowered, but not to PL0.`,
  );
}

function refuseSizeFor(
  diskId: string,
  { sizeGib, type }: { sizeGib: number; type: DiskType },
  target: DiskSpec,
): Refusal | null {
  const range = findSizeRange(target.category, target.performanceLevel, type);
  if (range !== null && sizeGib >= range.leastGib && sizeGib <= range.mostGib) return null;
  const isTooSmall = range !== null && sizeGib < range.leastGib;
  const what = `The disk ${diskId} has ${sizeGib} GiB, and a ${type} disk that is ${describe(target)}`;
  if (!isTooSmall) return refusal('InvalidDiskCategory.NotSupported', `${what} at most ${range?.mostGib ?? 0}.`);
  const code = hasPerformanceLevels(target.category)
    ? 'OperationDenied.PerformanceLevelNotMatch'
    : 'InvalidDiskCategory.NotSupported';
  return refusal(code, `${what} at least ${range.leastGib}: ResizeDisk makes it larger.`);
}

function describe({ category, performanceLevel }: DiskSpec): string {
  return performanceLevel === null ? category : `${category} ${performanceLevel}`;
}
