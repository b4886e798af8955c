/** What retention will do to a disk's snapshots while a policy goes on running: the same plan, at each run to come. Pure. */
import { planRetention } from './retention.ts';
import type { KeptFor, RetainedSnapshot, RetentionFacts } from './retention.ts';

export interface PreviewedEnd {
  snapshotId: string;
  /** The run after which it goes, or is held back. */
  atMs: number;
  decision: 'delete' | 'hold';
  reason: string;
}

export interface RetentionPreview {
  ends: PreviewedEnd[];
  /** What is still there at the end, and why. */
  kept: { snapshotId: string; reason: string }[];
}

/** `runs`: the slots to come, ascending; each adds a good snapshot that is kept for `keptFor`. What runs add is told of nowhere. */
export function previewRetention(
  facts: RetentionFacts,
  runs: readonly number[],
  keptFor: Omit<KeptFor, 'slotMs'>,
  retentionDays: number | null,
): RetentionPreview {
  const known = new Set(facts.snapshots.map(({ snapshotId }) => snapshotId));
  const ends = new Map<string, PreviewedEnd>();
  let snapshots = [...facts.snapshots];
  let sequence = Math.max(0, ...snapshots.map((one) => one.sequence));
  let decisions = planRetention(facts);
  const look = (atMs: number): void => {
    decisions = planRetention({ ...facts, snapshots, nowMs: atMs });
    const going = new Set<string>();
    for (const { snapshotId, decision, reason } of decisions) {
      if (decision === 'delete') going.add(snapshotId);
      const isNew = !ends.has(snapshotId) || (ends.get(snapshotId)?.decision === 'hold' && decision === 'delete');
      if (decision !== 'keep' && isNew && known.has(snapshotId)) {
        ends.set(snapshotId, { snapshotId, atMs, decision, reason });
      }
    }
    snapshots = snapshots.filter(({ snapshotId }) => !going.has(snapshotId));
  };
  look(facts.nowMs);
  for (const slotMs of runs) {
    const added: RetainedSnapshot = {
      ...{ snapshotId: `run ${slotMs}`, sequence: ++sequence, status: 'accomplished', isAutomatic: true },
      ...{ keptSinceMs: slotMs, retentionDays, keptFor: [{ ...keptFor, slotMs }], heldBy: null },
    };
    snapshots.push(added);
    look(slotMs);
  }
  const isKept = ({ snapshotId, decision }: { snapshotId: string; decision: string }) =>
    decision === 'keep' && known.has(snapshotId);
  return {
    ends: [...ends.values()],
    kept: decisions.filter(isKept).map(({ snapshotId, reason }) => ({ snapshotId, reason })),
  };
}
