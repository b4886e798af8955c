/**
 * What changes as one watches: on a terminal each picture takes the place of the one before, cut to its size; elsewhere lines
 * follow lines, the titles once. The terminal is given back as it was.
 */

export interface Terminal {
  isTerminal: boolean;
  size: () => { columns: number; rows: number };
  /** Whether nobody reads any more (`hupo disk top | head`). */
  isGone: () => boolean;
}

/** The first `titles` lines say what the others are. */
export interface Picture {
  lines: readonly string[];
  titles: number;
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR = '\u001b[2J';
const HOME = '\u001b[H';
const CLEAR_REST_OF_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

export class Screen {
  readonly #write: (text: string) => void;
  readonly #terminal: Terminal;
  /** Whether pictures replace each other now. */
  isLive = false;
  #titlesShown = '';

  constructor(write: (text: string) => void, terminal: Terminal) {
    this.#write = write;
    this.#terminal = terminal;
  }

  /** From here on pictures replace each other, on a terminal. */
  begin(): void {
    this.isLive = this.#terminal.isTerminal;
    if (this.isLive) this.#write(`${HIDE_CURSOR}${CLEAR}`);
  }

  end(): void {
    if (this.isLive) this.#write(SHOW_CURSOR);
    this.isLive = false;
  }

  draw({ lines, titles }: Picture): void {
    if (this.isLive) return this.#write(this.#fit(lines));
    const shown = lines.slice(0, titles).join('\n');
    const isKnown = titles > 0 && shown === this.#titlesShown;
    this.#titlesShown = shown;
    return this.#write(`${lines.slice(isKnown ? titles : 0).join('\n')}\n`);
  }

  /** The line below the last is left free: a line break there would move the picture up. */
  #fit(lines: readonly string[]): string {
    const { columns, rows } = this.#terminal.size();
    const most = Math.max(1, rows - 1);
    const shown = lines.length <= most ? lines : [...lines.slice(0, most - 1), `… ${lines.length - most + 1} more`];
    const text = shown.map((line) => `${line.slice(0, columns)}${CLEAR_REST_OF_LINE}\n`);
    return `${HOME}${text.join('')}${CLEAR_BELOW}`;
  }
}
