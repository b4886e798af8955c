/** What a policy is about to do: its next runs, and of each of its disks what retention deletes by then, why, and what that frees. */
import { listDisksOfPolicy, termsOf } from '../../catalog/policies.ts';
import { findHold, listSnapshotsOfSubject } from '../../catalog/retention.ts';
import type { SnapshotRow } from '../../catalog/schema.ts';
import { previewRetention } from '../../ecs/retention-preview.ts';
import type { PreviewedEnd } from '../../ecs/retention-preview.ts';
import { listNextSlots } from '../../ecs/schedule.ts';
import type { TreeRef } from '../../repository/tree-ref.ts';
import type { Parts } from '../parts.ts';
import { getPolicy } from './requests.ts';
import { readFacts } from './retention.ts';

export interface PolicyPreview {
  runsMs: number[];
  disks: DiskPreview[];
}

export interface DiskPreview {
  diskId: string;
  ends: (PreviewedEnd & { createdAtMs: number })[];
  kept: { snapshotId: string; createdAtMs: number; reason: string }[];
  /** What the repository's chunks of the disk's chain get smaller by when all of `ends` is gone. */
  freedBytes: number;
  /** Snapshots that wait for somebody to agree. */
  heldIds: string[];
}

export async function previewPolicy(
  parts: Parts,
  { policyId, runCount, diskId }: { policyId: string; runCount: number; diskId: string | null },
): Promise<PolicyPreview> {
  const { queries } = parts.catalog;
  const policy = await getPolicy(queries, policyId);
  const terms = termsOf(policy);
  const runsMs = listNextSlots(terms.schedule, parts.clock.nowMs(), runCount);
  const isTiered = terms.keepRules !== null;
  const keptFor = { policyId, days: terms.retentionDays, isTiered };
  const disks: DiskPreview[] = [];
  for (const one of await listDisksOfPolicy(queries, policy)) {
    if (diskId !== null && one !== diskId) continue;
    const subject = { diskId: one, sourceRegionId: null };
    const rows = await listSnapshotsOfSubject(queries, subject);
    const preview = previewRetention(
      await readFacts(parts, subject),
      runsMs,
      keptFor,
      isTiered ? null : terms.retentionDays,
    );
    const createdAt = new Map(rows.map((row) => [row.snapshot_id, row.created_at_ms]));
    const dated = <T extends { snapshotId: string }>(item: T) => ({
      ...item,
      createdAtMs: createdAt.get(item.snapshotId) ?? 0,
    });
    const hold = await findHold(queries, one);
    disks.push({
      ...{ diskId: one, ends: preview.ends.map(dated), kept: preview.kept.map(dated) },
      freedBytes: measureFreed(parts, rows, new Set(preview.ends.map(({ snapshotId }) => snapshotId))),
      heldIds: hold === undefined ? [] : (JSON.parse(hold.snapshot_ids) as string[]),
    });
  }
  return { runsMs, disks };
}

function measureFreed({ repository }: Parts, rows: readonly SnapshotRow[], going: ReadonlySet<string>): number {
  const treesOf = (wanted: readonly SnapshotRow[]) =>
    wanted.flatMap(({ tree }) => (tree === null ? [] : [JSON.parse(tree) as TreeRef]));
  const whole = repository.sizeChain(treesOf(rows)).bytes;
  const left = repository.sizeChain(treesOf(rows.filter((row) => !going.has(row.snapshot_id)))).bytes;
  return Math.max(0, whole - left);
}
