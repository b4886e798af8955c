/** A tag as a filter has it in the address and as people type it: `key` or `key=value`. A `=` or `\` that is the key's own has a `\` before it. */

export interface TagFilter {
  key: string;
  /** Blank: any. */
  value: string;
}

export function formatTagFilter({ key, value }: TagFilter): string {
  const escaped = key.replaceAll(/[\\=]/g, String.raw`\$&`);
  return value === '' ? escaped : `${escaped}=${value}`;
}

export function parseTagFilter(text: string): TagFilter {
  const escaped = /^(?:\\[\\=]|[^=])*/s.exec(text)?.[0] ?? '';
  return { key: escaped.replaceAll(/\\([\\=])/g, '$1'), value: text.slice(escaped.length + 1) };
}
