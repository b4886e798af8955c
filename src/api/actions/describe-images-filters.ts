/**
 * `Filter.N.Key`, `Filter.N.Value` of DescribeImages (`ecs-api.md` 2.5): the time of creation, the network and what can be
 * changed in a running instance. The last two are the same for every image here.
 */
import { parseFilterTime, type CreationTimes } from '../filters.ts';
import { groups, invalidParameter, text, type Parameter } from '../parameters.ts';

export interface ImageFilters extends CreationTimes {
  /** Whether one of them excludes every image. */
  matchesNothing: boolean;
}

const TIMES = ['CreationStartTime', 'CreationEndTime'];

/** By key: the value that all images have, those that none has, and the code for another. */
const CONSTANTS: Readonly<Record<string, { all: string; none: string[]; code: string }>> = {
  NetworkType: { all: 'vpc', none: ['classic'], code: 'InvalidFilterValue.NetworkType' },
  CpuOnlineUpgrade: { all: 'unsupported', none: ['supported'], code: 'InvalidFilterValue' },
  CpuOnlineDowngrade: { all: 'unsupported', none: ['supported'], code: 'InvalidFilterValue' },
  MemoryOnlineUpgrade: { all: 'unsupported', none: ['supported'], code: 'InvalidFilterValue' },
  MemoryOnlineDowngrade: { all: 'unsupported', none: ['supported'], code: 'InvalidFilterValue' },
};

const KEYS = [...TIMES, ...Object.keys(CONSTANTS)];

export function imageFilters(): Parameter<ImageFilters> {
  const list = groups({ Key: text(), Value: text() }, { most: KEYS.length, code: 'InvalidFilterKey.NotFound' });
  return {
    ...list,
    read: (set, name) => {
      const found: ImageFilters = { matchesNothing: false };
      for (const { Key, Value, name: item } of list.read(set, name)) {
        if (Key !== null || Value !== null) readFilter(found, { key: Key ?? '', value: Value ?? '', item });
      }
      return found;
    },
  };
}

function readFilter(found: ImageFilters, filter: { key: string; value: string; item: string }): void {
  const { key, value, item } = filter;
  const constant = Object.hasOwn(CONSTANTS, key) ? CONSTANTS[key] : undefined;
  if (constant !== undefined) {
    found.matchesNothing ||= isExcluded(constant, value, `${item}.Value`);
  } else if (key === 'CreationStartTime' || key === 'CreationEndTime') {
    found[key] = parseFilterTime(value, `${item}.Value`);
  } else {
    throw invalidParameter('InvalidFilterKey.NotFound', `${item}.Key`, key, `it must be one of ${KEYS.join(', ')}`);
  }
}

function isExcluded({ all, none, code }: { all: string; none: string[]; code: string }, value: string, name: string) {
  const lower = value.toLowerCase();
  if (lower === all) return false;
  if (none.includes(lower)) return true;
  throw invalidParameter(code, name, value, `it must be one of ${[all, ...none].join(', ')}`);
}
