/** ModifyDiskSpec as a request: what is checked and written before anything is done. */
import { findOperation } from '../catalog/operations.ts';
import type { DiskRow, Queries } from '../catalog/schema.ts';
import { planDiskSpec, refuseModifyDiskSpec } from '../ecs/disk-spec-rules.ts';
import { RequestError } from '../lib/errors.ts';
import { change } from './change.ts';
import { assertIdle } from './idle-disk.ts';
import { MODIFY_DISK_SPEC } from './operations/modify-disk-spec.ts';
import type { ModifyDiskSpecState } from './operations/modify-disk-spec.ts';
import { assertUnlocked } from './instance-locks.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, ModifyDiskSpecRequest } from './requests.ts';
import { assertAllowed, diskFacts, findInstanceOf, getDisk, listUnfinished } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { createTask } from './tasks.ts';
import { waitSoon } from './wait-soon.ts';

/** Null as task when only the performance level changes, which it has, then, when it answers. */
export async function modifyDiskSpec(
  parts: Parts,
  runner: OperationRunner,
  request: ModifyDiskSpecRequest,
  options: ChangeOptions,
): Promise<{ taskId: string | null }> {
  const { diskId, ...wanted } = request;
  const { operation, taskId } = await change(parts, options, async (transaction) => {
    const disk = await getDisk(transaction, diskId);
    await assertUnlocked(transaction, 'ModifyDiskSpec', disk.instance_id);
    await assertModifyAllowed(transaction, disk, wanted);
    const before = { category: disk.category, performanceLevel: disk.performance_level };
    const target = planDiskSpec(before, wanted);
    const task = { action: 'ModifyDiskSpec', resourceId: diskId, cancellable: false, partCount: 1 } as const;
    const id = target.category === before.category ? null : await createTask(parts, transaction, task);
    const state: ModifyDiskSpecState = { diskId, before, target, taskId: id };
    return { taskId: id, operation: await runner.record(transaction, MODIFY_DISK_SPEC, diskId, state) };
  });
  const done = runner.start(operation).done();
  await waitSoon(parts.clock, taskId === null ? done : done.catch(() => undefined)); // the task tells what it failed with
  return { taskId };
}

async function assertModifyAllowed(
  transaction: Queries,
  disk: DiskRow,
  wanted: Omit<ModifyDiskSpecRequest, 'diskId'>,
): Promise<void> {
  const { disk_id: diskId, category, performance_level: performanceLevel } = disk;
  const [unfinished = null] = await listUnfinished(transaction, [diskId]);
  assertAllowed(
    refuseModifyDiskSpec({
      disk: diskFacts(disk),
      instance: await findInstanceOf(transaction, disk),
      unfinished,
      size: { sizeGib: disk.size_gib, type: disk.type },
      present: { category, performanceLevel },
      wanted,
    }),
  );
  if ((await findOperation(transaction, MODIFY_DISK_SPEC, diskId)) !== undefined) {
    throw new RequestError('DiskInCoolingPeriod', `The disk ${diskId} is just being changed: wait for its task.`);
  }
  const resizing = 'OperationDenied.DiskExpansionUnfinished';
  await assertIdle(transaction, diskId, { releasing: 'DiskCreatingSnapshot', resizing });
}
