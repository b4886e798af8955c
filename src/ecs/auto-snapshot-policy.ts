/** Automatic snapshot policies (`ecs-api.md` 2.2, 4.6) as the catalog keeps them and the API shows them, and their limits. Pure. */
import type { TagFilter } from './list-filters.ts';
import type { Tag } from './resources.ts';
import type { KeepRules } from './retention.ts';
import type { Schedule } from './schedule.ts';
import { SCHEDULE_OFFSET_MS } from './schedule.ts';
import { refusal } from './states.ts';
import type { Refusal } from './states.ts';

export const POLICY_QUOTA = 100;
export const POLICIES_OF_DISK_QUOTA = 10;
export const AUTOMATIC_SNAPSHOT_QUOTA = 1000;
export const RETENTION_DAYS_LIMIT = 65_536;
export const TARGET_TAG_LIMIT = 5;
/** Of each rule of `KeepRules`. */
export const KEEP_LIMIT = 1000;

/** What a policy does; everything but its identity. */
export interface PolicyTerms {
  /** Blank: none. */
  policyName: string;
  schedule: Schedule;
  /** Null: for ever. */
  retentionDays: number | null;
  keepRules: KeepRules | null;
  /** Whether a run that was missed while no server ran is made up for. */
  catchesUp: boolean;
  /** Tags of the instances whose disks it is applied to, each of which they must have; null: to single disks. */
  targetTags: TagFilter[] | null;
  copies: boolean;
  copyRegionId: string | null;
  /** Null: for ever. */
  copiedRetentionDays: number | null;
}

export interface Policy extends PolicyTerms {
  policyId: string;
  createdAtMs: number;
  resourceGroupId: string;
  diskCount: number;
  tags: Tag[];
}

export interface PolicyFilter {
  policyIds?: string[];
  policyName?: string;
  resourceGroupId?: string;
  tags?: TagFilter[];
}

export interface PolicyAssociation {
  policyId: string;
  diskId: string;
}

/** What became of one disk in a run. */
export interface PolicyRunDisk {
  diskId: string;
  state: 'pending' | 'making' | 'copying' | 'done' | 'skipped' | 'failed';
  snapshotId: string | null;
  reason: string | null;
}

export interface PolicyRun {
  /** In the order in which runs began. */
  runId: number;
  policyId: string;
  slotMs: number;
  begunAtMs: number;
  missedCount: number;
  disks: PolicyRunDisk[];
}

/** What is wrong with it as a whole. */
export function refuseTerms({ retentionDays, keepRules }: PolicyTerms): Refusal | null {
  if (keepRules === null || retentionDays !== null) return null;
  return refusal(
    'ParameterInvalid',
    'The rules Keep.* have no effect with retentionDays=-1, which keeps every snapshot for ever: give the days that all are kept before the rules thin them out.',
  );
}

/** Days as the API and the catalog have them, -1 for ever; null: for ever. */
export function daysOf(days: number): number | null {
  return days === -1 ? null : days;
}

/** `auto_20261123_2`: the day in UTC+8, and which of the disk's that day. */
export function automaticName(slotMs: number, number: number): string {
  const day = new Date(slotMs + SCHEDULE_OFFSET_MS).toISOString().slice(0, 10).replaceAll('-', '');
  return `auto_${day}_${number}`;
}
