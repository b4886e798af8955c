/**
 * CreateAutoSnapshotPolicy and what changes policies and what they are applied to (`ecs-api.md` 2.2), as requests. A run that has
 * begun goes on with what the policy said then.
 */
import {
  applyToDisk,
  countPolicies,
  deletePolicy as deletePolicyRow,
  findPolicy,
  formatTerms,
  insertPolicy,
  listPoliciesOfDisk,
  takeFromDisks,
  termsOf,
  updatePolicy,
} from '../../catalog/policies.ts';
import type { PolicyRow, Queries } from '../../catalog/schema.ts';
import { deleteTags, insertTags } from '../../catalog/tags.ts';
import { POLICIES_OF_DISK_QUOTA, POLICY_QUOTA, refuseTerms } from '../../ecs/auto-snapshot-policy.ts';
import type { PolicyTerms } from '../../ecs/auto-snapshot-policy.ts';
import { newId } from '../../ecs/ids.ts';
import type { Tag } from '../../ecs/resources.ts';
import type { Schedule } from '../../ecs/schedule.ts';
import { RequestError } from '../../lib/errors.ts';
import { change } from '../change.ts';
import type { Parts } from '../parts.ts';
import type { ChangeOptions } from '../requests.ts';
import { assertAllowed, getDisk } from '../rows.ts';

export interface CreatePolicyRequest extends PolicyTerms {
  resourceGroupId: string;
  tags: Tag[];
}

/** Absent members stay as they are. */
export interface ModifyPolicyRequest extends Partial<Omit<PolicyTerms, 'schedule'>>, Partial<Schedule> {
  policyId: string;
}

export interface PolicyOfDisksRequest {
  policyId: string;
  diskIds: string[];
}

/** Its first run is at its first time from now on. */
export async function createPolicy(
  parts: Parts,
  { resourceGroupId, tags, ...terms }: CreatePolicyRequest,
  options: ChangeOptions,
): Promise<{ policyId: string }> {
  return await change(parts, options, async (transaction) => {
    if ((await countPolicies(transaction)) >= POLICY_QUOTA) {
      throw new RequestError(
        'AutoSnapshotPolicy.QuotaExceed',
        `There are ${POLICY_QUOTA} automatic snapshot policies, the most that a region may have: delete one.`,
      );
    }
    assertTerms(parts, terms);
    const nowMs = parts.clock.nowMs();
    const policyId = newId('sp-', parts.region.regionId, parts.random);
    await insertPolicy(transaction, {
      ...{ policy_id: policyId, resource_group_id: resourceGroupId, created_at_ms: nowMs, cursor_ms: nowMs },
      ...formatTerms(terms),
    });
    await insertTags(transaction, policyId, tags);
    return { policyId };
  });
}

/** At once, for every disk that it is applied to. What is kept by days is kept as long as it was said when it was made. */
export async function modifyPolicy(
  parts: Parts,
  { policyId, hours, weekdays, ...changed }: ModifyPolicyRequest,
  options: ChangeOptions,
): Promise<void> {
  await change(parts, options, async (transaction) => {
    const row = await getPolicy(transaction, policyId);
    const before = termsOf(row);
    if (changed.targetTags !== undefined && before.targetTags === null) {
      throw new RequestError(
        'ParameterInvalid',
        `The policy ${policyId} is applied to single disks: TargetTags is for one that was created with AssociatedWithInstanceTag.`,
      );
    }
    const schedule = { hours: hours ?? before.schedule.hours, weekdays: weekdays ?? before.schedule.weekdays };
    const terms: PolicyTerms = { ...before, ...changed, schedule };
    assertTerms(parts, terms);
    // What of a new schedule is past by now is nobody's: it has not been missed.
    const isNewSchedule = JSON.stringify(terms.schedule) !== JSON.stringify(before.schedule);
    const cursor = isNewSchedule ? { cursor_ms: parts.clock.nowMs() } : {};
    await updatePolicy(transaction, policyId, { ...formatTerms(terms), ...cursor });
  });
}

/** Takes it from its disks. The snapshots that it made stay. */
export async function deletePolicy(
  parts: Parts,
  { policyId }: { policyId: string },
  options: ChangeOptions,
): Promise<void> {
  await change(parts, options, async (transaction) => {
    await getPolicy(transaction, policyId);
    await deletePolicyRow(transaction, policyId);
    await deleteTags(transaction, policyId);
  });
}

/** Besides those that are applied to the disks already. All of them or none. */
export async function applyPolicy(
  parts: Parts,
  { policyId, diskIds }: PolicyOfDisksRequest,
  options: ChangeOptions,
): Promise<void> {
  await change(parts, options, async (transaction) => {
    for (const diskId of diskIds) await getDisk(transaction, diskId);
    await applyPolicyTo(transaction, policyId, { diskIds, nowMs: parts.clock.nowMs() });
  });
}

/** In the transaction of whatever makes the disks. */
export async function applyPolicyTo(
  transaction: Queries,
  policyId: string,
  { diskIds, nowMs }: { diskIds: readonly string[]; nowMs: number },
): Promise<void> {
  const { target_tags: targetTags } = await getPolicy(transaction, policyId, 'InvalidAutoSnapshotPolicyId.NotFound');
  if (targetTags !== null) {
    throw new RequestError(
      'InvalidOperation.AutoSnapshotPolicyConflict',
      `The policy ${policyId} is applied by tags of instances: tag the instance of the disk instead (ModifyAutoSnapshotPolicyEx changes the tags).`,
    );
  }
  for (const diskId of diskIds) {
    const applied = await listPoliciesOfDisk(transaction, diskId);
    if (!applied.includes(policyId) && applied.length >= POLICIES_OF_DISK_QUOTA) {
      throw new RequestError(
        'QuotaExceed.AppliedAutoSnapshotPolicyQuota',
        `The disk ${diskId} has ${applied.length} automatic snapshot policies, the most that there may be: cancel one.`,
      );
    }
    await applyToDisk(transaction, { policyId, diskId }, nowMs);
  }
}

/** Without a policy: the one that each disk has. */
export async function cancelPolicy(
  parts: Parts,
  { policyId, diskIds }: { policyId: string | null; diskIds: string[] },
  options: ChangeOptions,
): Promise<void> {
  await change(parts, options, async (transaction) => {
    if (policyId !== null) await getPolicy(transaction, policyId);
    for (const diskId of diskIds) {
      await getDisk(transaction, diskId);
      const applied = await listPoliciesOfDisk(transaction, diskId);
      if (policyId === null && applied.length > 1) {
        throw new RequestError(
          'OperationDenied.TooManyAutoSnapshotPolicies',
          `The disk ${diskId} has several automatic snapshot policies, ${applied.join(', ')}: say which with autoSnapshotPolicyId.`,
        );
      }
      const cancelled = policyId ?? applied[0];
      if (cancelled !== undefined) await takeFromDisks(transaction, cancelled, diskId);
    }
  });
}

export async function getPolicy(queries: Queries, policyId: string, code = 'ParameterInvalid'): Promise<PolicyRow> {
  const row = await findPolicy(queries, policyId);
  if (row !== undefined) return row;
  throw new RequestError(
    code,
    `There is no automatic snapshot policy ${policyId}: DescribeAutoSnapshotPolicyEx lists those that there are.`,
    code === 'ParameterInvalid' ? { status: 404 } : undefined,
  );
}

function assertTerms({ regions, region }: Parts, terms: PolicyTerms): void {
  assertAllowed(refuseTerms(terms));
  const { copies, copyRegionId } = terms;
  if (copies && copyRegionId === null) {
    throw new RequestError(
      'InvalidParameter.TargetCopyRegions',
      'EnableCrossRegionCopy needs TargetCopyRegions, such as ["cn-beijing"].',
    );
  }
  if (!copies || copyRegionId === null) return;
  const others = regions.regionIds.filter((one) => one !== region.regionId);
  if (others.includes(copyRegionId)) return;
  const known =
    others.length === 0
      ? 'this server has no other region (`serve --add-region` adds one)'
      : `the others are ${others.join(', ')}`;
  throw new RequestError(
    'InvalidParameter.TargetCopyRegions',
    `Snapshots cannot be copied to ${JSON.stringify(copyRegionId)}: ${known}.`,
  );
}
