/** Parameters that several actions share: descriptions, tags, tokens, and what a new disk may be. */
import { RequestError } from '../lib/errors.ts';
import { RETENTION_DAYS_LIMIT } from '../ecs/auto-snapshot-policy.ts';
import { defaultNetwork } from '../ecs/default-network.ts';
import {
  defaultPerformanceLevel,
  findSizeRange,
  hasPerformanceLevels,
  isKnownCategory,
  isOfferedCategory,
  offeredCategories,
  performanceLevels,
} from '../ecs/disk-categories.ts';
import {
  TAG_LIMIT,
  findDescriptionProblem,
  findRepeatedKey,
  findTagKeyProblem,
  findTagValueProblem,
} from '../ecs/names.ts';
import { DEFAULT_RESOURCE_GROUP_ID, findResourceGroupProblem } from '../ecs/resource-groups.ts';
import type { DiskType, Tag } from '../ecs/resources.ts';
import { findUserDataProblem } from '../ecs/user-data.ts';
import type { Region } from './action.ts';
import { boolean, groups, integer, invalidParameter, oneOf, text, withDefault, type Parameter } from './parameters.ts';

export const description = text('InvalidDescription.Malformed', findDescriptionProblem);

/** Of a tag as users may write it (`ecs-api.md` 3.6). */
export const tagKey = text('InvalidTagKey.Malformed', findTagKeyProblem);
export const tagValue = text('InvalidTagValue.Malformed', findTagValueProblem);

/** At most 64 printable ASCII characters (`ecs-api.md` 1.9). */
export function clientToken(code: string): Parameter<string | null> {
  return text(code, (token) => (/^[\x20-\x7e]{1,64}$/.test(token) ? null : 'a token has at most 64 ASCII characters'));
}

/** `Tag.N.Key`, `Tag.N.Value` of a resource; `tooMany` is the code for more than it can have. */
export function tags(tooMany = 'QuotaExceed.Tags'): Parameter<Tag[]> {
  const list = groups({ Key: tagKey, Value: tagValue }, { most: TAG_LIMIT, code: tooMany });
  return {
    ...list,
    read: (set, name) => {
      const found = list.read(set, name).flatMap(({ Key, Value, name: item }) => {
        if (Key !== null) return [{ key: Key, value: Value ?? '' }];
        if (Value === null) return []; // blanks are as good as none
        throw new RequestError('InvalidTagKey.Malformed', `The parameter "${item}.Key" must not be blank.`);
      });
      checkKeysDiffer(found);
      return found;
    },
  };
}

/** Days that a snapshot is kept, then it goes by itself; null: for ever. */
export function retentionDays(): Parameter<number | null> {
  return integer({ least: 1, most: RETENTION_DAYS_LIMIT, code: 'InvalidRetentionDays.Malformed' });
}

/** Of a disk that is made: unknown ones are refused by the control plane. */
export const autoSnapshotPolicy = text('InvalidAutoSnapshotPolicyId.NotFound');

/** Every change can be tried without making it, also by actions that do not document it. */
export const dryRun = boolean();

/** Of a new resource: the default group, unless another is named. */
export const resourceGroup = withDefault(
  text('InvalidResourceGroup.NotFound', findResourceGroupProblem),
  DEFAULT_RESOURCE_GROUP_ID,
);

/** Of an instance: Base64. */
export const userData = text('InvalidUserData.SizeExceeded', (value) => {
  const found = findUserDataProblem(value);
  if (found?.kind === 'form') throw invalidParameter('InvalidParameter', 'UserData', value, found.problem);
  return found?.problem ?? null;
});

/** Languages of the documentation; names are given in Chinese or English. */
export function acceptLanguage(): Parameter<string> {
  const languages = ['zh-CN', 'en-US', 'ja'] as const;
  return withDefault(oneOf(languages, 'InvalidAcceptLanguage.NotFound'), 'zh-CN');
}

/** The codes with which an action refuses a disk of a wrong kind. */
export interface DiskCodes {
  unknownCategory: string;
  categoryNotOffered: string;
  size: string;
}

export interface DiskKind {
  category: string;
  performanceLevel: string | null;
  sizeGib: number | null;
}

/**
 * Checks category, performance level and size together (`ecs-api.md` 3.5) and fills in the level. `names` are the
 * parameters' full names, for messages.
 */
export function checkDiskKind(
  asked: DiskKind,
  type: DiskType,
  names: { category: string; performanceLevel: string; size: string },
  codes: DiskCodes,
): DiskKind {
  const { category, sizeGib } = asked;
  checkCategory(category, names.category, codes);
  const performanceLevel = checkLevel(asked, names.performanceLevel);
  const range = findSizeRange(category, performanceLevel, type);
  if (sizeGib === null || range === null) return { category, performanceLevel, sizeGib };
  if (sizeGib >= range.leastGib && sizeGib <= range.mostGib) return { category, performanceLevel, sizeGib };
  const kind = performanceLevel === null ? category : `${category} ${performanceLevel}`;
  const rule = `a ${type} disk of ${kind} has ${range.leastGib} to ${range.mostGib} GiB`;
  const leastGib = findSizeRange(category, defaultPerformanceLevel(category), type)?.leastGib ?? 0;
  const isLevelToHigh = sizeGib < range.leastGib && sizeGib >= leastGib;
  throw invalidParameter(
    isLevelToHigh ? 'OperationDenied.PerformanceLevelNotMatch' : codes.size,
    names.size,
    String(sizeGib),
    rule,
  );
}

function checkCategory(category: string, name: string, codes: DiskCodes): void {
  if (isOfferedCategory(category)) return;
  const code = isKnownCategory(category) ? codes.categoryNotOffered : codes.unknownCategory;
  throw invalidParameter(code, name, category, `this service offers ${offeredCategories.join(', ')}`);
}

function checkLevel({ category, performanceLevel }: DiskKind, name: string): string | null {
  if (performanceLevel === null) return defaultPerformanceLevel(category);
  if (hasPerformanceLevels(category) && performanceLevels.includes(performanceLevel)) return performanceLevel;
  const rule = hasPerformanceLevels(category)
    ? `it must be one of ${performanceLevels.join(', ')}`
    : `only cloud_essd has performance levels, ${category} has none`;
  throw invalidParameter('InvalidPerformanceLevel.Malformed', name, performanceLevel, rule);
}

function checkKeysDiffer(found: readonly Tag[]): void {
  const repeated = findRepeatedKey(found);
  if (repeated === null) return;
  const key = JSON.stringify(repeated.key);
  throw repeated.sameCase
    ? new RequestError('Duplicate.TagKey', `The tag key ${key} is given twice; keys must differ.`)
    : new RequestError(
        'TagKey.Duplication',
        `The tag key ${key} is given twice in different case; keys must differ by more.`,
      );
}

/** The zones that filters on zone and network leave: each zone has its own vSwitch, all share VPC and security group. */
export function zonesOfNetwork(
  wanted: { ZoneId?: string | null } & Record<'VpcId' | 'VSwitchId' | 'SecurityGroupId', string | null>,
  region: Region,
): string[] {
  return region.zoneIds.filter((zoneId) => {
    const network = defaultNetwork(region.regionId, zoneId);
    return (
      (wanted.ZoneId ?? zoneId) === zoneId &&
      (wanted.VSwitchId ?? network.vSwitchId) === network.vSwitchId &&
      (wanted.VpcId ?? network.vpcId) === network.vpcId &&
      (wanted.SecurityGroupId ?? network.securityGroupId) === network.securityGroupId
    );
  });
}

/** Every instance is in the default group, and there is no other. */
export function checkSecurityGroups(name: string, groupIds: readonly string[], region: Region): void {
  const { securityGroupId } = defaultNetwork(region.regionId, region.zoneIds[0] ?? '');
  const unknown = groupIds.find((groupId) => groupId !== securityGroupId);
  if (unknown === undefined) return;
  const rule = `the only security group is ${securityGroupId}, in which every instance is; leave it out`;
  throw invalidParameter('InvalidSecurityGroupId.NotFound', name, unknown, rule);
}
