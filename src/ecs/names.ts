/**
 * What names, descriptions and tags may be (`ecs-api.md` 3.4, 3.6). Each check returns what is wrong, for people, or
 * null. The caller knows the error code.
 */
import type { Tag } from './resources.ts';

export const TAG_LIMIT = 20;

const NAME = /^\p{L}[\p{L}0-9:_.-]{1,127}$/u;
const ORDERED_NAME = /^(?<prefix>[^[\]]*)\[(?<begin>\d{0,6}),(?<width>\d?)\](?<suffix>[^[\]]*)$/;
const HOST_LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;

/** Disks, snapshots and instances. */
export function findNameProblem(name: string): string | null {
  if (hasUrlPrefix(name)) return 'a name must not start with http:// or https://';
  return NAME.test(name)
    ? null
    : 'a name has 2 to 128 characters, starts with a letter, and goes on with letters, digits, ":", "_", "." or "-"';
}

export function findSnapshotNameProblem(name: string): string | null {
  if (name.startsWith('auto')) return 'names that start with "auto" belong to automatic snapshots';
  return findNameProblem(name);
}

export function findDescriptionProblem(description: string): string | null {
  if (hasUrlPrefix(description)) return 'a description must not start with http:// or https://';
  const length = characterCount(description);
  return length >= 2 && length <= 256 ? null : `a description has 2 to 256 characters, not ${length}`;
}

/** A Linux host name: labels of letters, digits and "-" that are joined by ".", 2 to 64 characters in all. */
export function findHostNameProblem(hostName: string): string | null {
  const good = hostName.length >= 2 && hostName.length <= 64 && hostName.split('.').every((x) => HOST_LABEL.test(x));
  return good ? null : 'a host name has 2 to 64 characters: letters, digits and "-", in parts joined by "."';
}

/** Of a tag that users put and remove. */
export function findTagKeyProblem(key: string): string | null {
  if (/^(aliyun|acs:)/i.test(key)) return 'tag keys that start with "aliyun" or "acs:" are reserved';
  return findAnyTagKeyProblem(key);
}

/** Of any tag, those of the system (`acs:…`) too. */
export function findAnyTagKeyProblem(key: string): string | null {
  const length = characterCount(key);
  if (length < 1 || length > 128) return `a tag key has 1 to 128 characters, not ${length}`;
  return /https?:\/\//i.test(key) ? 'a tag key must not contain http:// or https://' : null;
}

export function findTagValueProblem(value: string): string | null {
  const length = characterCount(value);
  if (length > 128) return `a tag value has at most 128 characters, not ${length}`;
  if (/^acs:/i.test(value)) return 'tag values that start with "acs:" are reserved';
  return /https?:\/\//i.test(value) ? 'a tag value must not contain http:// or https://' : null;
}

/** The first key that occurs twice, and whether the two are written alike. */
export function findRepeatedKey(tags: readonly Tag[]): { key: string; sameCase: boolean } | null {
  const seen = new Map<string, string>();
  for (const { key } of tags) {
    const before = seen.get(key.toLowerCase());
    if (before !== undefined) return { key, sameCase: before === key };
    seen.set(key.toLowerCase(), key);
  }
  return null;
}

/**
 * The names of `amount` instances. `prefix[begin,width]suffix` counts up from `begin` in `width` digits; with
 * `uniqueSuffix` another name gets 001, 002, … behind it when there is more than one instance.
 */
export function formatInstanceNames(name: string, amount: number, uniqueSuffix: boolean): string[] {
  const ordered = ORDERED_NAME.exec(name)?.groups;
  const numbers = Array.from({ length: amount }, (_, index) => index);
  if (ordered === undefined) {
    const numbered = uniqueSuffix && amount > 1;
    return numbers.map((index) => (numbered ? `${name}${String(index + 1).padStart(3, '0')}` : name));
  }
  const begin = Number(ordered['begin'] || '0');
  const width = Number(ordered['width'] || '6');
  return numbers.map((index) => {
    const digits = String(begin + index).padStart(width, '0');
    return `${ordered['prefix']}${digits}${ordered['suffix']}`;
  });
}

/** Code points: what a person counts, nearly. */
function characterCount(text: string): number {
  return Array.from(text).length;
}

function hasUrlPrefix(text: string): boolean {
  return /^https?:\/\//i.test(text);
}
