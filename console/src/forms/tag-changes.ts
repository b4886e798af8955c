/** What has to be asked for so that resources have the tags that a form shows. Pure. */
import type { TagPair } from '../api/shapes.ts';

/** A tag that at least one of the resources has. */
export interface PresentTag {
  key: string;
  /** Null: they have different ones. */
  value: string | null;
  /** How many have it. */
  count: number;
}

export interface TagRow {
  id: number;
  key: string;
  value: string;
  /** Null: it was added in the form. */
  was: PresentTag | null;
}

export interface TagChanges {
  put: readonly { key: string; value: string }[];
  removed: readonly string[];
}

/** By key, in the order of the first resource that has it. */
export function listPresentTags(resources: readonly (readonly TagPair[])[]): PresentTag[] {
  const present = new Map<string, PresentTag>();
  for (const { TagKey: key, TagValue: value } of resources.flat()) {
    const before = present.get(key);
    const isSame = before === undefined || before.value === value;
    present.set(key, { key, value: isSame ? value : null, count: (before?.count ?? 0) + 1 });
  }
  return [...present.values()];
}

/** A row that was not touched asks for nothing, also when only some have its tag; of two with the same key the last one counts. */
export function planTagChanges(present: readonly PresentTag[], rows: readonly TagRow[]): TagChanges {
  const put = new Map<string, string>();
  for (const { key, value, was } of rows) {
    const isUntouched = was !== null && value === (was.value ?? '');
    if (key.trim() !== '' && !isUntouched) put.set(key, value);
  }
  const kept = new Set(rows.flatMap(({ key, was }) => (was === null ? [] : [key])));
  const removed = present.map(({ key }) => key).filter((key) => !kept.has(key) && !put.has(key));
  return { put: [...put].map(([key, value]) => ({ key, value })), removed };
}
