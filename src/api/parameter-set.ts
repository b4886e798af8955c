/**
 * The parameters of one request. Names match in any case, because clients differ in theirs (`autoSnapshotPolicyId`,
 * `Tag.1.key`); where two spellings of one name are sent (`RegionId` beside `regionId`), the one asked for wins.
 */
import { RequestError } from '../lib/errors.ts';
import type { Pair } from './percent.ts';

/** No list of the API is longer; an index above this is no list item, and one item has one spelling. */
const INDEX = /^(0|[1-9]\d{0,3})$/;

export class ParameterSet {
  readonly #exact = new Map<string, string>();
  readonly #anyCase = new Map<string, string>();

  /** RequestError InvalidParameter when one name comes with two values. */
  constructor(pairs: Iterable<Pair>) {
    for (const [name, value] of pairs) {
      const before = this.#exact.get(name);
      if (before !== undefined && before !== value) {
        throw new RequestError(
          'InvalidParameter',
          `The parameter ${JSON.stringify(name)} is given twice with different values.`,
        );
      }
      this.#exact.set(name, value);
      const lower = name.toLowerCase();
      if (!this.#anyCase.has(lower)) this.#anyCase.set(lower, value);
    }
  }

  /** The value, or null when it is absent or blank. */
  find(name: string): string | null {
    return this.#exact.get(name) || this.#anyCase.get(name.toLowerCase()) || null;
  }

  /** Whether it is there, perhaps blank. */
  isGiven(name: string): boolean {
    return this.#anyCase.has(name.toLowerCase());
  }

  /** The N for which `<name>.N` or `<name>.N.…` is there, ascending; gaps are fine. */
  indexes(name: string): number[] {
    const prefix = `${name.toLowerCase()}.`;
    const found = new Set<number>();
    for (const key of this.#anyCase.keys()) {
      const index = key.startsWith(prefix) ? (key.slice(prefix.length).split('.', 1)[0] ?? '') : '';
      if (INDEX.test(index)) found.add(Number(index));
    }
    return [...found].sort((a, b) => a - b);
  }

  /** A name below `name`, as it was sent, that stands where a list item would and is none: `Tag.a.Key`, `Tag.01.Key`. */
  findStray(name: string): string | null {
    const prefix = `${name.toLowerCase()}.`;
    for (const [sent, value] of this.#exact) {
      const below = sent.toLowerCase().startsWith(prefix) ? sent.slice(prefix.length) : null;
      if (below !== null && value !== '' && !INDEX.test(below.split('.', 1)[0] ?? '')) return sent;
    }
    return null;
  }

  /** Whether anything but blanks is there at `name` or below it. */
  hasUnder(name: string): boolean {
    const lower = name.toLowerCase();
    for (const [key, value] of this.#anyCase) {
      if (value !== '' && (key === lower || key.startsWith(`${lower}.`))) return true;
    }
    return false;
  }

  /** Lower-case names with their values, sorted by name, blanks left out. */
  *entries(): Generator<Pair> {
    for (const name of [...this.#anyCase.keys()].sort()) {
      const value = this.#anyCase.get(name);
      if (value) yield [name, value];
    }
  }

  /** Names as they were sent, with their values. */
  sent(): Iterable<Pair> {
    return this.#exact;
  }
}
