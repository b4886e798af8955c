/** What is wrong with a repository, in words that end: many snapshots share what is damaged, and much may be. */
import { formatBytes } from '../lib/byte-units.ts';
import type { RepositoryFinding } from './check.ts';
import type { ByteRange } from './object-store/object-store.ts';

const MOST_RANGES = 8;
const MOST_NAMES = 20;

/** One sentence: the object, what is wrong, and which ranges of which snapshots that hurts; of many the first. */
export function describeFinding({ object, what, hurts }: RepositoryFinding): string {
  const alike = Map.groupBy(hurts, ({ ranges }) => describeRanges(ranges));
  const harm = [...alike].map(([ranges, hurt]) => `${ranges} of ${describeNames(hurt.map(({ name }) => name))}`);
  return `${object === null ? '' : `${object}: `}${what}${harm.length === 0 ? '' : `; this hurts ${harm.join('; ')}`}`;
}

/** No ranges: all. */
function describeRanges(ranges: readonly ByteRange[]): string {
  if (ranges.length === 0) return 'all';
  const first = ranges.slice(0, MOST_RANGES).map(({ offset, length }) => `${offset}–${offset + length - 1}`);
  if (ranges.length === first.length) return `bytes ${first.join(', ')}`;
  const bytes = ranges.reduce((sum, { length }) => sum + length, 0);
  return `bytes ${first.join(', ')} and ${ranges.length - first.length} more ranges, ${formatBytes(bytes)} in all,`;
}

function describeNames(names: readonly string[]): string {
  if (names.length <= MOST_NAMES) return names.join(', ');
  return `${names.slice(0, MOST_NAMES).join(', ')} and ${names.length - MOST_NAMES} more`;
}
