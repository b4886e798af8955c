/**
 * The grammar of `hupo ecs`, which is the aliyun CLI's: parameters and flags in any order, `--Name value`, `--Name=value` or
 * `--Name:value`; some flags take several words (`--output cols=A rows=B`). Pure: nothing is looked up but the flags.
 *
 * A word that begins with two hyphens is always a name, as there; a value that does is written `--Name=--value`.
 */
import { findFlag, findShortFlag, type Flag } from './ecs-flags.ts';
import { UsageError } from './usage-error.ts';

export interface EcsWords {
  /** What belongs to no name: the action, or `help` and the action. */
  words: string[];
  /** Flag → its values: none for a switch, `field=value` for fields. */
  flags: Map<string, string[]>;
  /** Parameter → value, as typed. */
  parameters: Map<string, string>;
}

/** A name that waits for its value, or takes any number of them. */
interface Open {
  name: string;
  take: (value: string) => void;
  needsValue: boolean;
  takesMore: boolean;
  /** Whether a word is none of its values, as `DescribeDisks` behind `--pager`. */
  refuses: (value: string) => string | null;
}

/** Throws a UsageError that says what is wrong with which word. */
export function parseWords(args: readonly string[]): EcsWords {
  const reader = new WordReader();
  for (const arg of args) reader.read(arg);
  reader.close();
  return reader.found;
}

class WordReader {
  readonly found: EcsWords = { words: [], flags: new Map(), parameters: new Map() };
  #open: Open | null = null;

  read(word: string): void {
    const named = splitName(word);
    if (named !== null) return this.#readName(named.name, named.value);
    const short = /^-([a-z])(?:[=:](.*))?$/s.exec(word);
    const flag = findShortFlag(short?.[1] ?? '');
    if (flag !== undefined) return this.#readFlag(flag, `-${flag.short}`, short?.[2]);
    this.#readPlain(word);
  }

  /** After the last word. */
  close(): void {
    const open = this.#open;
    this.#open = null;
    if (open?.needsValue === true) throw new UsageError(`${open.name} lacks its value`);
  }

  #readName(name: string, value: string | undefined): void {
    if (this.#open?.needsValue === true) {
      throw new UsageError(
        `${this.#open.name} lacks its value; one that begins with "--" is written ${this.#open.name}=--…`,
      );
    }
    if (name === '') throw new UsageError('"--" alone is nothing here: leave it out');
    const flag = findFlag(name);
    if (flag !== undefined) return this.#readFlag(flag, `--${name}`, value);
    this.#begin({
      name: `--${name}`,
      value,
      takesMore: false,
      refuses: () => null,
      take: (text) => {
        if (this.found.parameters.has(name)) throw new UsageError(`--${name} is given twice`);
        this.found.parameters.set(name, text);
      },
    });
  }

  #readFlag(flag: Flag, typed: string, value: string | undefined): void {
    this.close();
    const several = flag.takes === 'fields' || flag.takes === 'pairs';
    const values = this.found.flags.get(flag.name) ?? [];
    if (this.found.flags.has(flag.name) && !several) throw new UsageError(`${typed} is given twice`);
    this.found.flags.set(flag.name, values);
    if (flag.takes === 'nothing') {
      if (value !== undefined) throw new UsageError(`${typed} is a switch and takes no value`);
      return;
    }
    const refuses = (text: string) => (several ? findFieldProblem(flag, text) : null);
    this.#begin({ name: typed, value, takesMore: several, refuses, take: (text) => values.push(text) });
  }

  #begin(
    what: Omit<Open, 'needsValue' | 'take'> & { value: string | undefined; take: (value: string) => unknown },
  ): void {
    const take = (value: string) => {
      const problem = what.refuses(value);
      if (problem !== null) throw new UsageError(problem);
      what.take(value);
    };
    if (what.value !== undefined) take(what.value);
    const isDone = what.value !== undefined && !what.takesMore;
    this.#open = isDone ? null : { ...what, take, needsValue: !what.takesMore };
  }

  #readPlain(word: string): void {
    const open = this.#open;
    const isValue = open !== null && (open.refuses(word) === null || this.found.words.length > 0);
    if (isValue) {
      open.take(word);
      if (!open.takesMore) this.#open = null;
      return;
    }
    if (/^-./.test(word)) throw new UsageError(`"${word}" is no flag: names are written with two hyphens`);
    this.#open = null;
    this.found.words.push(word);
  }
}

/** `--Name`, `--Name=value`, `--Name:value`; three hyphens begin a value. */
function splitName(word: string): { name: string; value: string | undefined } | null {
  const match = /^--(?!-)([^=:]*)(?:[=:](.*))?$/s.exec(word);
  return match === null ? null : { name: match[1] ?? '', value: match[2] };
}

function findFieldProblem(flag: Flag, text: string): string | null {
  const at = text.indexOf('=');
  const field = at < 0 ? '' : text.slice(0, at);
  const hint = `--${flag.name} takes ${flag.form}; quote what holds spaces or brackets`;
  if (at <= 0) return `"${text}" does not belong behind --${flag.name}: ${hint}`;
  if (flag.fields === undefined || flag.fields.includes(field)) return null;
  return `--${flag.name} has no field "${field}": ${hint}`;
}
