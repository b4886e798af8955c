/**
 * The conditions of policies, with RAM's operators. A key has a list of values in a request, usually one; a key that is not
 * there satisfies no operator but the negated ones. Several values in a policy are alternatives; a negated operator wants
 * none of them.
 */
import { BlockList, isIP } from 'node:net';
import { matchesPattern } from './pattern.ts';

/** Key, as written here, to its values in this request. */
export type RequestContext = ReadonlyMap<string, readonly string[]>;

export interface Condition {
  operator: string;
  key: string;
  values: readonly string[];
}

interface Operator {
  negated: boolean;
  /** What is wrong with a value of a policy; null: nothing. */
  findProblem: (value: string) => string | null;
  /** Of a value in the request and one in the policy, which was found right. */
  test: (actual: string, wanted: string) => boolean;
}

const anyText = () => null;

function stringOperators(): [string, Operator][] {
  const tests: [string, Operator['test']][] = [
    ['Equals', (actual, wanted) => actual === wanted],
    ['EqualsIgnoreCase', (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase()],
    ['Like', (actual, wanted) => matchesPattern(wanted, actual)],
  ];
  return tests.flatMap(([name, test]) => [
    [`String${name}`, { negated: false, findProblem: anyText, test }],
    [`StringNot${name}`, { negated: true, findProblem: anyText, test }],
  ]);
}

function orderedOperators(prefix: string, parse: (text: string) => number | null, rule: string): [string, Operator][] {
  const findProblem = (value: string) => (parse(value) === null ? rule : null);
  const comparing = (compare: (actual: number, wanted: number) => boolean): Operator['test'] => {
    return (actual, wanted) => {
      const one = parse(actual);
      const other = parse(wanted);
      return one !== null && other !== null && compare(one, other);
    };
  };
  const equals = comparing((actual, wanted) => actual === wanted);
  return [
    [`${prefix}Equals`, { negated: false, findProblem, test: equals }],
    [`${prefix}NotEquals`, { negated: true, findProblem, test: equals }],
    [`${prefix}LessThan`, { negated: false, findProblem, test: comparing((actual, wanted) => actual < wanted) }],
    [`${prefix}LessThanEquals`, { negated: false, findProblem, test: comparing((actual, wanted) => actual <= wanted) }],
    [`${prefix}GreaterThan`, { negated: false, findProblem, test: comparing((actual, wanted) => actual > wanted) }],
    [
      `${prefix}GreaterThanEquals`,
      { negated: false, findProblem, test: comparing((actual, wanted) => actual >= wanted) },
    ],
  ];
}

function parseNumber(text: string): number | null {
  return /^-?\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : null;
}

/** ISO 8601 with seconds and a zone. */
function parseDate(text: string): number | null {
  const isWritten = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const timeMs = isWritten ? Date.parse(text) : Number.NaN;
  return Number.isNaN(timeMs) ? null : timeMs;
}

function parseRange(text: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } | null {
  const [address = '', prefix, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return null;
  const width = version === 4 ? 32 : 128;
  const bits = prefix === undefined ? width : Number(prefix);
  if (prefix !== undefined && (!/^\d{1,3}$/.test(prefix) || bits > width)) return null;
  return { address, bits, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** An IPv4 address in IPv6 notation is that IPv4 address. */
function isInRange(actual: string, wanted: string): boolean {
  const range = parseRange(wanted);
  const address = actual.replace(/^::ffff:(?=\d+\.)/i, '');
  if (range === null || isIP(address) === 0) return false;
  const list = new BlockList();
  list.addSubnet(range.address, range.bits, range.family);
  return list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

const addressProblem = (value: string) =>
  parseRange(value) === null ? 'it must be an IP address or a range such as 10.0.0.0/8' : null;
const boolProblem = (value: string) => (/^(true|false)$/i.test(value) ? null : 'it must be true or false');

const operators: ReadonlyMap<string, Operator> = new Map([
  ...stringOperators(),
  ...orderedOperators('Numeric', parseNumber, 'it must be a number'),
  ...orderedOperators('Date', parseDate, 'it must be a time such as 2026-01-31T08:00:00Z or 2026-01-31T16:00:00+08:00'),
  ['Bool', { negated: false, findProblem: boolProblem, test: (a, b) => a.toLowerCase() === b.toLowerCase() }],
  ['IpAddress', { negated: false, findProblem: addressProblem, test: isInRange }],
  ['NotIpAddress', { negated: true, findProblem: addressProblem, test: isInRange }],
]);

export const operatorNames: readonly string[] = [...operators.keys()];

/** What is known of a request besides tags. */
const KNOWN_KEYS = ['acs:SourceIp', 'acs:CurrentTime', 'acs:SecureTransport', 'acs:MFAPresent'];

/** Keys of tags; what follows is the tag's key. `ecs:tag/` is the older name of `acs:ResourceTag/`. */
const TAG_PREFIXES = ['acs:ResourceTag/', 'acs:RequestTag/', 'ecs:tag/'];

/** The products that are here: a key of theirs that no request ever has would make a condition mean nothing. */
const OWN_KEYS = /^(acs|ecs|ram|sts|actiontrail):/i;

/** The key as it is in a `RequestContext`, or null when there is none of the name here. Keys of other products stay. */
export function findConditionKey(key: string): string | null {
  const lower = key.toLowerCase();
  const known = KNOWN_KEYS.find((name) => name.toLowerCase() === lower);
  if (known !== undefined) return known;
  const prefix = TAG_PREFIXES.find((name) => lower.startsWith(name.toLowerCase()) && key.length > name.length);
  if (prefix !== undefined) {
    return `${prefix === 'ecs:tag/' ? 'acs:ResourceTag/' : prefix}${key.slice(prefix.length)}`;
  }
  return OWN_KEYS.test(key) || !/^[a-z0-9-]+:./i.test(key) ? null : key;
}

/** What is wrong with a condition's operator or value; null: nothing. */
export function findConditionProblem(operator: string, values: readonly string[]): string | null {
  const known = operators.get(operator);
  if (known === undefined) return `the operator is none of ${operatorNames.join(', ')}`;
  for (const value of values) {
    const problem = known.findProblem(value);
    if (problem !== null) return `the value ${JSON.stringify(value.slice(0, 64))} is wrong: ${problem}`;
  }
  return null;
}

/** Whether the request is as the condition says. */
export function isSatisfied({ operator, key, values }: Condition, context: RequestContext): boolean {
  const known = operators.get(operator);
  if (known === undefined) throw new Error(`a policy was taken with the operator ${operator}`);
  const actual = context.get(key) ?? [];
  const isAnyRight = actual.some((one) => values.some((wanted) => known.test(one, wanted)));
  return known.negated ? !isAnyRight : isAnyRight;
}
