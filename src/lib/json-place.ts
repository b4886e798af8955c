/**
 * Where a text stops being JSON, as line and column: what the engine tells has the place only of some mistakes. Called for texts that
 * `JSON.parse` has refused, and as deep as they are nested, so only for short ones. Pure.
 */

export interface JsonPlace {
  /** Both from 1; the column counts UTF-16 units, as editors mostly do. */
  line: number;
  column: number;
  /** What stands there, or null at the end of the text. */
  found: string | null;
}

/** Null when it is JSON. */
export function findJsonProblem(text: string): JsonPlace | null {
  const reader = new Reader(text);
  if (reader.readValue() && reader.isAtEnd()) return null;
  const before = text.slice(0, reader.at);
  const line = before.split('\n').length;
  const [found] = text.slice(reader.at);
  return { line, column: reader.at - before.lastIndexOf('\n'), found: found ?? null };
}

const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// oxlint-disable-next-line no-control-regex
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;
const SPACE = /[ \t\r\n]*/y;

/** Each `read…` ends behind what it was to read, or says no and stays at what is wrong. */
class Reader {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  isAtEnd(): boolean {
    this.#take(SPACE);
    return this.at === this.#text.length;
  }

  readValue(): boolean {
    if (this.#takeSign('{')) return this.#readList('}', () => this.#readMember());
    if (this.#takeSign('[')) return this.#readList(']', () => this.readValue());
    return this.#text[this.at] === '"' ? this.#readString() : this.#take(SCALAR);
  }

  #readMember(): boolean {
    this.#take(SPACE);
    return this.#text[this.at] === '"' && this.#readString() && this.#takeSign(':') && this.readValue();
  }

  #readList(end: string, readItem: () => boolean): boolean {
    if (this.#takeSign(end)) return true;
    for (;;) {
      if (!readItem()) return false;
      if (this.#takeSign(end)) return true;
      if (!this.#takeSign(',')) return false;
    }
  }

  #readString(): boolean {
    this.#take(STRING);
    if (this.#text[this.at] !== '"') return false;
    this.at += 1;
    return true;
  }

  #takeSign(sign: string): boolean {
    this.#take(SPACE);
    if (this.#text[this.at] !== sign) return false;
    this.at += 1;
    return true;
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const [taken = ''] = pattern.exec(this.#text) ?? [];
    this.at += taken.length;
    return taken !== '';
  }
}
