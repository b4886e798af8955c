/**
 * Answers as the aliyun CLI prints them: keys sorted, indented with tabs, numbers as the server wrote them. A number that
 * JavaScript would change (beyond 2^53, `1.0`) is kept as its text.
 */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

interface RawJson {
  rawJSON: string;
}

/** In every Node that runs this (≥ 22), and not yet in TypeScript's libraries. */
const textual = JSON as unknown as {
  rawJSON: (text: string) => RawJson;
  isRawJSON: (value: unknown) => value is RawJson;
  parse: (text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown) => Json;
};

/** Throws a SyntaxError for what is no JSON. */
export function parseAnswer(text: string): Json {
  return textual.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? textual.rawJSON(source) : value,
  );
}

export function formatAnswer(answer: Json): string {
  return JSON.stringify(sortKeys(answer), null, '\t');
}

/** The text of a number that JavaScript cannot hold, or undefined for anything else. */
export function findNumberText(value: unknown): string | undefined {
  return textual.isRawJSON(value) ? value.rawJSON : undefined;
}

function sortKeys(value: Json): Json {
  if (typeof value !== 'object' || value === null || textual.isRawJSON(value)) return value;
  if (Array.isArray(value)) return value.map(sortKeys);
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sortKeys(member)]),
  );
}
