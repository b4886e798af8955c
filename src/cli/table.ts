/**
 * `--output cols=A,B [rows=PATH] [num=true]`: an answer as the table that the aliyun CLI prints. A cell is written as Go prints a
 * value (`<nil>` for nothing, `map[Key:k Value:v]`, `[a b]`); control characters are written as escapes.
 */
import { findNumberText, type Json } from './answer-json.ts';
import { displayWidth } from './display-width.ts';
import { compileQuery, findListPath, membersOf, type Query } from './jmespath-query.ts';
import { suggest } from './suggestions.ts';
import { UsageError } from './usage-error.ts';

export interface TableFields {
  columns: readonly string[];
  /** A JMESPath expression that gives the list of rows; null makes the whole answer the one row. */
  rows: string | null;
  isNumbered: boolean;
}

interface Column {
  title: string;
  find: (row: Json) => Json;
}

/**
 * Ends with a line break. `subject` is what the rows are looked for in, for messages. Throws a UsageError when the rows are no list
 * or a column is no expression.
 */
export function formatTable(fields: TableFields, answer: Json, subject = 'this answer'): string {
  const rows = findRows(fields, answer, subject);
  const columns = columnsOf(fields, rows);
  const number = (text: string) => (fields.isNumbered ? [text] : []);
  const titles = [...number('Num'), ...columns.map(({ title }) => title)];
  const lines = [
    titles,
    titles.map((title) => '-'.repeat(displayWidth(title))),
    ...rows.map((row, index) => [...number(String(index)), ...columns.map(({ find }) => formatCell(find(row)))]),
  ];
  return align(lines);
}

/** A line for each column that no row has: it is likely to be misspelt, or the rows are not those that were meant. */
export function explainEmptyColumns(fields: TableFields, answer: Json, subject = 'this answer'): string[] {
  const rows = findRows(fields, answer, subject);
  if (rows.length === 0 || Array.isArray(rows[0])) return [];
  const empty = columnsOf(fields, rows).filter(({ find }) => rows.every((row) => find(row) === null));
  const names = new Set(rows.flatMap((row) => membersOf(row).map(([name]) => name)));
  const missing = empty.map(({ title }) => title).filter((title) => !names.has(title));
  const list = fields.rows === null ? findListPath(answer) : null;
  if (missing.length > 0 && list !== null) {
    return [`${missing.join(', ')}: ${subject} as a whole has no such member; give the list of its rows: rows=${list}`];
  }
  return missing.map((title) => {
    const near = suggest(title, names).join(' or ');
    return `no row has ${title}${near === '' ? `; it may be one of ${[...names].toSorted().join(', ')}` : `; did you mean ${near}?`}`;
  });
}

function columnsOf(fields: TableFields, rows: readonly Json[]): Column[] {
  return fields.columns.map(Array.isArray(rows[0]) ? columnOfIndex : columnOfPath);
}

function findRows({ rows: expression }: TableFields, answer: Json, subject: string): Json[] {
  if (expression === null) return [answer];
  const rows = compileQuery(expression, '--output rows')(answer);
  if (Array.isArray(rows)) return rows;
  const list = findListPath(answer);
  const hint = list === null ? `${subject} has no list: leave rows out` : `the list of ${subject} is rows=${list}`;
  throw new UsageError(`--output rows=${expression} gives ${rows === null ? 'nothing' : 'no list'}; ${hint}`);
}

/** A column without a value for a row is `<nil>` there, also where its expression fails. */
function columnOfPath(path: string): Column {
  const query: Query = compileQuery(path, '--output cols');
  return {
    title: path,
    find: (row) => {
      try {
        return query(row);
      } catch {
        return null;
      }
    },
  };
}

/** Of rows that are lists themselves: `Name:0`. */
function columnOfIndex(text: string): Column {
  const [, title = '', index] = /^([^:]*):(\d+)$/.exec(text) ?? [];
  if (index === undefined) {
    throw new UsageError(`--output cols: the rows are lists, so "${text}" must be Name:0, with the place in the list`);
  }
  return { title, find: (row) => (Array.isArray(row) ? (row[Number(index)] ?? null) : null) };
}

function formatCell(value: Json): string {
  return formatGo(value).replaceAll(
    // oxlint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function formatGo(value: Json): string {
  if (value === null) return '<nil>';
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map(formatGo).join(' ')}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return findNumberText(value) ?? `map[${members.map(([key, member]) => `${key}:${formatGo(member)}`).join(' ')}]`;
}

/** Columns are as wide as their longest cell; the last one is not padded. */
function align(lines: readonly (readonly string[])[]): string {
  const columnCount = lines[0]?.length ?? 0;
  const widths = Array.from({ length: columnCount }, (_, column) =>
    Math.max(...lines.map((line) => displayWidth(line[column] ?? ''))),
  );
  return lines
    .map((line) => line.map((cell, column) => (column === columnCount - 1 ? cell : pad(cell, widths[column] ?? 0))))
    .map((line) => `${line.join(' | ')}\n`)
    .join('');
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(width - displayWidth(cell));
}
