/** The terms of a policy as they are typed for `hupo policy create` and `modify`, and the parameters of the API that they become. Pure. */
import type { ConnectOptions } from '../cli.ts';
import { UsageError } from './usage-error.ts';

export interface PolicyOptions extends ConnectOptions {
  at?: string;
  days?: string;
  keepDays?: string;
  name?: string;
  keepLast?: string;
  keepHourly?: string;
  keepDaily?: string;
  keepWeekly?: string;
  keepMonthly?: string;
  keepYearly?: string;
  missed?: string;
  copyTo?: string;
  copyKeepDays?: string;
  instancesWith?: string[];
  disk?: string[];
}

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export const RULES = ['Last', 'Hourly', 'Daily', 'Weekly', 'Monthly', 'Yearly'] as const;

/** The parameters of the API; those that were not given are absent. */
export function termsOf(options: PolicyOptions): Record<string, string> {
  const rules = RULES.flatMap((rule) => {
    const value = options[`keep${rule}`];
    return value === undefined ? [] : [[`Keep.${rule}`, value] as const];
  });
  const { copyTo } = options;
  return {
    ...(options.at !== undefined && { timePoints: parseHours(options.at) }),
    ...(options.days !== undefined && { repeatWeekdays: parseDays(options.days) }),
    ...(options.keepDays !== undefined && { retentionDays: parseKeepDays(options.keepDays) }),
    ...(options.name !== undefined && { autoSnapshotPolicyName: options.name }),
    ...Object.fromEntries(rules),
    ...(options.missed !== undefined && { MissedRuns: options.missed }),
    ...(copyTo === 'none' && { EnableCrossRegionCopy: 'false' }),
    ...(copyTo !== undefined &&
      copyTo !== 'none' && { EnableCrossRegionCopy: 'true', TargetCopyRegions: JSON.stringify([copyTo]) }),
    ...(options.copyKeepDays !== undefined && { CopiedSnapshotsRetentionDays: parseKeepDays(options.copyKeepDays) }),
  };
}

/** `2,14`, `8-18`, `22-4` (over midnight), also with `:00`. Throws a UsageError. */
function parseHours(text: string): string {
  const hours = parseList(text, 24, (word) => {
    const hour = word.replace(/:00$/, '');
    return /^\d{1,2}$/.test(hour) && Number(hour) < 24 ? Number(hour) : null;
  });
  if (typeof hours !== 'string') return JSON.stringify(hours.map(String));
  throw new UsageError(
    `--at ${text}: ${JSON.stringify(hours)} is no hour from 0 to 23; several are given as 2,14 or 8-18`,
  );
}

/** `mon,thu`, `mon-fri`, `daily`. Throws a UsageError. */
export function parseDays(text: string): string {
  if (text === 'daily') return JSON.stringify(DAYS.map((_day, index) => String(index + 1)));
  const days = parseList(text, DAYS.length, (word) => {
    const index = DAYS.findIndex((name) => word.toLowerCase().startsWith(name));
    return index < 0 ? null : index;
  });
  if (typeof days !== 'string') return JSON.stringify(days.map((day) => String(day + 1)));
  throw new UsageError(`--days ${text}: give ${DAYS.join(', ')}, several as mon,thu or mon-fri, or daily`);
}

/** The numbers below `count` that the words and the ranges of words name, which may go over the end; or the first word that is none. */
function parseList(text: string, count: number, read: (word: string) => number | null): number[] | string {
  const found: number[] = [];
  for (const item of text.split(',')) {
    const [first = '', last = first, ...more] = item.split('-').map((word) => word.trim());
    const [from, to] = [read(first), read(last)];
    if (from === null || more.length > 0) return item.trim();
    if (to === null) return last;
    for (let step = 0; step <= (to - from + count) % count; step++) found.push((from + step) % count);
  }
  return [...new Set(found)];
}

function parseKeepDays(text: string): string {
  return text === 'forever' ? '-1' : text;
}

export function tagsOf(tags: readonly string[]): Record<string, string> {
  if (tags.length === 0) return {};
  const pairs = tags.flatMap((tag, index) => {
    const [key = '', ...value] = tag.split('=');
    const name = `TargetTags.${index + 1}`;
    return [
      [`${name}.Key`, key] as const,
      ...(value.length === 0 ? [] : [[`${name}.Value`, value.join('=')] as const]),
    ];
  });
  return { AssociationType: 'AssociatedWithInstanceTag', ...Object.fromEntries(pairs) };
}

/** What is not named stays: the API takes the rules anew all at once. */
export function keepUnnamed(
  terms: Record<string, string>,
  rules: Partial<Record<(typeof RULES)[number], number>>,
): Record<string, string> {
  const isNamed = RULES.some((rule) => terms[`Keep.${rule}`] !== undefined);
  return isNamed
    ? { ...Object.fromEntries(RULES.map((rule) => [`Keep.${rule}`, String(rules[rule] ?? 0)])), ...terms }
    : terms;
}
