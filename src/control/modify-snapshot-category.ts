/**
 * ModifySnapshotCategory as a request. There is one repository, which holds every snapshot as small as it gets: no byte moves,
 * so one transaction does it all, and the task of an archiving is `Finished` in it.
 */
import { updateSnapshot } from '../catalog/snapshots.ts';
import { refuseModifyCategory } from '../ecs/archive-rules.ts';
import { refuseRetention } from '../ecs/states.ts';
import { change } from './change.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, ModifySnapshotCategoryRequest } from './requests.ts';
import { assertAllowed, getSnapshot, snapshotFacts } from './rows.ts';
import { createTask, finishTask } from './tasks.ts';

/** The task of an archiving; null when it is brought back. */
export async function modifySnapshotCategory(
  parts: Parts,
  { snapshotId, category, retentionDays }: ModifySnapshotCategoryRequest,
  options: ChangeOptions,
): Promise<{ taskId: string | null }> {
  return await change(parts, options, async (transaction) => {
    const row = await getSnapshot(transaction, snapshotId);
    const nowMs = parts.clock.nowMs();
    const facts = { snapshot: snapshotFacts(row), category: row.category, wanted: category };
    assertAllowed(refuseModifyCategory({ ...facts, ageMs: nowMs - row.created_at_ms }));
    if (retentionDays !== undefined) assertAllowed(refuseRetention(snapshotId, row.retention_days, retentionDays));
    await updateSnapshot(transaction, snapshotId, {
      ...{ category, modified_at_ms: nowMs },
      ...(retentionDays !== undefined && { retention_days: retentionDays }),
    });
    if (category === 'standard') return { taskId: null };
    const task = { action: 'ArchiveSnapshot', resourceId: snapshotId, cancellable: false, partCount: 1 } as const;
    const taskId = await createTask(parts, transaction, task);
    await finishTask(parts, transaction, taskId, [{ SnapshotId: snapshotId }]);
    return { taskId };
  });
}
