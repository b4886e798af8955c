/**
 * Which snapshots go by themselves, and why the others stay: retention by days (`ecs-api.md` 4.6), and the extension that keeps the
 * last ones and one of each hour, day, week, month and year besides. Pure: `planRetention` is told everything.
 *
 * What it never does: delete the newest good automatic snapshot of a disk, nor anything locked, in use or unfinished; nor more of a
 * disk's good snapshots at a time than the share that is set, unless somebody has agreed to exactly these (`approved`).
 * Order is the order of the freezes, not of times, which clocks may have got wrong.
 */
import { SCHEDULE_OFFSET_MS } from './schedule.ts';

const DAY_MS = 86_400_000;

/** How many to keep besides those that are younger than the days of retention: the last ones, and of each period the last one. */
export interface KeepRules {
  last: number;
  hourly: number;
  daily: number;
  weekly: number;
  monthly: number;
  yearly: number;
}

export const KEEP_PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

/** What a policy that made the snapshot says about keeping it. */
export interface KeptFor {
  policyId: string;
  /** The moment of the schedule that it was made for. */
  slotMs: number;
  /** Null: for ever. */
  days: number | null;
  /** Whether the policy kept by rules when it made it; its rules are the present ones, and without it there are none: for ever. */
  isTiered: boolean;
}

export interface RetainedSnapshot {
  snapshotId: string;
  /** Freezes of a disk are numbered; a later one has a higher number. */
  sequence: number;
  status: 'progressing' | 'accomplished' | 'failed';
  isAutomatic: boolean;
  /** Since when its days count; on the clock that `nowMs` is read from. */
  keptSinceMs: number;
  /** RetentionDays; null: none of its own, so what `keptFor` says. */
  retentionDays: number | null;
  keptFor: readonly KeptFor[];
  /** What forbids deleting it, for people; null: nothing. */
  heldBy: string | null;
}

export interface RetentionDecision {
  snapshotId: string;
  /** `hold`: it would go, but somebody must agree. */
  decision: 'keep' | 'delete' | 'hold';
  /** For people. */
  reason: string;
}

export interface RetentionFacts {
  /** Of one disk, in any order. */
  snapshots: readonly RetainedSnapshot[];
  /** Of the policies that are there. */
  rules: ReadonlyMap<string, KeepRules | null>;
  nowMs: number;
  /** Of 1: so much of what is good may go at a time. */
  mostShare: number;
  /** What somebody has agreed to. */
  approved: ReadonlySet<string>;
}

/** Each snapshot once, in the order of their sequence, the latest first. */
export function planRetention(facts: RetentionFacts): RetentionDecision[] {
  const ordered = facts.snapshots.toSorted((one, other) => other.sequence - one.sequence);
  const tiers = keepByTiers(ordered, facts.rules);
  const newestGood = ordered.find(({ status, isAutomatic }) => status === 'accomplished' && isAutomatic);
  const decisions = ordered.map((snapshot): RetentionDecision => {
    const { snapshotId } = snapshot;
    const reason = reasonToKeep(snapshot, { tiers, facts });
    if (reason !== null) return { snapshotId, decision: 'keep', reason };
    if (snapshot === newestGood) {
      return { snapshotId, decision: 'keep', reason: 'it is the newest good automatic snapshot of its disk' };
    }
    return { snapshotId, decision: 'delete', reason: reasonToDelete(snapshot) };
  });
  return holdBack(ordered, decisions, facts);
}

/** Why each automatic snapshot stays by the rules of a policy: `POLICY SNAPSHOT` → reason. */
type Tiers = ReadonlyMap<string, string>;

function keepByTiers(ordered: readonly RetainedSnapshot[], rulesOf: RetentionFacts['rules']): Tiers {
  const kept = new Map<string, string>();
  for (const [policyId, rules] of rulesOf) {
    if (rules === null) continue;
    const good = ordered.flatMap((snapshot) => {
      const membership = snapshot.keptFor.find((one) => one.policyId === policyId && one.isTiered);
      const isGood = snapshot.status === 'accomplished' && membership !== undefined;
      return isGood ? [{ snapshotId: snapshot.snapshotId, slotMs: membership.slotMs }] : [];
    });
    const keep = (snapshotId: string, reason: string) => {
      const key = tierKey(policyId, snapshotId);
      if (!kept.has(key)) kept.set(key, reason);
    };
    for (const [index, { snapshotId }] of good.slice(0, rules.last).entries()) {
      keep(snapshotId, `${policyId} keeps the last ${rules.last}: it is number ${index + 1}`);
    }
    for (const period of KEEP_PERIODS) {
      const seen = new Set<string>();
      for (const { snapshotId, slotMs } of good) {
        const name = periodOf(period, slotMs);
        if (seen.has(name)) continue;
        if (seen.size >= rules[period]) break;
        seen.add(name);
        keep(snapshotId, `${policyId} keeps ${rules[period]} ${period}: it is the last of ${name}`);
      }
    }
  }
  return kept;
}

function tierKey(policyId: string, snapshotId: string): string {
  return `${policyId} ${snapshotId}`;
}

/** The period that a moment is in, in UTC+8, as people write it. Weeks are those of ISO 8601. */
export function periodOf(period: (typeof KEEP_PERIODS)[number], atMs: number): string {
  const there = new Date(atMs + SCHEDULE_OFFSET_MS);
  const text = there.toISOString();
  if (period === 'hourly') return `${text.slice(0, 13).replace('T', ' ')}:00`;
  if (period === 'daily') return text.slice(0, 10);
  if (period === 'monthly') return text.slice(0, 7);
  if (period === 'yearly') return text.slice(0, 4);
  const midnightMs = Math.floor(there.getTime() / DAY_MS) * DAY_MS;
  const thursday = new Date(midnightMs + (4 - (there.getUTCDay() || 7)) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY_MS)) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}

/** Null: nothing speaks for it. */
function reasonToKeep(
  snapshot: RetainedSnapshot,
  { tiers, facts }: { tiers: Tiers; facts: RetentionFacts },
): string | null {
  const { status, retentionDays, keptFor, heldBy, snapshotId } = snapshot;
  if (status === 'progressing') return 'it is being made';
  const ageDays = (facts.nowMs - snapshot.keptSinceMs) / DAY_MS;
  if (retentionDays !== null) {
    if (ageDays < retentionDays) return `its ${retentionDays} days are not over`;
    return heldBy;
  }
  if (keptFor.length === 0) return 'it has no RetentionDays';
  for (const { policyId, days, isTiered } of keptFor) {
    if (days === null) return `${policyId} keeps it for ever`;
    if (ageDays < days) return `the ${days} days of ${policyId} are not over`;
    if (!isTiered) continue;
    if (facts.rules.get(policyId) === undefined) return `${policyId}, whose rules would say when it goes, is deleted`;
    if (facts.rules.get(policyId) === null) return `${policyId} has no rules any more that would say when it goes`;
    const reason = status === 'accomplished' ? tiers.get(tierKey(policyId, snapshotId)) : undefined;
    if (reason !== undefined) return reason;
  }
  return heldBy;
}

function reasonToDelete({ retentionDays, keptFor, status }: RetainedSnapshot): string {
  if (retentionDays !== null) return `its ${retentionDays} days are over`;
  if (status === 'failed') return 'it failed, and its days are over';
  const names = [...new Set(keptFor.map(({ policyId }) => policyId))].join(', ');
  return keptFor.some(({ isTiered }) => isTiered)
    ? `its days are over, and no rule of ${names} keeps it`
    : `the days of ${names} are over`;
}

/** One may always go: a disk with two snapshots could never lose any. */
function holdBack(
  ordered: readonly RetainedSnapshot[],
  decisions: RetentionDecision[],
  { mostShare, approved }: RetentionFacts,
): RetentionDecision[] {
  const good = new Set(ordered.filter(({ status }) => status === 'accomplished').map(({ snapshotId }) => snapshotId));
  const isHeldBack = ({ decision, snapshotId }: RetentionDecision) =>
    decision === 'delete' && good.has(snapshotId) && !approved.has(snapshotId);
  const going = decisions.filter(isHeldBack);
  const most = Math.max(1, Math.floor(good.size * mostShare));
  if (going.length <= most) return decisions;
  const percent = Math.round(mostShare * 100);
  return decisions.map((one) =>
    isHeldBack(one)
      ? {
          ...one,
          decision: 'hold',
          reason: `${one.reason}; ${going.length} of ${good.size} good snapshots of the disk would go at once, more than ${percent} %: somebody must agree`,
        }
      : one,
  );
}
