/** What the overview says. */
import type { Section } from './language.tsx';

const en = {
  title: 'Overview',
  intro: 'What is protected, what is going on, and what went wrong.',
  disks: 'Disks',
  protected: 'have a snapshot or an automatic policy',
  unprotected: 'Not protected',
  unprotectedHint: 'These disks have neither a snapshot nor an automatic policy: a mistake on them cannot be undone.',
  allProtected: 'Every disk has a snapshot or an automatic policy.',
  working: 'In progress',
  nothingWorking: 'Nothing is in progress.',
  failed: 'Failed',
  nothingFailed: 'No failed snapshots.',
  snapshots: 'Snapshots',
  stored: 'Stored by snapshots',
  instances: 'Instances',
  running: 'running',
};

const zh: typeof en = {
  title: '概览',
  intro: '哪些受到保护，正在进行什么，出了什么问题。',
  disks: '云盘',
  protected: '有快照或自动快照策略',
  unprotected: '未受保护',
  unprotectedHint: '以下云盘既没有快照也没有自动快照策略：误操作将无法撤销。',
  allProtected: '每块云盘都有快照或自动快照策略。',
  working: '进行中',
  nothingWorking: '当前没有进行中的任务。',
  failed: '失败',
  nothingFailed: '没有失败的快照。',
  snapshots: '快照',
  stored: '快照占用的存储',
  instances: '实例',
  running: '运行中',
};

export const overviewWords: Section<typeof en> = { en, zh };
