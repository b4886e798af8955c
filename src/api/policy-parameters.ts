/** What the actions on automatic snapshot policies have in common (`ecs-api.md` 2.2). Illegal values are `ParameterInvalid`. */
import { KEEP_LIMIT, RETENTION_DAYS_LIMIT, TARGET_TAG_LIMIT } from '../ecs/auto-snapshot-policy.ts';
import { findNameProblem } from '../ecs/names.ts';
import type { TagFilter } from '../ecs/list-filters.ts';
import { KEEP_PERIODS } from '../ecs/retention.ts';
import type { KeepRules } from '../ecs/retention.ts';
import { RequestError } from '../lib/errors.ts';
import { noRoles } from './absent-features.ts';
import { boolean, group, groups, integer, invalidParameter, jsonList, notBuilt, text } from './parameters.ts';
import type { Parameter, Values } from './parameters.ts';
import { tagKey, tagValue } from './resource-parameters.ts';

const CODE = 'ParameterInvalid';

export const policyId = text(CODE, (value) =>
  /^s?p-[0-9a-z]{1,64}$/.test(value) ? null : 'policy ids start with "sp-"',
);

/** A JSON list of whole numbers, as texts, in a range; ascending, each once. */
function numbers(least: number, most: number): Parameter<number[] | null> {
  const list = jsonList(CODE, 100);
  return {
    ...list,
    shape: `JSON array such as '["${least}","${most}"]', of ${least} to ${most}`,
    read: (set, name) => {
      const found = list.read(set, name);
      if (found === null) return null;
      const wrong = found.find((item) => !/^\d{1,2}$/.test(item) || Number(item) < least || Number(item) > most);
      if (wrong === undefined && found.length > 0) {
        return [...new Set(found.map(Number))].sort((one, other) => one - other);
      }
      throw invalidParameter(CODE, name, set.find(name) ?? '', `it must be a JSON array of "${least}" to "${most}"`);
    },
  };
}

/** -1 or 1 to 65536; -1 is for ever. */
function policyDays(code = CODE): Parameter<number | null> {
  const days = integer({ least: 1, most: RETENTION_DAYS_LIMIT, code });
  return {
    ...days,
    shape: `-1 (for ever), or 1 to ${RETENTION_DAYS_LIMIT}`,
    read: (set, name) => (set.find(name) === '-1' ? -1 : days.read(set, name)),
  };
}

const keep = integer({ least: 0, most: KEEP_LIMIT, code: CODE });

/** One other region. */
const copyRegions: Parameter<string[] | null> = {
  ...jsonList('InvalidParameter.TargetCopyRegions', 1),
  shape: `JSON array with one region, such as '["cn-beijing"]'`,
};

const targetTags = groups({ Key: tagKey, Value: tagValue }, { most: TARGET_TAG_LIMIT, code: CODE });

/** What CreateAutoSnapshotPolicy and ModifyAutoSnapshotPolicyEx set. `Keep` and `MissedRuns` are extensions. */
export const policyTerms = {
  timePoints: numbers(0, 23),
  repeatWeekdays: numbers(1, 7),
  retentionDays: policyDays(),
  autoSnapshotPolicyName: text('InvalidSnapshotPolicyName.Malformed', findNameProblem),
  EnableCrossRegionCopy: boolean(CODE),
  TargetCopyRegions: copyRegions,
  CopiedSnapshotsRetentionDays: policyDays('InvalidParameter.CopiedSnapshotsRetentionDays'),
  CopyEncryptionConfiguration: group({
    Encrypted: notBuilt('this service does not encrypt snapshots yet', {
      code: 'InvalidParameter.EncryptedIllegal',
      neutral: ['false'],
    }),
    KMSKeyId: notBuilt('this service does not encrypt snapshots yet', { code: 'InvalidParameter.EncryptedIllegal' }),
    Arn: noRoles,
  }),
  TargetTags: targetTags,
  Keep: group({ Last: keep, Hourly: keep, Daily: keep, Weekly: keep, Monthly: keep, Yearly: keep }),
  MissedRuns: text(CODE, (value) => (/^(run|skip)$/i.test(value) ? null : 'it must be run or skip')),
};

type Terms = Values<typeof policyTerms>;

/** Undefined: none is given. Null: all are 0. What is left out of several is 0. */
export function keepRulesOf({ Keep: given }: Pick<Terms, 'Keep'>): KeepRules | null | undefined {
  const names = ['last', ...KEEP_PERIODS] as const;
  const rules = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
  let isGiven = false;
  for (const name of names) {
    const value = given[(name.charAt(0).toUpperCase() + name.slice(1)) as keyof typeof given];
    if (value === null) continue;
    isGiven = true;
    rules[name] = value;
  }
  if (!isGiven) return undefined;
  return names.some((name) => rules[name] > 0) ? rules : null;
}

/** A tag without a value has any. */
export function targetTagsOf({ TargetTags: given }: Pick<Terms, 'TargetTags'>): TagFilter[] | null {
  if (given.length === 0) return null;
  return given.map(({ Key: key, Value: value, name }) => {
    if (key !== null) return { key, value: value === '' ? null : value };
    throw new RequestError('InvalidTagKey.Malformed', `The parameter "${name}.Key" must not be blank.`);
  });
}

/** `diskIds`: a JSON list. */
export const diskIds: Parameter<string[] | null> = {
  ...jsonList(CODE, 100),
  read: (set, name) => {
    const found = jsonList(CODE, 100).read(set, name);
    if (found?.length === 0) throw invalidParameter(CODE, name, '[]', 'name a disk at least');
    return found === null ? null : [...new Set(found)];
  },
};
