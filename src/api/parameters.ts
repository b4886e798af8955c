/**
 * How an action declares its parameters: a table from name to `Parameter`, which says what the value may be, with which
 * code a bad one is refused, and what it becomes. Every documented parameter of an action is in its table: used,
 * without effect here (and why), or refused because what it asks for is not built. Undocumented ones are ignored, as
 * ECS does.
 */
import { RequestError } from '../lib/errors.ts';
import type { ParameterSet } from './parameter-set.ts';

export interface Parameter<T> {
  use: 'used' | 'no effect' | 'refused';
  /** Why it has no effect or is refused; empty when it is used. */
  reason: string;
  /** The names it covers below its own: `''` is itself, `.N.Key` a list of groups, `.*` whatever is below. */
  covers: readonly string[];
  /** What its value may be, for people, where the table knows: `1 to 100; default 1`. */
  shape?: string;
  /** All words that its value may be, where they are few; of a refused one those that ask for what is so anyway. */
  accepts?: readonly string[];
  /** Whether a request without it is refused. */
  isRequired?: true;
  /** Of a group: what is below its name, with `N` between for a list of groups. */
  members?: { below: '' | 'N.'; table: ParameterTable };
  read(set: ParameterSet, name: string): T;
}

export type ParameterTable = Readonly<Record<string, Parameter<unknown>>>;

export type Values<Table extends ParameterTable> = {
  [Name in keyof Table]: Table[Name] extends Parameter<infer T> ? T : never;
};

/** Reads every parameter of the table; the first that is wrong throws its RequestError. */
export function readParameters<Table extends ParameterTable>(
  table: Table,
  set: ParameterSet,
  prefix = '',
): Values<Table> {
  const values: Record<string, unknown> = {};
  for (const [name, parameter] of Object.entries(table)) values[name] = parameter.read(set, prefix + name);
  return values as Values<Table>;
}

/** All names that a table covers, `DataDisk.N.Size` for list items. */
export function coveredNames(table: ParameterTable): string[] {
  return Object.entries(table).flatMap(([name, parameter]) => parameter.covers.map((below) => name + below));
}

/** Says which parameter, which value and what would be right. */
export function invalidParameter(code: string, name: string, value: string, rule: string): RequestError {
  const shown = JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value);
  return new RequestError(code, `The specified parameter "${name}" is not valid: ${shown}; ${rule}.`);
}

/** Any text; null when absent. `findProblem` says what is wrong with it. */
export function text(
  code = 'InvalidParameter',
  findProblem: (value: string) => string | null = () => null,
): Parameter<string | null> {
  return parse((value, name) => {
    const problem = findProblem(value);
    if (problem !== null) throw invalidParameter(code, name, value, problem);
    return value;
  });
}

/** As it is, but a blank value is one, the empty text, and no absence. */
export function emptiable(parameter: Parameter<string | null>): Parameter<string | null> {
  return { ...parameter, read: (set, name) => parameter.read(set, name) ?? (set.isGiven(name) ? '' : null) };
}

/** A limit that stands for none. */
const UNLIMITED = 1_000_000;

/** A whole decimal number in a range; null when absent. */
export function integer(range: { least: number; most: number; code?: string }): Parameter<number | null> {
  const shape = range.most >= UNLIMITED ? `${range.least} or more` : `${range.least} to ${range.most}`;
  return shaped({ shape }, (value, name) => {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= range.least && number <= range.most) return number;
    const rule = `it must be a whole number from ${range.least} to ${range.most}`;
    throw invalidParameter(range.code ?? 'InvalidParameter', name, value, rule);
  });
}

/** With a fraction, as memory and frequencies have it; null when absent. */
export function decimalNumber(code = 'InvalidParameter'): Parameter<number | null> {
  return parse((value, name) => {
    if (/^\d{1,15}(\.\d{1,9})?$/.test(value)) return Number(value);
    throw invalidParameter(code, name, value, 'it must be a decimal number');
  });
}

/** `true` or `false` in any case; null when absent. */
export function boolean(code = 'InvalidParameter'): Parameter<boolean | null> {
  return shaped({ shape: 'true or false', accepts: ['true', 'false'] }, (value, name) => {
    if (/^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
    throw invalidParameter(code, name, value, 'it must be true or false');
  });
}

/** One of the words, in any case; the word as written here, or null when absent. */
export function oneOf<Word extends string>(words: readonly Word[], code = 'InvalidParameter'): Parameter<Word | null> {
  return shaped({ shape: oneOfShape(words), accepts: words }, (value, name) => {
    const word = words.find((candidate) => candidate.toLowerCase() === value.toLowerCase());
    if (word !== undefined) return word;
    throw invalidParameter(code, name, value, `it must be one of ${words.join(', ')}`);
  });
}

/** Of a parameter whose words the action checks itself, because the code depends on more than the word. */
export function knowingWords<T>(parameter: Parameter<T>, words: readonly string[]): Parameter<T> {
  return { ...parameter, shape: oneOfShape(words), accepts: words };
}

/** A JSON array of strings in one parameter, `["a","b"]`, or with single quotes as ECS's own pages show it; null when absent. */
export function jsonList(code = 'InvalidParameter', most = 100): Parameter<string[] | null> {
  return shaped({ shape: `JSON array such as '["a","b"]', at most ${most}` }, (value, name) => {
    const list = parseJson(value) ?? parseSingleQuoted(value);
    if (Array.isArray(list) && list.length <= most && list.every((item) => typeof item === 'string')) return list;
    throw invalidParameter(code, name, value, `it must be a JSON array of at most ${most} strings, such as ["a","b"]`);
  });
}

/** Words joined by commas; null when absent. */
export function commaList(most = 100): Parameter<string[] | null> {
  return shaped({ shape: `joined by commas, at most ${most}` }, (value, name) => {
    const list = value.split(',').map((item) => item.trim());
    if (list.length <= most && !list.includes('')) return list;
    throw invalidParameter('InvalidParameter', name, value, `it must be at most ${most} values joined by commas`);
  });
}

/** `Name.1`, `Name.2`, …; empty when absent. A value at `Name` itself, or at what is no number, is refused. */
export function repeated(most: number, code = 'InvalidParameter'): Parameter<string[]> {
  return {
    ...used(['.N']),
    shape: `at most ${most}`,
    read: (set, name) => {
      checkHasItemsOnly(set, name, `${name}.1`);
      const list = set.indexes(name).flatMap((index) => {
        const item = `${name}.${index}`;
        const value = set.find(item);
        if (value === null && set.hasUnder(item)) throw strayItem(name, `${item}.…`, `${name}.1`);
        return value ?? [];
      });
      if (list.length > most)
        throw new RequestError(
          code,
          `The parameter "${name}.N" has ${list.length} values; at most ${most} are allowed.`,
        );
      return list;
    },
  };
}

/** `Name.Field`; a value at `Name` itself is refused, for it would say nothing. */
export function group<Table extends ParameterTable>(table: Table): Parameter<Values<Table>> {
  return {
    ...used(['', ...coveredNames(table).map((name) => `.${name}`)]),
    members: { below: '', table },
    read: (set, name) => {
      checkHasMembersOnly(set, name, `${name}.<member>`);
      return readParameters(table, set, `${name}.`);
    },
  };
}

/**
 * `Name.N.Field`, in the order of N, each with its full `name` for messages. A value at `Name` or `Name.N` itself, or below
 * what is no number, is refused.
 */
export function groups<Table extends ParameterTable>(
  table: Table,
  limit: { most: number; code: string },
): Parameter<(Values<Table> & { name: string })[]> {
  return {
    ...used(['', ...coveredNames(table).map((name) => `.N.${name}`)]),
    members: { below: 'N.', table },
    read: (set, name) => {
      checkHasItemsOnly(set, name, `${name}.1.<member>`);
      const indexes = set.indexes(name);
      if (indexes.length > limit.most) {
        throw new RequestError(
          limit.code,
          `The parameter "${name}.N" has ${indexes.length} items; at most ${limit.most} are allowed.`,
        );
      }
      return indexes.map((index) => {
        const item = `${name}.${index}`;
        checkHasMembersOnly(set, item, `${item}.<member>`);
        return { ...readParameters(table, set, `${item}.`), name: item };
      });
    },
  };
}

/** Must be there. */
export function required<T>(parameter: Parameter<T | null>, code = 'MissingParameter'): Parameter<T> {
  return {
    ...parameter,
    isRequired: true,
    read: (set, name) => {
      const value = parameter.read(set, name);
      if (value !== null) return value;
      throw new RequestError(
        code,
        `The input parameter "${name}" that is mandatory for processing this request is not supplied.`,
      );
    },
  };
}

export function withDefault<T>(parameter: Parameter<T | null>, value: T): Parameter<T> {
  const isShown =
    (typeof value === 'string' && value !== '') || typeof value === 'number' || typeof value === 'boolean';
  const shape = [parameter.shape, isShown ? `default ${value}` : undefined].filter(Boolean).join('; ');
  return {
    ...parameter,
    ...(shape === '' ? {} : { shape }),
    read: (set, name) => parameter.read(set, name) ?? value,
  };
}

/** Documented, and harmless to accept because it changes nothing here. */
export function noEffect(reason: string): Parameter<null> {
  return { use: 'no effect', reason, covers: ['', '.*'], read: () => null };
}

/** Documented, but what it asks for is not built: refused, unless the value (any case) asks for what is so anyway. */
export function notBuilt(
  reason: string,
  options: { code?: string; neutral?: readonly string[] } = {},
): Parameter<null> {
  const accepts = options.neutral ?? [];
  const neutral = accepts.map((word) => word.toLowerCase());
  const refusal = (name: string) =>
    new RequestError(options.code ?? 'UnsupportedParameter', `The parameter "${name}" cannot be used: ${reason}.`);
  return {
    use: 'refused',
    reason,
    accepts,
    covers: ['', '.*'],
    read: (set, name) => {
      const value = set.find(name);
      const isNeutral = value !== null && neutral.includes(value.toLowerCase());
      if (!isNeutral && set.hasUnder(name)) throw refusal(name);
      return null;
    },
  };
}

/** `one of a, b, c`, `a or b`. */
export function oneOfShape(words: readonly string[]): string {
  return words.length > 2 ? `one of ${words.join(', ')}` : words.join(' or ');
}

function parse<T>(parseValue: (value: string, name: string) => T): Parameter<T | null> {
  return shaped({}, parseValue);
}

function shaped<T>(
  told: Pick<Parameter<unknown>, 'shape' | 'accepts'>,
  parseValue: (value: string, name: string) => T,
): Parameter<T | null> {
  return {
    ...used(['']),
    ...told,
    read: (set, name) => {
      const value = set.find(name);
      return value === null ? null : parseValue(value, name);
    },
  };
}

function used(covers: readonly string[]): Pick<Parameter<unknown>, 'use' | 'reason' | 'covers'> {
  return { use: 'used', reason: '', covers };
}

function checkHasMembersOnly(set: ParameterSet, name: string, form: string): void {
  const value = set.find(name);
  if (value !== null) throw invalidParameter('InvalidParameter', name, value, `give it as ${form}`);
}

function checkHasItemsOnly(set: ParameterSet, name: string, form: string): void {
  checkHasMembersOnly(set, name, form);
  const stray = set.findStray(name);
  if (stray !== null) throw strayItem(name, stray, form);
}

function strayItem(name: string, stray: string, form: string): RequestError {
  const shown = JSON.stringify(stray.slice(0, 64));
  return new RequestError(
    'InvalidParameter',
    `The parameter ${shown} is no item of the list "${name}"; give its items as ${form}, counted from 1.`,
  );
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

/** Only what cannot mean anything else: no quotes and no backslashes inside. */
function parseSingleQuoted(value: string): unknown {
  const isList = /^\s*\[\s*'[^'"\\]*'(?:\s*,\s*'[^'"\\]*')*\s*\]\s*$/.test(value);
  return isList ? parseJson(value.replaceAll("'", '"')) : undefined;
}
