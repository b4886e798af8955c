/** "Did you mean …": the names that are nearest to a misspelt one. */
import { distance } from 'fastest-levenshtein';

const MOST = 5;

/** Nearest first. Case and hyphens do not count: `describe-disk` is near DescribeDisks. */
export function suggest(typed: string, names: Iterable<string>): string[] {
  const wanted = fold(typed);
  const limit = Math.max(2, Math.floor(wanted.length / 4));
  return [...new Set(names)]
    .map((name) => ({ name, far: distanceTo(wanted, fold(name)) }))
    .filter(({ far }) => far <= limit)
    .sort((a, b) => a.far - b.far || a.name.length - b.name.length || (a.name < b.name ? -1 : 1))
    .slice(0, MOST)
    .map(({ name }) => name);
}

/** As lines to put behind a message; empty without suggestions. */
export function formatSuggestions(names: readonly string[]): string {
  return names.length === 0 ? '' : `\n\nDid you mean:\n${names.map((name) => `  ${name}`).join('\n')}`;
}

/** What was begun and not finished is nearer than what was mistyped at the end. */
function distanceTo(wanted: string, name: string): number {
  return name.startsWith(wanted) && wanted.length >= 3 ? 1 : distance(wanted, name);
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}
