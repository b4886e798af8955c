/** What the Describe actions share: paging, tag and time filters, and filters that can match nothing here. */
import { RequestError } from '../lib/errors.ts';
import { TAG_LIMIT } from '../ecs/names.ts';
import type { Page } from '../ecs/resources.ts';
import { parseMinute, parseSecond } from '../ecs/times.ts';
import type { Paging, ResourceFilter, TagFilter } from '../ecs/list-filters.ts';
import {
  groups,
  integer,
  invalidParameter,
  oneOfShape,
  text,
  withDefault,
  type Parameter,
  type Values,
} from './parameters.ts';

const LEAST_MAX_RESULTS = 10;

/** A parameter's value when no resource can have what it asks for: the answer is an empty list. */
const NOTHING_MATCHES = Symbol('nothing matches');

/** Whether one of the filters just read excludes everything. */
export function matchesNothing(values: Readonly<Record<string, unknown>>): boolean {
  return Object.values(values).includes(NOTHING_MATCHES);
}

/**
 * A filter on something that is the same for every resource here. `all` are the values that every resource has, `none`
 * the values that no resource has; another value is refused with `code`, or has no match where there is no code.
 */
export function constantFilter(words: {
  all?: readonly string[];
  none?: readonly string[];
  code?: string;
}): Parameter<symbol | null> {
  const { all = [], none = [], code } = words;
  return {
    use: 'used',
    reason: '',
    covers: [''],
    ...(code === undefined ? {} : { shape: oneOfShape([...all, ...none]), accepts: [...all, ...none] }),
    read: (set, name) => {
      const value = set.find(name);
      if (value === null || includesWord(all, value)) return null;
      if (code === undefined || includesWord(none, value)) return NOTHING_MATCHES;
      throw invalidParameter(code, name, value, `it must be one of ${[...all, ...none].join(', ')}`);
    },
  };
}

/** A filter on how instances can be charged: everything is offered both ways. */
export const offeredChargeTypes = constantFilter({
  all: ['PostPaid', 'PrePaid'],
  code: 'InvalidInstanceChargeType.NotFound',
});

/** A filter on a list of something that no resource here has. */
export function noneHas(covers: readonly string[] = ['', '.N']): Parameter<symbol | null> {
  return {
    use: 'used',
    reason: '',
    covers,
    read: (set, name) => (set.hasUnder(name) ? NOTHING_MATCHES : null),
  };
}

/** `PageNumber`, `PageSize` (1 to 100), `MaxResults` (10 to `mostResults`, cut to it), `NextToken`. */
export function pagingParameters(mostResults: number) {
  return {
    PageNumber: { ...integer({ least: 1, most: 1_000_000_000 }), shape: '1 or more; default 1' },
    PageSize: { ...integer({ least: 1, most: 100 }), shape: '1 to 100; default 10' },
    MaxResults: atLeastAtMost(LEAST_MAX_RESULTS, mostResults),
    NextToken: text('InvalidParameter', (token) => (token.length <= 1024 ? null : 'take it from the answer before')),
  };
}

/**
 * One rule for requests that mix both kinds of paging, as clients do (`clients.md` 2.4): a token says where to go on,
 * whatever the page number; MaxResults is the size before PageSize.
 */
export function pagingOf(values: Values<ReturnType<typeof pagingParameters>>): Paging {
  return {
    pageNumber: values.PageNumber ?? 1,
    pageSize: values.MaxResults ?? values.PageSize ?? 10,
    nextToken: values.NextToken,
  };
}

/** The fields that go with every page. NextToken is blank only when nothing remains, whichever way was asked. */
export function pageFields(
  paging: Paging,
  page: Page<unknown>,
): { NextToken: string; PageNumber: number; PageSize: number; TotalCount: number } {
  return {
    NextToken: page.nextToken ?? '',
    PageNumber: paging.pageNumber,
    PageSize: paging.pageSize,
    TotalCount: page.totalCount,
  };
}

/** `PageNumber` and `PageSize` of a list that has no tokens. */
export function pageNumbers(mostSize = 100) {
  return {
    PageNumber: withDefault(integer({ least: 1, most: 1_000_000_000 }), 1),
    PageSize: withDefault(integer({ least: 1, most: mostSize }), 10),
  };
}

type PageNumbers = Values<ReturnType<typeof pageNumbers>>;

export function numberedPaging({ PageNumber: pageNumber, PageSize: pageSize }: PageNumbers): Paging {
  return { pageNumber, pageSize, nextToken: null };
}

export function numberedFields({ PageNumber, PageSize }: PageNumbers, { totalCount: TotalCount }: Page<unknown>) {
  return { PageNumber, PageSize, TotalCount };
}

/** A page by number of a list that is at hand as a whole. */
export function pageOf<T>(items: readonly T[], { pageNumber, pageSize }: Paging): Page<T> {
  const start = (pageNumber - 1) * pageSize;
  return { items: items.slice(start, start + pageSize), totalCount: items.length, nextToken: null };
}

export const emptyPage: Page<never> = { items: [], totalCount: 0, nextToken: null };

/** `DryRun=true` on an action that only reads: all is well once the parameters are. Throws what stands for that. */
export function finishDryRun(isDryRun: boolean | null): void {
  if (isDryRun) throw new RequestError('DryRunOperation', 'Request validation has been passed with DryRun flag set.');
}

/** What keys and values may be, and the codes for too many tags and for a value without a key. */
interface TagFilterRules {
  key: Parameter<string | null>;
  value: Parameter<string | null>;
  tooMany: string;
  withoutKey: string;
}

/** `Tag.N.Key`, `Tag.N.Value` as filters: a key alone matches any value. */
export function tagFilters(rules: Partial<TagFilterRules> = {}): Parameter<TagFilter[]> {
  const { key = text(), value = text(), tooMany = 'InvalidTagCount', withoutKey = 'InvalidTag.Mismatch' } = rules;
  const list = groups({ Key: key, Value: value }, { most: TAG_LIMIT, code: tooMany });
  return {
    ...list,
    read: (set, name) =>
      list.read(set, name).flatMap(({ Key, Value, name: item }) => {
        if (Key !== null) return [{ key: Key, value: Value }];
        if (Value === null) return [];
        throw new RequestError(
          withoutKey,
          `The parameter "${item}" has a Value without a Key; give both, or the Key alone.`,
        );
      }),
  };
}

/** As `Filter.N` gives them, in milliseconds. */
export interface CreationTimes {
  CreationStartTime?: number;
  CreationEndTime?: number;
}

/** What every list is filtered by: when its resources were created, their group and their tags. */
export function resourceFilterOf(values: {
  Filter: CreationTimes;
  ResourceGroupId: string | null;
  Tag: TagFilter[];
}): ResourceFilter {
  const { CreationStartTime: createdFromMs, CreationEndTime: createdUntilMs } = values.Filter;
  return {
    ...(createdFromMs !== undefined && { createdFromMs }),
    ...(createdUntilMs !== undefined && { createdUntilMs }),
    ...(values.ResourceGroupId !== null && { resourceGroupId: values.ResourceGroupId }),
    ...(values.Tag.length > 0 && { tags: values.Tag }),
  };
}

/** `Filter.N.Key`, `Filter.N.Value`: the given keys, with times as values; the result is by key. */
export function timeFilters<Key extends string>(keys: readonly Key[]): Parameter<Partial<Record<Key, number>>> {
  const list = groups({ Key: text(), Value: text() }, { most: 4, code: 'InvalidFilterKey.NotFound' });
  return {
    ...list,
    read: (set, name) => {
      const times: Partial<Record<Key, number>> = {};
      for (const filter of list.read(set, name)) {
        if (filter.Key === null && filter.Value === null) continue;
        const key = keys.find((candidate) => candidate === filter.Key);
        if (key === undefined) {
          throw invalidParameter(
            'InvalidFilterKey.NotFound',
            `${filter.name}.Key`,
            filter.Key ?? '',
            `it must be one of ${keys.join(', ')}`,
          );
        }
        times[key] = parseFilterTime(filter.Value ?? '', `${filter.name}.Value`);
      }
      return times;
    },
  };
}

/** In milliseconds. Throws `InvalidFilterValue`. */
export function parseFilterTime(value: string, name: string): number {
  const timeMs = parseMinute(value) ?? parseSecond(value);
  if (timeMs === null) throw invalidParameter('InvalidFilterValue', name, value, 'it must be UTC as yyyy-MM-ddTHH:mmZ');
  return timeMs;
}

function atLeastAtMost(least: number, most: number): Parameter<number | null> {
  const any = integer({ least: 1, most: 1_000_000_000 });
  return {
    ...any,
    shape: `${least} to ${most}, what is below or above counts as that`,
    read: (set, name) => {
      const number = any.read(set, name);
      return number === null ? null : Math.min(Math.max(number, least), most);
    },
  };
}

function includesWord(words: readonly string[], value: string): boolean {
  return words.some((word) => word.toLowerCase() === value.toLowerCase());
}
