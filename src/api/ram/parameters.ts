/** What the actions on users, policies and roles have in common: names, pages, and how things are shown. */
import { checkName } from '../../access/account-rules.ts';
import { RequestError } from '../../lib/errors.ts';
import { formatSecond } from '../../ecs/times.ts';
import { emptiable, integer, oneOf, required, text, withDefault, type Parameter } from '../parameters.ts';

/** Must be there, and be as `checkName` wants it. */
export function named(name: Parameters<typeof checkName>[0]): Parameter<string> {
  return required(checked(name), `MissingParameter.${name}`);
}

/** Null when absent; a blank one is the empty text. */
export function fact(name: Parameters<typeof checkName>[0]): Parameter<string | null> {
  return emptiable(checked(name));
}

function checked(name: Parameters<typeof checkName>[0]): Parameter<string | null> {
  const any = text();
  return {
    ...any,
    read: (set, sent) => {
      const value = any.read(set, sent);
      return value === null ? null : checkName(name, value);
    },
  };
}

/** Of things that are there already: a name that cannot be is just not there. */
export function existing(name: string): Parameter<string> {
  return required(text(), `MissingParameter.${name}`);
}

const POLICY_TYPES = ['System', 'Custom'] as const;

/** Null when absent. */
export const anyPolicyType = oneOf(POLICY_TYPES, 'InvalidParameter.PolicyType');

export const policyType = required(anyPolicyType, 'MissingParameter.PolicyType');

/** `v3`. */
export const versionId: Parameter<number> = {
  ...required(text()),
  shape: 'v1, v2, …',
  read: (set, name) => {
    const value = required(text(), 'MissingParameter.VersionId').read(set, name);
    if (/^v\d{1,9}$/.test(value)) return Number(value.slice(1));
    throw new RequestError('InvalidParameter.VersionId', `The parameter "${name}" must be v1, v2 and so on.`);
  },
};

export const pages = {
  Marker: text(),
  MaxItems: withDefault(integer({ least: 1, most: 1000 }), 100),
};

/** A page of a list that is at hand as a whole, in the order of `keyOf`, which the marker is one of. */
export function pageOf<T>(
  items: readonly T[],
  { Marker: marker, MaxItems: most }: { Marker: string | null; MaxItems: number },
  keyOf: (item: T) => string,
): { shown: T[]; fields: { IsTruncated: boolean; Marker?: string } } {
  const ordered = [...items].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const left = marker === null ? ordered : ordered.filter((item) => keyOf(item) > marker);
  const shown = left.slice(0, most);
  const last = shown.at(-1);
  const isTruncated = left.length > shown.length && last !== undefined;
  return { shown, fields: { IsTruncated: isTruncated, ...(isTruncated && { Marker: keyOf(last) }) } };
}

export function time(timeMs: number): string {
  return formatSecond(timeMs);
}
