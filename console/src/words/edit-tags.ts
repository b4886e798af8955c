/** What the form that edits tags says; lists of resources load it. */
import type { Section } from './language.tsx';

const en = {
  intro: (count: number) => (count === 1 ? 'At most 20 tags.' : `Of ${count} resources at once.`),
  someHint:
    'Tags that only some of them have, or with different values, stay as they are unless you change or remove them.',
  onSome: (some: number, all: number) => `on ${some} of ${all}`,
  differing: 'different values',
  valueOf: (key: string) => `Value of ${key}`,
  remove: (key: string) => `Remove ${key}`,
  save: 'Save',
};

const zh: typeof en = {
  intro: (count) => (count === 1 ? '最多 20 个标签。' : `同时编辑 ${count} 个资源的标签。`),
  someHint: '只有部分资源拥有的标签、或取值不同的标签，除非修改或移除，否则保持不变。',
  onSome: (some, all) => `${all} 个中的 ${some} 个`,
  differing: '取值不同',
  valueOf: (key) => `${key} 的值`,
  remove: (key) => `移除 ${key}`,
  save: '保存',
};

export const editTagsWords: Section<typeof en> = { en, zh };
