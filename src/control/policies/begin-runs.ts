/**
 * Which runs of automatic snapshot policies begin: in one transaction the slots that are due are written down, each with its disks
 * (`catalog/policy-runs.ts`). From there they are worked through (`targets.ts`), whatever dies meanwhile.
 *
 * Invariants: a slot of a policy is written down once at most (the table's key); what is due at once is one snapshot of a disk
 * for all its policies.
 *
 * | died | durable state | the next server |
 * |---|---|---|
 * | before the commit | nothing: the cursor and the slots are as before | finds the same slots due |
 * | after it | the slots, their disks `pending` | works through them |
 */
import { listAllPolicies, listDisksOfPolicy, termsOf, updatePolicy } from '../../catalog/policies.ts';
import { forgetOldRuns, insertRun, insertTarget, listSlotsRun } from '../../catalog/policy-runs.ts';
import type { TargetMember } from '../../catalog/policy-runs.ts';
import type { PolicyRow, Queries } from '../../catalog/schema.ts';
import { listNextSlots, planDue } from '../../ecs/schedule.ts';
import type { DueSlots } from '../../ecs/schedule.ts';
import type { Parts } from '../parts.ts';

/** How many disks have something to be done. */
export async function beginDueRuns({ catalog, clock, log }: Parts): Promise<number> {
  const nowMs = clock.nowMs();
  const policies = await listAllPolicies(catalog.queries);
  if (!policies.some((policy) => isLooked(policy, nowMs))) return 0;
  return await catalog.transaction(async (transaction) => {
    const members: (Omit<TargetMember, 'target_id'> & { diskId: string })[] = [];
    for (const policy of await listAllPolicies(transaction)) {
      const begun = await beginRun(transaction, policy, nowMs);
      if (begun === null) continue;
      if (begun.note !== null) log.warn(begun.note);
      members.push(...begun.members);
    }
    const byDisk = Map.groupBy(members, ({ diskId }) => diskId);
    for (const [diskId, ofDisk] of byDisk) {
      const slotMs = Math.max(...ofDisk.map((member) => member.slot_ms));
      const rows = ofDisk.map(({ diskId: _disk, ...member }) => member);
      await insertTarget(transaction, { diskId, slotMs, begunAtMs: nowMs }, rows);
    }
    return byDisk.size;
  });
}

interface BegunRun {
  members: (Omit<TargetMember, 'target_id'> & { diskId: string })[];
  /** For people: what was missed. */
  note: string | null;
}

async function beginRun(transaction: Queries, policy: PolicyRow, nowMs: number): Promise<BegunRun | null> {
  const { policy_id: policyId } = policy;
  if (!isLooked(policy, nowMs)) return null;
  const due = planOf(policy, nowMs, await listSlotsRun(transaction, policyId));
  await updatePolicy(transaction, policyId, { cursor_ms: due.cursorMs });
  const note = noteOf(policyId, due.missedMs, due.slotMs);
  if (due.slotMs === null) return { members: [], note };
  const { slotMs } = due;
  const runId = await insertRun(transaction, {
    ...{ policy_id: policyId, slot_ms: slotMs, begun_at_ms: nowMs, missed_count: due.missedMs.length },
  });
  await forgetOldRuns(transaction, policyId);
  const diskIds = await listDisksOfPolicy(transaction, policy);
  const member = {
    ...{ policy_id: policyId, run_id: runId, slot_ms: slotMs, retention_days: policy.retention_days },
    tiered: policy.keep_rules === null ? 0 : 1,
    copy_region_id: policy.copies === 1 ? policy.copy_region_id : null,
    copied_retention_days: policy.copied_retention_days,
  };
  return { members: diskIds.map((diskId) => ({ ...member, diskId })), note };
}

/** Whether there may be something to write: without any slot since the cursor, that may stay where it is. */
function isLooked(policy: PolicyRow, nowMs: number): boolean {
  const { slotMs, missedMs } = planOf(policy, nowMs, new Set());
  return slotMs !== null || missedMs.length > 0 || nowMs < policy.cursor_ms;
}

function planOf(policy: PolicyRow, nowMs: number, ran: ReadonlySet<number>): DueSlots {
  const { schedule, catchesUp } = termsOf(policy);
  const seen = { cursorMs: policy.cursor_ms, hasRun: (slotMs: number) => ran.has(slotMs) };
  return planDue(schedule, seen, { nowMs, catchesUp });
}

function noteOf(policyId: string, missedMs: readonly number[], slotMs: number | null): string | null {
  const [latest] = missedMs;
  if (latest === undefined) return null;
  const count = missedMs.length === 1 ? 'a run' : `${missedMs.length} runs`;
  const then = slotMs === null ? 'and are not made up for' : `and are made up for by that of ${formatSlot(slotMs)}`;
  return `${count} of ${policyId} until ${formatSlot(latest)} were missed, ${then}`;
}

function formatSlot(slotMs: number): string {
  return `${new Date(slotMs).toISOString().slice(0, 16)}Z`;
}

/** When the next slot of any policy comes, or null. */
export async function findNextSlot({ catalog, clock }: Parts): Promise<number | null> {
  const nowMs = clock.nowMs();
  const policies = await listAllPolicies(catalog.queries);
  const slots = policies.flatMap((policy) => listNextSlots(termsOf(policy).schedule, nowMs, 1));
  return slots.length === 0 ? null : Math.min(...slots);
}
